"""Personal data that has a form: found, counted, masked."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.extract.pii import KINDS, counts, mask

FOUND = [
    ("email", "Write to bob.smith+news@mail.example.org."),
    ("email", "editor@example.co.uk, or by post"),
    ("phone", "call +49 30 1234567 tomorrow"),
    ("phone", "call (212) 555-0123."),
    ("phone", "Fax: 1-800-555-0199"),
    ("phone", "or 1\u2011800\u2011555\u20110199"),
    ("phone", "or (212)-555-0123"),
    ("phone", "Telefon +49 (0)40 / 49 07 11 06"),
    ("ip", "it came from 8.8.8.8"),
    ("ip", "and from 2001:4860:4860::8888, too"),
    ("iban", "to GB82 WEST 1234 5698 7654 32"),
    ("iban", "to DE89370400440532013000"),
    ("card", "paid with 4111 1111 1111 1111"),
    ("card", "paid with 378282246310005"),
]
NONE = [
    "on 2017-01-01 at 12:30:45",
    "version 1.2.3.4.5 of it",
    "the router at 192.168.1.1, the host at 127.0.0.1, all of 224.0.0.0/24",
    "GB82 WEST 1234 5698 7654 33",  # fails its checksum
    "4111 1111 1111 1112",  # fails Luhn's
    "ISBN 978-0-306-40615-7, pages 100-200-3000",
    "an @ sign, a name@host and 3.14159265358979",
    "00:1a:2b:3c:4d:5e",
    "part (212) 555-0123b, firmware 8.8.8.8a",
    "+1 2 3 4 5 6 7 8 points, in +1234567890123456 ways",
]


@pytest.mark.parametrize(("kind", "text"), FOUND)
def test_what_has_the_form_is_counted_and_masked(kind: str, text: str) -> None:
    assert counts(text) == dict.fromkeys((f"pii_{kind}" for kind in KINDS), 0) | {f"pii_{kind}": 1}
    assert f"<{kind}>" in mask(text, KINDS)
    assert counts(mask(text, KINDS))[f"pii_{kind}"] == 0


@pytest.mark.parametrize("text", NONE)
def test_what_only_looks_like_it_is_left_alone(text: str) -> None:
    assert not any(counts(text).values())
    assert mask(text, KINDS) == text


def test_only_the_kinds_that_are_asked_for_are_masked() -> None:
    text = "bob@example.org or (212) 555-0123"
    assert mask(text, ["email"]) == "<email> or (212) 555-0123"
    assert mask(text, ["phone"]) == "bob@example.org or <phone>"
    assert mask(text, []) == text


def test_of_two_finds_that_overlap_the_one_with_the_stricter_form_is_meant() -> None:
    assert mask("+49 30 1234567@example.org", KINDS) == "+49 30 <email>"


@given(st.text(alphabet="aZ9@.+-() :/1234567890", max_size=200))
def test_masking_leaves_nothing_to_mask_of_what_it_found_and_never_raises(text: str) -> None:
    found = counts(text)
    masked = mask(text, KINDS)
    assert sum(masked.count(f"<{kind}>") for kind in KINDS) == sum(found.values())
    assert all(number <= len(text) for number in found.values())


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "+1 ", "a@", "AA11 ", "1.1.", "::1", "a@b.cd ", "+1(23)", f"+{'1' * 15}x "]
)
def test_a_hostile_text_takes_no_time(piece: str) -> None:
    started = time.process_time()
    counts(piece * (600_000 // len(piece)))
    assert time.process_time() - started < 5
