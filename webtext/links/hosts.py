"""Host names as browsers read them, and the registered domain that a host belongs to.

Follows the WHATWG URL standard's host parser (§3.5), and refuses also what no host on the web is called.
"""

import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import idna
import tldextract

MAX_LABEL_CHARS, MAX_HOST_CHARS = 63, 253  # RFC 1035 §2.3.4
MAX_RAW_CHARS = 1000  # before percent-decoding; IDNA's cost grows with its input

# The Public Suffix List as it comes with the library. Its private section is left out: WebText's published
# domain counts have "blogspot" and "github", not each of their users.
_suffixes = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=False)

_NAME = re.compile(r"[a-z0-9_\-.]+")  # of what DNS could hold, all that names of hosts are made of
_NUMBER = re.compile(r"0x[0-9a-f]*|[0-9]+")
# What most hosts are: nothing to decode, in the one spelling already, too short for any limit.
_PLAIN = re.compile(r"(?:[a-z0-9_-]{1,60}\.){1,3}[a-z][a-z0-9_-]{0,60}")
_HOST_OF_URL = re.compile(r"https?://(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)", re.IGNORECASE)


@lru_cache(maxsize=1 << 16)
def parse_host(text: str) -> str:
    """The host in its one spelling: lower-case ASCII, IDNA-encoded, addresses normalised.

    Raises ValueError for what is no host.
    """
    if _PLAIN.fullmatch(text):
        return text
    if len(text) > MAX_RAW_CHARS:
        raise ValueError("too long")
    if text.startswith("["):
        return f"[{_ipv6(text)}]"
    decoded = unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace")
    host = decoded.lower() if decoded.isascii() else _ascii(decoded)
    if not _NAME.fullmatch(host):
        raise ValueError("empty, or with characters that no host has")
    labels = host.removesuffix(".").split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return _ipv4(labels)
    if len(host.removesuffix(".")) > MAX_HOST_CHARS or not all(
        0 < len(label) <= MAX_LABEL_CHARS for label in labels
    ):
        raise ValueError("not a name that DNS can hold")
    return host


def host_of(url: str) -> str:
    """The host of an http(s) URL in lower case, an IPv6 address without brackets; empty for anything else."""
    match = _HOST_OF_URL.match(url)
    return match[1].strip("[]").lower() if match else ""


def registered_domain(url: str) -> str:
    """The registered domain of a URL's host; an address or a single label is its own domain."""
    return domain_of(host_of(url))


@lru_cache(maxsize=1 << 16)
def domain_of(host: str) -> str:
    """The public suffix and one label more; the host itself where there is no label more."""
    name = host.removesuffix(".")
    if ":" in name or name.rpartition(".")[2].isdigit():
        return name
    found = _suffixes.extract_str(name)
    if found.suffix:
        return f"{found.domain}.{found.suffix}" if found.domain else name
    return ".".join(name.split(".")[-2:])  # an unknown top-level domain is its own suffix, says the list


def is_public_suffix(name: str) -> bool:
    """Whether sites of many owners are registered right under a domain, as under com and co.uk."""
    found = _suffixes.extract_str(name)
    return bool(found.suffix) and not found.domain


def label_of(domain: str) -> str:
    """A registered domain without its public suffix: "bbc" of bbc.co.uk; an address as it is."""
    if ":" in domain or domain.rpartition(".")[2].isdigit():
        return domain
    suffix = _suffixes.extract_str(domain).suffix or domain.rpartition(".")[2]  # of an unknown one, as above
    return domain.removesuffix(f".{suffix}")


def parents(host: str) -> list[str]:
    """The host and all domains above it: a.b.org, b.org, org."""
    labels = host.removesuffix(".").split(".")
    return [".".join(labels[i:]) for i in range(len(labels))]


def _ascii(text: str) -> str:
    """UTS #46 ToASCII, non-transitional, as the URL standard asks: bidi and joiner rules checked, symbols
    and underscores allowed."""
    try:
        labels = idna.uts46_remap(text, std3_rules=False, transitional=False).split(".")
        if any(unicodedata.bidirectional(char) in ("R", "AL", "AN") for label in labels for char in label):
            for label in filter(None, labels):
                idna.check_bidi(label, check_ltr=True)
        return ".".join(map(_encode_label, labels))
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(str(error)) from None


def _encode_label(label: str) -> str:
    if label.isascii():
        return label
    if label.startswith("xn--"):
        raise ValueError("encoded twice")
    idna.check_initial_combiner(label)
    for position, char in enumerate(label):
        if char in "\u200c\u200d" and not idna.valid_contextj(label, position):
            raise ValueError("joiner out of context")
    return "xn--" + label.encode("punycode").decode("ascii")


def _ipv4(labels: list[str]) -> str:
    """1.2.3.4 from any of its spellings: fewer parts, octal, hexadecimal."""
    if len(labels) > 4:
        raise ValueError("more than four parts")
    *heads, last = [_part(label) for label in labels]
    if any(head > 255 for head in heads) or last >= 256 ** (4 - len(heads)):
        raise ValueError("a part is too large")
    value = last + sum(head << 8 * (3 - i) for i, head in enumerate(heads))
    return str(ipaddress.IPv4Address(value))


def _part(label: str) -> int:
    if not _NUMBER.fullmatch(label):
        raise ValueError("a part is not a number")
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    return int(label, 8 if label.startswith("0") and len(label) > 1 else 10)


def _ipv6(text: str) -> str:
    """RFC 5952's spelling, without the dotted form."""
    if not text.endswith("]") or "%" in text:
        raise ValueError("not an IPv6 address")
    address = ipaddress.IPv6Address(text[1:-1])
    if address.ipv4_mapped:
        value = int(address.ipv4_mapped)
        return f"::ffff:{value >> 16:x}:{value & 0xFFFF:x}"
    return str(address)
