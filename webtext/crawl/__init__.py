"""Pages: the response of each link, stored as WARC, and a row that says what became of it.

In the order of the work, which `pipelines.pages` puts together:

- loop, crawler, schedule: threads and decisions; which host is asked next, what is tried again
- errands: one request and what it means, for a page or for a file of its origin (robots, tdmrep)
- network, dialer, addresses, cookies, failures: the request, within limits, to public addresses alone
- exchange, page: what came back, and the verdict on it (media_types, coding, zstd, optouts, refresh,
  retry_after)
- packing, revisits, warc: the exchange as records of a WARC file
- rows, journal (journal_reading, warc_names): the link's row, written so that a kill loses none
- recovery, archives: pages of dead links from Wayback, Common Crawl and WARC files of one's own
- carry, retry, host_history: what an earlier crawl has left for this one
- tombstones, warc_exchanges, scrub: what `webtext remove` takes out
- read_ahead: records read back for the next stage
"""

import logging

# warcio warns of URLs with a space, one line a record, of strangers' making; those are read all the same.
logging.getLogger("warcio").addHandler(logging.NullHandler())
