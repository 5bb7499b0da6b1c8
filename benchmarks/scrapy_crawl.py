"""The same crawl with Scrapy, for comparison; run by bench_crawl with a Python that has it.

    python scrapy_crawl.py URLS DELAY_S CONNECTIONS

Fetches the URLs of a file, a host's pages one after the other with the delay between them, robots.txt obeyed,
and keeps nothing. Prints the number of pages by status and the seconds as JSON.
"""

import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import scrapy
from scrapy.crawler import CrawlerProcess
from scrapy.http import Response

URLS, DELAY_S, CONNECTIONS = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
STATES: Counter[str] = Counter()


class Pages(scrapy.Spider):  # type: ignore[misc]
    name = "pages"
    custom_settings: ClassVar = {
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": DELAY_S,
        "RANDOMIZE_DOWNLOAD_DELAY": False,
        "CONCURRENT_REQUESTS": CONNECTIONS,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 1,
        "REACTOR_THREADPOOL_MAXSIZE": 20,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        "LOG_ENABLED": False,
        "DOWNLOAD_TIMEOUT": 30,
        "USER_AGENT": "webtext/0.1",
    }

    async def start(self) -> AsyncIterator[scrapy.Request]:
        for url in URLS.read_text().split():
            yield scrapy.Request(url, dont_filter=True, errback=self.failed)

    def parse(self, response: Response) -> None:
        STATES[str(response.status)] += bool(response.body)

    def failed(self, _: object) -> None:
        STATES["failed"] += 1


process = CrawlerProcess()
process.crawl(Pages)
started = time.monotonic()
process.start()
print(json.dumps({"pages": dict(STATES), "wall_s": time.monotonic() - started}))
