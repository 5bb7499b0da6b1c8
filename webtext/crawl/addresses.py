"""Which addresses are public, and which hosts can be told not to be by their name alone.

A check that guards a connection looks at the address it is made to (`is_public`), never at how the address
was written: 127.1, 0x7f000001 and ①②⑦.⓪.⓪.① are all loopback. Names are looked at only where somebody else
resolves them (a proxy), and to tell whether a crawl leaves this machine's neighbourhood at all.
"""

import ipaddress
import socket
import unicodedata
from contextlib import suppress
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from urllib.parse import unquote

from webtext.links.hosts import parse_host

# IANA special-purpose registry (RFC 6890 and successors), less what is globally reachable; multicast and
# class E; the 6to4 relay anycast (RFC 7526); and the one public-looking address that is a cloud's inside.
_NOT_PUBLIC_V4 = [
    IPv4Network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
    )
]
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# Protocol assignments with Teredo and ORCHID, documentation.
_NOT_PUBLIC_V6 = [IPv6Network(network) for network in ("2001::/23", "2001:db8::/32", "3fff::/20")]
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052; its local-use sibling 64:ff9b:1::/48 is not public

# RFC 6761, 6762 (appendix G, too), 8375, and what /etc/hosts calls this machine.
_LOCAL_NAMES = (
    *("localhost", "localdomain", "localdomain4", "localdomain6", "local", "home.arpa"),
    *("internal", "intranet", "private", "corp", "home", "lan"),
)
_RESERVED_NAMES = ("test", "example", "invalid", "localhost")  # RFC 2606, RFC 6761


def is_public(address: str) -> bool:
    """Whether an IP address, as a socket reports it, lies in the public Internet."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return _is_public_v4(ip) if isinstance(ip, IPv4Address) else _is_public_v6(ip)


def is_private_name(host: str) -> bool:
    """Whether a host is written as an address that is not public, in any spelling, or as a local name."""
    literal = written_address(host)
    if literal is not None:
        return not is_public(literal)
    name = _plain(host)
    return "." not in name or _under(name, _LOCAL_NAMES)


def is_reserved_name(host: str) -> bool:
    """Whether a name can exist in tests and documentation only."""
    return _under(_plain(host), _RESERVED_NAMES)


def written_address(host: str) -> str | None:
    """The IP address that a host is a spelling of, as C's `inet_aton` and URL parsers read it."""
    name = _plain(host).strip("[]")
    with suppress(ValueError):
        return str(ipaddress.ip_address(name.partition("%")[0]))
    if not name or name[-1] not in "0123456789abcdefx":
        return None
    with suppress(OSError):
        return socket.inet_ntoa(socket.inet_aton(name))
    with suppress(ValueError):
        return str(ipaddress.ip_address(parse_host(name)))  # "0x" is a nought to URL parsers alone
    return None


def _is_public_v4(ip: IPv4Address) -> bool:
    return not any(ip in network for network in _NOT_PUBLIC_V4)


def _is_public_v6(ip: IPv6Address) -> bool:
    if ip.ipv4_mapped is not None:
        return _is_public_v4(ip.ipv4_mapped)
    if ip in _NAT64:
        return _is_public_v4(IPv4Address(int(ip) & 0xFFFFFFFF))
    if ip.sixtofour is not None:
        return _is_public_v4(ip.sixtofour)
    return ip in _GLOBAL_UNICAST and not any(ip in network for network in _NOT_PUBLIC_V6)


def _plain(host: str) -> str:
    """A host name as IDNA maps it: compatibility characters and all four kinds of dot made plain."""
    name = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".")
    return name.lower().rstrip(".")


def _under(name: str, parents: tuple[str, ...]) -> bool:
    return any(name == parent or name.endswith(f".{parent}") for parent in parents)
