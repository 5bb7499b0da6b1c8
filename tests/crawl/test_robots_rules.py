import codecs
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.robots import MAX_BYTES, parse, product_token

HOST = "http://foo.bar"


def allows(robots: str, path: str, agent: str = "webtext") -> bool:
    return parse(robots.encode(), agent).allows(HOST + path)


def group(rules: str, agents: str = "*") -> str:
    return f"user-agent: {agents}\n{rules}\n"


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("", True),
        ("<html><body>Disallow: /</body></html>", True),
        ("user-agent: *\ndisallow: /", False),
        ("user-agent: *\ndisallow:", True),
        ("USER-AGENT: *\nDISALLOW: /", False),
        ("user-agent: other\ndisallow: /", True),
        ("user-agent: *\ndisallow: /\n\nuser-agent: webtext\nallow: /", True),
        ("user-agent: *\ndisallow: /\n\nuser-agent: webtext\ndisallow: /y", True),
        ("user-agent: WebText\ndisallow: /", False),
        ("user-agent: webtext/0.1\ndisallow: /", False),
        ("user-agent: webtext images\ndisallow: /", False),
        ("user-agent: webtextual\ndisallow: /", True),
        ("user-agent: mywebtext\ndisallow: /", True),
        ("user-agent: a\nuser-agent: webtext\ndisallow: /", False),
        ("user-agent: webtext\nunknown: line\nuser-agent: b\ndisallow: /", False),
        ("user-agent: webtext\nsitemap: http://foo.bar/s\nuser-agent: b\ndisallow: /", False),
        ("user-agent: webtext\n\n\nuser-agent: b\n\ndisallow: /", False),
        ("user-agent: webtext\ncrawl-delay: 1\nuser-agent: b\ndisallow: /", False),
        ("user-agent: webtext\ndisallow: /y\nuser-agent: b\ndisallow: /", True),
        ("user-agent: webtext\ndisallow: /y\nuser-agent: webtext\ndisallow: /x", False),
        ("disallow: /", True),
        ("disallow: /\nuser-agent: *\nallow: /z", True),
        ("\ufeffuser-agent: *\ndisallow: /", False),
        ("user-agent: *\rdisallow: /", False),
        ("user-agent: *\r\ndisallow: /", False),
        ("user-agent: *  # all\ndisallow: / # everything", False),
        ("  user-agent : *\n\tdisallow : /", False),
        ("user-agent: *\ndisalow: /", False),
        ("user-agent *\ndisallow /", False),
        ("user-agent: *\u2028disallow: /", True),
    ],
)
def test_the_group_that_names_us_applies_or_else_the_one_for_all(robots: str, allowed: bool) -> None:
    assert allows(robots, "/x") is allowed


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE])
def test_a_file_in_utf16_forbids_what_it_says(mark: bytes) -> None:
    codec = "utf-16-le" if mark == codecs.BOM_UTF16_LE else "utf-16-be"
    rules = parse(mark + "user-agent: *\r\ndisallow: /x\r\n".encode(codec), "webtext")
    assert (rules.allows("http://a.example.org/x"), rules.allows("http://a.example.org/y")) == (False, True)


@pytest.mark.parametrize(
    ("rules", "path", "allowed"),
    [
        ("allow: /p\ndisallow: /", "/page", True),
        ("allow: /folder\ndisallow: /folder", "/folder/page", True),
        ("allow: /page\ndisallow: /*.htm", "/page.htm", False),
        ("allow: /page\ndisallow: /*.ph", "/page.php5", True),
        ("allow: /$\ndisallow: /", "/", True),
        ("allow: /$\ndisallow: /", "/page.htm", False),
        ("disallow: /fish", "/Fish.asp", True),
        ("disallow: /fish*.php", "/fishheads/catfish.php?parameters", False),
        ("disallow: /*.php$", "/filename.php", False),
        ("disallow: /*.php$", "/filename.php?parameters", True),
        ("disallow: /x\nallow: /x/y\ndisallow: /x/y/z", "/x/y/a", True),
        ("disallow: /", "/robots.txt", True),
    ],
)
def test_the_longest_match_decides_and_allow_wins_a_tie(rules: str, path: str, allowed: bool) -> None:
    assert allows(group(rules), path) is allowed


@pytest.mark.parametrize(  # the table of RFC 9309 §2.2.2, and its kin
    ("pattern", "path"),
    [
        ("/foo/bar?baz=quz", "/foo/bar?baz=quz"),
        ("/foo/bar?baz=https://foo.bar", "/foo/bar?baz=https%3A%2F%2Ffoo.bar"),
        ("/foo/bar/ツ", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%E3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%e3%83%84", "/foo/bar/%E3%83%84"),
        ("/foo/bar/%62%61%7A", "/foo/bar/baz"),
        ("/%7Ejoe", "/~joe"),
        ("/~joe", "/%7ejoe"),
    ],
)
def test_percent_encoding_makes_no_difference(pattern: str, path: str) -> None:
    assert not allows(group(f"disallow: {pattern}"), path)


def test_an_encoded_slash_is_not_a_slash() -> None:
    assert allows(group("disallow: /a/b"), "/a%2Fb")


@pytest.mark.parametrize(
    ("line", "delay_s"),
    [
        ("2", 2.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("9999", 30.0),
        ("-1", 0.0),
        ("nan", 0.0),
        ("1e9", 0.0),
        ("", 0.0),
    ],
)
def test_a_crawl_delay_is_honoured_up_to_a_cap(line: str, delay_s: float) -> None:
    assert parse(group(f"crawl-delay: {line}").encode(), "webtext").delay_s == delay_s


def test_a_crawl_delay_is_for_the_agents_named_before_it() -> None:
    robots = b"user-agent: slurp\ncrawl-delay: 20\nuser-agent: *\ndisallow: /x\ncrawl-delay: 3"
    assert parse(robots, "slurp").delay_s == 20
    assert parse(robots, "webtext").delay_s == 3


def test_only_the_first_500_kib_count() -> None:
    robots = b"user-agent: *\n" + b"#" * MAX_BYTES + b"\ndisallow: /"
    assert parse(robots, "webtext").allows(HOST + "/x")


def test_rules_that_take_too_long_for_a_path_do_not_allow_it() -> None:
    rules = parse(group("".join(f"Disallow: /*z{n:x}*y\n" for n in range(40_000))).encode(), "webtext")
    started = time.process_time()
    assert rules.allows("http://a.example/short")
    assert not rules.allows("http://a.example/" + "z" * 7900)
    assert time.process_time() - started < 1


def test_content_usage_rules_reserve_paths_from_training() -> None:
    rules = parse(group("content-usage: train-ai=n\ncontent-usage: /free/ train-ai=y").encode(), "webtext")
    assert rules.allows(HOST + "/x")
    assert rules.reserves(HOST + "/x")
    assert not rules.reserves(HOST + "/free/x")


@pytest.mark.parametrize(
    ("line", "reserved"),
    [
        ("/p/ train-ai=n, search=y", True),
        ("/p/ search=y, train-ai=n", True),
        ("/p/ \t search=y,\ttrain-ai=n", True),
        ("/p/\ttrain-ai=n", True),
        ("/p/x?y=/z train-ai=n", True),
        ("search=y, train-ai=n", True),
        ("/p/ search=n, train-ai=y", False),
        ("/q/ search=y, train-ai=n", False),
        ("/p/", False),
        ("", False),
    ],
)
def test_content_usage_is_a_path_and_preferences_or_preferences_alone(line: str, reserved: bool) -> None:
    rules = parse(group(f"content-usage: {line}").encode(), "webtext")
    assert rules.reserves(HOST + "/p/x?y=/z") == reserved


def test_a_path_alone_takes_no_reservation_back() -> None:
    rules = parse(group("content-usage: train-ai=n\ncontent-usage: /p/").encode(), "webtext")
    assert rules.reserves(HOST + "/p/x")


def test_the_product_token_is_the_first_of_the_user_agent() -> None:
    assert product_token("WebText/0.1 (+me@example.org)") == "webtext"
    assert product_token("my-bot_2") == "my-bot_2"
    assert product_token("") == ""


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_robots_txt(body: bytes) -> None:
    parse(body, "webtext").allows(HOST + "/x?y")


def test_the_real_robots_files_of_top_sites_are_read(shared: object) -> None:
    from pathlib import Path

    import pyarrow.parquet as pq

    table = pq.read_table(Path(str(shared)) / "hostile" / "robots_top_sites.parquet")
    read = 0
    for row in table.slice(0, 1000).to_pylist():
        body = row["body"] if isinstance(row["body"], bytes) else row["body"].encode()
        assert isinstance(parse(body, "webtext").allows(HOST + "/a/b.html"), bool)
        read += 1
    assert read == 1000
