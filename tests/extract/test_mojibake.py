"""Garbled text is set right where that is certain, and nothing else is touched."""

import time

import pytest

from webtext.extract.mojibake import mend


@pytest.mark.parametrize(
    ("garbled", "meant"),
    [
        ("The cafÃ© was naÃ¯ve", "The café was naïve"),
        ("donâ€™t â€œquoteâ€\x9d", "don’t “quote”"),
        ("Ð¿Ñ€Ð¸Ð²ÐµÑ‚", "привет"),
    ],
)
def test_utf8_read_as_another_encoding_is_mended(garbled: str, meant: str) -> None:
    assert mend(f"A good line: über.\n{garbled}") == f"A good line: über.\n{meant}"


@pytest.mark.parametrize("text", ["ascii", "naïve café", "“quotes” — dash…", "SÃO PAULO", "привет", "灯台守"])
def test_other_text_stays(text: str) -> None:
    assert mend(text) == text


def test_a_long_text_takes_no_time() -> None:
    started = time.process_time()
    mend("Ã©" * 500_000)
    mend("cafÃ© \n" * 20_000)
    assert time.process_time() - started < 10
