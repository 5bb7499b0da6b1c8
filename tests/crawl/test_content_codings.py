import contextlib
import gzip
import time
import tracemalloc
import zlib
from collections.abc import Callable
from functools import partial

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from webtext.crawl.coding import MAX_MEMBERS, BadCoding, Decoded, decode

LIMIT = 1_000_000


def _raw_deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-15)
    return compressor.compress(body) + compressor.flush()


def _skipped(data: bytes) -> bytes:
    return (0x184D2A53).to_bytes(4, "little") + len(data).to_bytes(4, "little") + data


def _zstd_of_window(log: int, body: bytes) -> bytes:
    settings = zstandard.ZstdCompressionParameters(window_log=log)
    coder = zstandard.ZstdCompressor(compression_params=settings).compressobj()
    return coder.compress(body) + coder.flush()


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "GZIP": gzip.compress,
    "deflate": zlib.compress,
    "deflate, gzip": lambda body: gzip.compress(zlib.compress(body)),
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "gzip, br": lambda body: brotli.compress(gzip.compress(body)),
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


@given(
    st.binary(max_size=300),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "deflate, gzip", "gzip, gzip, gzip"]),
)
def test_any_bytes_are_decoded_or_refused(body: bytes, coding: str) -> None:
    with contextlib.suppress(BadCoding):
        decode(body, coding, LIMIT)


def test_several_gzip_members_are_one_body_and_what_follows_is_garbage() -> None:
    assert decode(gzip.compress(b"a") + gzip.compress(b"b") + b"\0\0junk", "gzip", LIMIT).body == b"ab"


def test_several_zstd_frames_are_one_body_and_what_follows_is_garbage() -> None:
    frames = zstandard.compress(b"a") + _skipped(b"x" * 5000) + zstandard.compress(b"b")
    assert decode(frames + b"\0\0junk", "zstd", LIMIT) == Decoded(b"ab")


def test_what_follows_a_brotli_stream_is_damage() -> None:
    with pytest.raises(BadCoding, match="damaged"):
        decode(brotli.compress(b"a") + b"junk", "br", LIMIT)


STREAMS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "br": partial(brotli.compress, quality=5),
    "zstd": zstandard.compress,
}


@pytest.mark.parametrize("coding", STREAMS)
def test_a_stream_that_ends_early_is_incomplete(coding: str) -> None:
    coded = STREAMS[coding](bytes(range(256)) * 100)
    assert not any(decode(coded[:-cut], coding, LIMIT).complete for cut in (1, 4, 9))


def test_a_whole_stream_within_one_that_ends_early_is_incomplete() -> None:
    coded = gzip.compress(zlib.compress(b"hello"))[:-4]  # whose checksum is cut
    assert decode(coded, "deflate, gzip", LIMIT) == Decoded(b"hello", complete=False)


@pytest.mark.parametrize("coding", STREAMS)
def test_no_more_than_the_limit_is_decoded(coding: str) -> None:
    decoded = decode(STREAMS[coding](bytes(range(256)) * 1000), coding, 1000)
    assert decoded.too_large
    assert len(decoded.body) == 1000


@pytest.mark.parametrize("coding", STREAMS)
def test_a_body_of_exactly_the_limit_is_not_too_large(coding: str) -> None:
    assert decode(STREAMS[coding](b"x" * 100_000), coding, 100_000) == Decoded(b"x" * 100_000)
    assert not decode(b"x" * 1000, None, 1000).too_large
    assert decode(b"x" * 1001, None, 1000).too_large


@pytest.mark.parametrize("coding", STREAMS)
def test_a_bomb_is_refused_for_its_ratio(coding: str) -> None:
    bomb = STREAMS[coding](bytes(50_000_000))
    with pytest.raises(BadCoding, match="expands"):
        decode(bomb, coding, 100_000_000)


@pytest.mark.parametrize("coding", STREAMS)
def test_a_bomb_within_a_bomb_costs_no_more_than_the_limit(coding: str) -> None:
    bomb = STREAMS[coding](STREAMS[coding](bytes(200_000_000)))
    started = time.thread_time()
    with pytest.raises(BadCoding):
        decode(bomb, f"{coding}, {coding}", 10_000_000)
    assert time.thread_time() - started < 1


@pytest.mark.parametrize("coding", ["br", "zstd"])
def test_a_bomb_takes_the_memory_of_a_page(coding: str) -> None:
    bomb = STREAMS[coding](bytes(200_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(BadCoding, match="expands"):
            decode(bomb, coding, 10_000_000)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()


def test_a_window_that_no_browser_takes_is_refused() -> None:
    assert decode(_zstd_of_window(23, b"hello"), "zstd", LIMIT).body == b"hello"
    with pytest.raises(BadCoding, match="window"):
        decode(_zstd_of_window(24, b"hello"), "zstd", LIMIT)


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_countless_empty_members_are_refused(coding: str) -> None:
    empty = STREAMS[coding](b"")
    assert decode(empty * MAX_MEMBERS, coding, LIMIT) == Decoded(b"")
    with pytest.raises(BadCoding, match=r"members|frames"):
        decode(empty * 20_000, coding, LIMIT)


@pytest.mark.parametrize("coding", ["compress", "dcb", "dcz", "gzip, gzip, gzip, gzip"])
def test_codings_that_nobody_asks_for_are_refused(coding: str) -> None:
    with pytest.raises(BadCoding):
        decode(b"whatever", coding, LIMIT)
