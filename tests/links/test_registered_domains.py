"""Which domain a host is registered under, and so which partition is its."""

from pathlib import Path

import pytest

from webtext.links import partition_of
from webtext.links.hosts import domain_of, parents, registered_domain
from webtext.links.partitions import partitions_for


@pytest.mark.parametrize(
    ("url", "domain"),
    [
        ("http://www.bbc.co.uk/news", "bbc.co.uk"),
        ("http://a.b.example.com:8080/", "example.com"),
        ("http://someone.blogspot.com/", "blogspot.com"),  # as WebText's published counts have it
        ("http://localhost:8000/", "localhost"),
        ("http://127.0.0.1:8000/", "127.0.0.1"),
        ("http://[2001:db8::1]:80/", "2001:db8::1"),
        ("http://co.uk/", "co.uk"),
        ("http://example.com./", "example.com"),
        ("http://a.site3.test/", "site3.test"),
        ("http://user:pw@www.example.org/", "example.org"),
        ("not a url", ""),
    ],
)
def test_a_url_has_the_domain_of_its_host(url: str, domain: str) -> None:
    assert registered_domain(url) == domain


def test_the_public_suffix_lists_own_tests_pass_but_for_private_suffixes(url_data: Path) -> None:
    tested = 0
    for line in (url_data / "psl" / "tests.txt").read_text("utf-8").splitlines():
        host, _, wanted = line.partition(" ")
        if not line.strip() or line.startswith("//") or host == "null" or host.startswith("."):
            continue
        if not host.isascii() or "blogspot" in host or "uk.com" in host:
            continue
        host = host.lower()
        assert domain_of(host) == (host if wanted == "null" else wanted), line
        tested += 1
    assert tested > 40


def test_a_host_stands_below_its_parents() -> None:
    assert parents("a.b.org") == parents("a.b.org.") == ["a.b.org", "b.org", "org"]


def test_partitions_are_stable_and_nested() -> None:
    assert partition_of("example.com", 16) == 8
    for count in (16, 64, 65_536):
        assert 0 <= partition_of("example.com", count) < count
        assert partition_of("example.com", 2 * count) // 2 == partition_of("example.com", count)


def test_the_number_of_partitions_is_a_power_of_two_that_follows_the_rows() -> None:
    sizes = (0, 131_072, 131_073, 1_000_000, 10**10)
    assert [partitions_for(rows) for rows in sizes] == [16, 16, 32, 128, 65_536]
