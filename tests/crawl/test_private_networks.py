"""No connection is made to an address that is not public, however it is written or reached."""

import socket
import ssl
import time
from collections.abc import Callable

import pytest

from tests.crawl.loopback import Crawled, Page, Web
from webtext.crawl import dialer
from webtext.crawl.dialer import Resolver, timed, tls_context
from webtext.crawl.failures import Failure
from webtext.crawl.network import Network
from webtext.sections import Crawl

Lookup = Callable[[str], list[str]]


def some(_status: int, _headers: object) -> int:
    return 1000


def refusal(url: str, lookup: Lookup | None = None, proxy: str = "") -> str:
    network = Network(Crawl(connect_timeout_s=0.5, proxy=proxy), lookup)
    with pytest.raises(Failure) as failure:
        network.fetch(url, 1.0, some)
    return failure.value.state


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "127.1", "0x7f000001", "2130706433", "0177.0.0.1", "0", "localhost", "[::1]"),
        *("[::ffff:127.0.0.1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "169.254.169.254"),
        *("10.0.0.1", "192.168.0.1", "172.20.0.1", "[fe80::1]", "[fec0::1]", "[fc00::1]", "168.63.129.16"),
        *("224.0.0.1", "user:password@127.0.0.1", "example.com@127.0.0.1"),
    ],
)
def test_an_address_in_any_spelling_is_refused(host: str) -> None:
    assert refusal(f"http://{host}/") == "private_address"


def test_compatibility_characters_reach_nothing() -> None:
    assert refusal("http://①②⑦.⓪.⓪.①/") in ("private_address", "dns")


def test_a_name_is_refused_if_any_of_its_addresses_is_private() -> None:
    assert refusal("http://a.example/", lambda _: ["8.8.8.8", "127.0.0.1"]) == "private_address"


def test_a_name_that_changes_its_address_is_asked_once_and_believed_once(web: Web) -> None:
    site, answers = web.site(page=Page()), [["127.0.0.2"], ["169.254.169.254"]]
    network = Network(Crawl(allow_private=True), lambda _: answers.pop(0))
    url = site.url("/page").replace("127.0.0.2", "rebinding.example")
    exchanges = [network.fetch(url, 1.0, some) for _ in range(2)]
    assert [exchange.address for exchange in exchanges] == ["127.0.0.2", "127.0.0.2"]
    assert len(answers) == 1


def test_a_name_is_looked_up_again_once_its_answer_is_old(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dialer, "DNS_CACHE_S", 0.0)
    answers = [["127.0.0.2"], ["127.0.0.3"]]
    resolver = Resolver(1, lambda _: answers.pop(0))
    assert [resolver.addresses("a.example", 5.0) for _ in range(2)] == [("127.0.0.2",), ("127.0.0.3",)]


def test_a_lookup_that_failed_for_the_moment_is_made_again_and_no_other() -> None:
    asked: list[str] = []

    def lookup(name: str) -> list[str]:
        asked.append(name)
        again = name == "busy.example"
        raise socket.gaierror(socket.EAI_AGAIN if again else socket.EAI_NONAME, "no answer")

    resolver = Resolver(1, lookup)
    for name in ["busy.example", "none.example"] * 2:
        with pytest.raises(Failure):
            resolver.addresses(name, 5.0)
    assert asked == ["busy.example", "none.example", "busy.example"]


def test_an_address_that_never_answers_leaves_time_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    shares_s: list[float] = []

    def never(_address: str, _port: int, timeout_s: float) -> socket.socket:
        shares_s.append(timeout_s)
        raise TimeoutError

    monkeypatch.setattr(dialer, "_connect", never)
    resolver = Resolver(1, lambda _: ["127.0.0.2", "127.0.0.3"])
    with pytest.raises(Failure):
        dialer.Dialer(resolver, allow_private=True).connect("a.example", 80, 60.0)
    assert shares_s == pytest.approx([30.0, 60.0], abs=5.0)  # what the first has not taken is there


def test_a_host_is_reached_at_its_second_address_where_the_first_is_dead(web: Web) -> None:
    site = web.site(page=Page())
    network = Network(Crawl(allow_private=True), lambda _: ["127.255.0.1", "127.0.0.2"])
    url = site.url("/page").replace("127.0.0.2", "two.example")
    assert network.fetch(url, 5.0, some).address == "127.0.0.2"


@pytest.mark.parametrize(
    "target",
    [
        *("http://127.0.0.3:{port}/", "http://2130706435:{port}/", "http://inside.example:{port}/"),
        *("//127.0.0.3:{port}/", "http://[::1]:{port}/", "http://[::ffff:127.0.0.3]:{port}/"),
    ],
)
def test_a_redirect_into_the_private_network_is_refused(
    web: Web, crawled: Crawled, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    outside = web.site()
    port = outside.server.server_port
    outside.pages["/page"] = Page(b"", 302, (("Location", target.format(port=port)),))
    monkeypatch.setattr("webtext.crawl.network.PORTS", (port,))
    monkeypatch.setattr("webtext.crawl.dialer.is_public", lambda address: address == "127.0.0.2")
    names = {"outside.example": ["127.0.0.2"], "inside.example": ["127.0.0.2", "127.0.0.3"]}
    real = dialer.system_lookup
    monkeypatch.setattr("webtext.crawl.dialer.system_lookup", lambda host: names.get(host) or real(host))
    url = f"http://outside.example:{port}/page"
    row = crawled.crawl([url], allow_private=False, contact="me@example.org")[url]
    assert (row["state"], row["redirects"]) == ("private_address", 1)


@pytest.mark.parametrize("port", [1, 22, 8080, 6379])
def test_only_the_ports_of_the_web_are_asked(port: int) -> None:
    assert refusal(f"http://example.com:{port}/") == "port"
    assert refusal(f"http://example.com:{port}/", proxy="http://127.0.0.1:1") == "port"


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "2130706433", "localhost", "x.localhost", "[::1]", "10.1", "metadata.google.internal"],
)
def test_a_private_target_is_refused_before_the_proxy(web: Web, host: str) -> None:
    proxy = web.site()
    assert refusal(f"http://{host}/", proxy=proxy.base) == "private_address"
    assert not proxy.hits


def test_a_lookup_that_hangs_ends_at_the_deadline() -> None:
    def hang(_name: str) -> list[str]:
        time.sleep(2)
        return []

    started = time.monotonic()
    assert refusal("http://a.example/", hang) == "dns"
    assert time.monotonic() - started < 1.5


def test_a_trickled_handshake_ends_at_the_deadline(web: Web) -> None:
    def script(client: socket.socket) -> None:
        client.sendall(b"\x16\x03\x03\x40\x00")  # a record of 16 KiB is to follow
        for _ in range(100):
            client.sendall(b"\x02")
            time.sleep(0.05)

    raw = web.raw(script, tls=True)
    network = Network(Crawl(allow_private=True, connect_timeout_s=1.0))
    started = time.monotonic()
    with pytest.raises(Failure):
        network.fetch(raw.url(), 9.0, some)
    assert time.monotonic() - started < 2.5


def test_a_certificate_of_nobody_we_know_is_a_tls_failure(web: Web, certificate: tuple[str, str]) -> None:
    raw = web.raw(tls_server(certificate, b""), tls=True)
    network = Network(Crawl(allow_private=True))
    with pytest.raises(Failure) as failure:
        network.fetch(raw.url(), 2.0, some)
    assert (failure.value.state, failure.value.detail) == ("tls", "self-signed certificate")


def test_tls_is_spoken_over_one_context_with_the_deadline_kept(
    web: Web, certificate: tuple[str, str]
) -> None:
    context = timed(ssl.create_default_context(cafile=certificate[0]))
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    raw = web.raw(tls_server(certificate, ok), tls=True)
    network = Network(Crawl(allow_private=True), tls=context)
    exchange = network.fetch(raw.url(), 2.0, some)
    assert (exchange.body, exchange.address) == (b"hello", "127.0.0.2")
    slow = web.raw(tls_server(certificate, b"HTTP/1.1 200 OK\r\n\r\n", trickle=b"x" * 100), tls=True)
    exchange = network.fetch(slow.url(), 1.0, some)
    assert exchange.truncated == "time"


def test_an_old_server_that_browsers_still_read_is_read(web: Web, certificate: tuple[str, str]) -> None:
    context = tls_context()
    context.load_verify_locations(certificate[0])
    ok = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
    raw = web.raw(tls_server(certificate, ok, ciphers="ECDHE-ECDSA-AES128-SHA"), tls=True)
    assert Network(Crawl(allow_private=True), tls=context).fetch(raw.url(), 2.0, some).body == b"hello"


def test_no_server_can_choose_a_key_exchange_that_fails() -> None:
    assert not [each["name"] for each in tls_context().get_ciphers() if each["name"].startswith("DHE-")]


def tls_server(
    certificate: tuple[str, str], answer: bytes, trickle: bytes = b"", ciphers: str | None = None
) -> Callable[[socket.socket], None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if ciphers:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers(ciphers)

    def script(client: socket.socket) -> None:
        with context.wrap_socket(client, server_side=True) as tls:
            tls.recv(65536)
            tls.sendall(answer)
            for byte in trickle:
                tls.sendall(bytes([byte]))
                time.sleep(0.05)

    return script
