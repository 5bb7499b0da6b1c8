import contextlib
import gzip
import time
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.coding import BadCoding, decode

LIMIT = 1_000_000


def _raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate, gzip": lambda body: gzip.compress(zlib.compress(body)),
    "identity": bytes,
    "": bytes,
    "utf-8": bytes,  # a mistake that browsers forgive
}


@given(st.binary(max_size=5000), st.sampled_from(sorted(CODERS)))
def test_what_was_coded_comes_back(body: bytes, coding: str) -> None:
    decoded = decode(CODERS[coding](body), coding, LIMIT)
    assert decoded.body == body
    assert decoded.complete and not decoded.too_large


def test_deflate_without_its_zlib_container_is_understood() -> None:
    assert decode(_raw_deflate(b"hello" * 10), "deflate", LIMIT).body == b"hello" * 10


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "deflate, gzip", "gzip, gzip, gzip"]))
def test_any_bytes_are_decoded_or_refused(body: bytes, coding: str) -> None:
    with contextlib.suppress(BadCoding):
        decode(body, coding, LIMIT)


def test_several_gzip_members_are_one_body_and_what_follows_is_garbage() -> None:
    assert decode(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0junk", "gzip", LIMIT).body == b"ab"


def test_a_stream_that_ends_early_is_incomplete() -> None:
    decoded = decode(gzip.compress(b"hello" * 100)[:-9], "gzip", LIMIT)
    assert not decoded.complete


def test_no_more_than_the_limit_is_decoded() -> None:
    decoded = decode(gzip.compress(bytes(range(256)) * 100), "gzip", 1000)
    assert decoded.too_large
    assert len(decoded.body) == 1000


def test_a_body_of_exactly_the_limit_is_not_too_large() -> None:
    assert not decode(gzip.compress(b"x" * 1000), "gzip", 1000).too_large
    assert not decode(b"x" * 1000, None, 1000).too_large
    assert decode(b"x" * 1001, None, 1000).too_large


def test_a_bomb_is_refused_for_its_ratio() -> None:
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(BadCoding, match="expands"):
        decode(bomb, "gzip", 100_000_000)


def test_a_bomb_within_a_bomb_costs_no_more_than_the_limit() -> None:
    bomb = gzip.compress(gzip.compress(bytes(200_000_000)))
    started = time.process_time()
    with pytest.raises(BadCoding):
        decode(bomb, "gzip, gzip", 10_000_000)
    assert time.process_time() - started < 1


def test_countless_empty_members_are_refused() -> None:
    with pytest.raises(BadCoding, match="members"):
        decode(gzip.compress(b"") * 20_000, "gzip", LIMIT)


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "gzip, gzip, gzip, gzip"])
def test_codings_that_were_not_asked_for_are_refused(coding: str) -> None:
    with pytest.raises(BadCoding):
        decode(b"whatever", coding, LIMIT)
