import ipaddress
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.addresses import is_private_name, is_public, is_reserved_name, written_address
from webtext.links.hosts import parse_host

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "172.32.0.1", "192.167.255.255", "2606:4700::1111"]
PUBLIC += ["64:ff9b::808:808", "2002:808:808::1", "::ffff:8.8.8.8"]

NOT_PUBLIC = {
    "loopback": ["127.0.0.1", "127.255.255.254", "::1"],
    "private": [
        "10.0.0.1",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "100.64.0.1",
        "fc00::1",
        "fd12::1",
    ],
    "link-local": ["169.254.169.254", "fe80::1", "fe80::1%eth0"],
    "site-local": ["fec0::1"],
    "unspecified": ["0.0.0.0", "0.1.2.3", "::"],
    "broadcast and class E": ["255.255.255.255", "240.0.0.1"],
    "multicast": ["224.0.0.1", "239.255.255.250", "ff02::1"],
    "documentation": ["192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"],
    "benchmarks": ["198.18.0.1", "198.19.255.255"],
    "a cloud's inside": ["168.63.129.16"],
    "IPv4 in IPv6": ["::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "::ffff:0:127.0.0.1"],
    "NAT64": ["64:ff9b::7f00:1", "64:ff9b::10.0.0.1", "64:ff9b:1::808:808"],
    "6to4 and Teredo": ["2002:7f00:1::", "2002:a00:1::1", "192.88.99.1", "2001::7f00:1"],
    "discard and local SIDs": ["100::1", "5f00::1"],
    "no address": ["", "example.com", "999.1.1.1"],
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", [a for addresses in NOT_PUBLIC.values() for a in addresses])
def test_every_other_kind_of_address_is_not(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=4))
def test_no_address_is_public_that_the_standard_library_knows_better(ip: ipaddress.IPv4Address) -> None:
    assert not (is_public(str(ip)) and (ip.is_private or ip.is_multicast or ip.is_reserved))


@pytest.mark.parametrize(
    "host",
    [
        *(
            "127.0.0.1",
            "127.1",
            "0x7f000001",
            "0x7f.1",
            "0x7f.0x",
            "2130706433",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
        ),
        *("①②⑦.⓪.⓪.①", "127。0。0。1", "１２７.0.0.1", "%31%32%37.0.0.1", "[::1]", "[::ffff:127.0.0.1]"),
        *("[::ffff:7f00:1]", "0", "0.0.0.0", "169.254.169.254", "0xa9fea9fe", "[fe80::1%25eth0]", "10.1"),
        *("localhost", "LOCALHOST", "localhost.", "a.localhost", "printer.local", "metadata.google.internal"),
        *("intranet", "router.lan", "nas.home.arpa", "localhost.localdomain", "wiki.corp", "nas.home", ""),
    ],
)
def test_a_private_target_is_known_in_any_spelling(host: str) -> None:
    assert is_private_name(host)


DIGITS = ["0", "0x", "0x7f", "0177", "127", "1", "10", "0xa", "08", "①", "０", "%31"]
PARTS = st.sampled_from([*DIGITS, ".", "。", "."])


@given(st.lists(PARTS, min_size=1, max_size=7).map("".join))
def test_a_private_address_is_known_however_a_url_parser_reads_it(host: str) -> None:
    with suppress(ValueError):
        read = parse_host(host)
        assert is_private_name(host) or is_public(read) or written_address(read) is None


@pytest.mark.parametrize(
    "host", ["example.com", "8.8.8.8", "0x08080808", "[2606:4700::1111]", "internal.com"]
)
def test_a_public_target_is_not_taken_for_a_private_one(host: str) -> None:
    assert not is_private_name(host)


def test_a_name_that_only_looks_like_a_number_is_no_address() -> None:
    assert written_address("1.2.3.4.5") is None
    assert written_address("cafe") is None
    assert written_address("0x7f.1") == "127.0.0.1"


@pytest.mark.parametrize(
    "host", ["a.test", "example", "www.x.example", "x.invalid", "x.localhost", "X.TEST."]
)
def test_reserved_names_can_exist_in_tests_only(host: str) -> None:
    assert is_reserved_name(host)


def test_example_com_is_not_a_reserved_top_level_domain() -> None:
    assert not is_reserved_name("example.com")
    assert not is_reserved_name("contest")
