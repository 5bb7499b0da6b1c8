"""Personal data that has a form: e-mail addresses, phone numbers, IP addresses, bank accounts and cards.

Counted in every text; masked where the recipe says so, in what is published (see `pipelines.kept`). Where a
form has a checksum or a range, what does not fit it is none.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from ipaddress import ip_address

from webtext.sections import Pii as Kind

# Fast because most of a text cannot begin a find: patterns begin with what is rare, and look back only then.
_LOCAL_CHARS = string.ascii_letters + string.digits + "._%+-"
_LOCAL_LENGTH = 64
_DOMAIN = re.compile(r"@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w-])")
_IBAN = re.compile(r"[A-Z][A-Z](?<!\w..)[0-9][0-9](?:[ -]?[A-Z0-9]{4}){2,7}(?:[ -]?[A-Z0-9]{1,3})?(?!\w)")
_DASHES = "\u2010\u2011\u2012\u2013-"  # in phone numbers; the last in a class of characters
_NUMBERS = re.compile(rf"[+(0-9][0-9 ().+/{_DASHES}]{{6,}}")
_CARD = re.compile(
    r"(?<![\w.])(?:[3-6]\d{3}(?:[ -]?\d{4}){2}[ -]?\d{1,7}|3\d{3}[ -]?\d{6}[ -]?\d{5})(?![\w-])"
)
_IPV4 = re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")
_IPV6 = re.compile(r"(?<![\w:.])[0-9a-fA-F]{1,4}:[0-9a-fA-F:]{4,34}(?![\w:])")
_TWO_COLONS = re.compile(r":[0-9a-fA-F]{0,4}:")
# International with its plus sign (E.164: at most 15 digits), digit by digit so that there is but one way to
# read it; and North American with its separators.
_PHONE = re.compile(
    rf"(?<![\w+])\+[1-9](?:[ ./{_DASHES}]{{0,3}}+\(?+\d\)?+){{7,14}}(?![\w{_DASHES}]| \d)"
    rf"|(?<![\w.+/{_DASHES}])(?:1[ .{_DASHES}])?(?:\([2-9]\d{{2}}\)[ {_DASHES}]?|[2-9]\d{{2}}[ .{_DASHES}])"
    rf"[2-9]\d{{2}}[ .{_DASHES}]\d{{4}}(?![\w{_DASHES}])"
)
_GROUP = re.compile(r"\d+")
MOST_GROUPS = 7  # of a phone number's digits; more are a row of numbers
_SEPARATORS = str.maketrans("", "", f" ./()+{_DASHES}")


def _is_iban(text: str) -> bool:
    """ISO 13616: the number is 1 modulo 97."""
    compact = text.translate(_SEPARATORS)
    number = "".join(str(int(char, 36)) for char in compact[4:] + compact[:4])
    return 15 <= len(compact) <= 34 and int(number) % 97 == 1


def _is_card(text: str) -> bool:
    """ISO/IEC 7812: Luhn's sum is a multiple of ten."""
    digits = [int(char) for char in reversed(text.translate(_SEPARATORS))]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return 13 <= len(digits) <= 19 and len(set(digits)) > 1 and (sum(digits[::2]) + sum(doubled)) % 10 == 0


def _is_public_address(text: str) -> bool:
    """Private, loopback, documentation and multicast addresses are nobody's."""
    try:
        address = ip_address(text)
        return address.is_global and not address.is_multicast
    except ValueError:
        return False


def _is_phone(text: str) -> bool:
    digits = sum(map(str.isdigit, text))
    return 8 <= digits <= 15 and len(_GROUP.findall(text)) <= MOST_GROUPS


# Where two finds overlap, the earlier kind of these is meant: its checksum says so.
KINDS: tuple[Kind, ...] = ("email", "iban", "card", "ip", "phone")
NUMBERS: tuple[tuple[Kind, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("card", _CARD, _is_card),
    ("ip", _IPV4, _is_public_address),
    ("phone", _PHONE, _is_phone),
)


def counts(text: str) -> dict[str, int]:
    """How many of each kind a text has, as columns `pii_email` …"""
    found = Counter(kind for _, _, kind in _spans(text))
    return {f"pii_{kind}": found[kind] for kind in KINDS}


def mask(text: str, kinds: Collection[str]) -> str:
    """The text with each find of these kinds replaced by the kind's name: `<email>`."""
    parts, end = [], 0
    for start, stop, kind in _spans(text):
        if kind in kinds:
            parts += [text[end:start], f"<{kind}>"]
            end = stop
    return "".join(parts) + text[end:]


def _spans(text: str) -> list[tuple[int, int, Kind]]:
    """(start, end, kind) of all finds, in their order; none overlaps another."""
    kept: list[tuple[int, int, Kind]] = []
    for span in sorted((*_emails(text), *_accounts(text), *_numbers(text), *_long_addresses(text))):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
        elif KINDS.index(span[2]) < KINDS.index(kept[-1][2]):
            kept[-1] = span
    return kept


def _emails(text: str) -> Iterator[tuple[int, int, Kind]]:
    for match in _DOMAIN.finditer(text) if "@" in text else ():
        head = text[max(0, match.start() - _LOCAL_LENGTH - 1) : match.start()]
        length = len(head) - len(head.rstrip(_LOCAL_CHARS))
        if 0 < length <= _LOCAL_LENGTH:
            yield match.start() - length, match.end(), "email"


def _accounts(text: str) -> Iterator[tuple[int, int, Kind]]:
    return ((*match.span(), "iban") for match in _IBAN.finditer(text) if _is_iban(match[0]))


def _numbers(text: str) -> Iterator[tuple[int, int, Kind]]:
    for run in _NUMBERS.finditer(text):
        for kind, pattern, valid in NUMBERS:
            for match in pattern.finditer(text, run.start(), run.end() + 2):  # two characters to look ahead
                if valid(match[0]):
                    yield *match.span(), kind


def _long_addresses(text: str) -> Iterator[tuple[int, int, Kind]]:
    if _TWO_COLONS.search(text):
        yield from ((*m.span(), "ip") for m in _IPV6.finditer(text) if _is_public_address(m[0]))
