"""Opt-outs that count only where the recipe asks for them."""

import time

import pytest

from tests.crawl.loopback import HTML, Crawled, Page, Web
from webtext.crawl.robots import ai_agents, parse

NOINDEX = (*HTML, ("X-Robots-Tag", "noindex"))
NO_TRAINING = b"user-agent: GPTBot\nuser-agent: CCBot\ndisallow: /\n\nuser-agent: *\nallow: /"


@pytest.mark.parametrize(
    ("page", "detail"),
    [
        (Page(headers=NOINDEX), "X-Robots-Tag: noindex"),
        (Page(b'<meta name="robots" content="none"><p>x'), "meta robots: none"),
    ],
)
def test_noindex_is_an_opt_out_where_the_recipe_says_so(
    web: Web, crawled: Crawled, page: Page, detail: str
) -> None:
    first, second = web.site(page=page).url("/page"), web.site(page=page).url("/page")
    row = crawled.crawl([first], opt_out_extra=["noindex"])[first]
    assert (row["state"], row["detail"]) == ("opted_out", detail)
    assert crawled.crawl([second])[second]["state"] == "fetched"


def test_robots_that_disallow_a_crawler_for_training_are_an_opt_out_where_the_recipe_says_so(
    web: Web, crawled: Crawled
) -> None:
    sites = [web.site(page=Page()) for _ in range(2)]
    for site in sites:
        site.pages["/robots.txt"] = Page(NO_TRAINING)
    first, second = (site.url("/page") for site in sites)
    row = crawled.crawl([first], opt_out_extra=["ai-tokens"])[first]
    assert (row["state"], row["detail"]) == ("opted_out", "robots.txt disallows ccbot")
    assert crawled.crawl([second])[second]["state"] == "fetched"
    assert "/page" not in sites[0].paths()


def test_only_the_paths_that_a_named_crawler_may_not_have_are_refused() -> None:
    rules = parse(b"user-agent: ClaudeBot\ndisallow: /a\nallow: /a/b", "webtext", ai_agents())
    assert rules.refuses("http://x/a/c") == "claudebot"
    assert rules.refuses("http://x/a/b") is None
    assert rules.refuses("http://x/") is None


def test_many_rules_for_many_named_crawlers_take_no_longer_for_a_path_than_those_for_one() -> None:
    named = sorted(ai_agents())
    lines = [f"user-agent: {name}\n" + f"disallow: /*aa{name}\n" * 900 for name in named]
    rules = parse("\n".join(lines).encode(), "webtext", named)
    assert rules.refuses("http://x/short") is None
    started = time.thread_time()
    assert rules.refuses("http://x/" + "a" * 20_000) == named[0]
    assert time.thread_time() - started < 1


def test_what_is_said_to_everybody_is_not_said_to_crawlers_for_training() -> None:
    assert parse(b"user-agent: *\ndisallow: /", "webtext", ai_agents()).refuses("http://x/") is None


def test_the_list_names_the_well_known_ones_once() -> None:
    assert {"gptbot", "ccbot", "google-extended", "claudebot", "bytespider"} <= ai_agents()
