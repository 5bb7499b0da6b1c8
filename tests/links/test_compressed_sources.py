"""Compressed files as they are met: several frames, huge windows, cut short, damaged."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from webtext.links import line_chunks
from webtext.links.compressed import Broken, FrameWalk, kind_of, open_reader
from webtext.links.line_chunks import MAX_LINE_BYTES, LineChunks

TEXT = b"".join(
    b'{"id":"%x","x":"%s"}\n' % (n, random.Random(n).randbytes(30).hex().encode()) for n in range(20_000)
)


def read(path: Path, at_a_time: int = 1 << 16) -> tuple[bytes, str | None]:
    """(all that can be had, why there is no more)."""
    reader, read, buffer = open_reader(path), io.BytesIO(), bytearray(at_a_time)
    try:
        while count := reader.readinto(memoryview(buffer)):
            read.write(buffer[:count])
    except Broken as broken:
        return read.getvalue(), str(broken)
    finally:
        reader.close()
    return read.getvalue(), None


def zstd(data: bytes, window_log: int = 20) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(1, window_log=window_log)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return compressor.compress(data) + compressor.flush()


COMPRESS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstd,
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}


@pytest.mark.parametrize("kind", COMPRESS)
def test_each_kind_is_told_by_its_first_bytes_and_read(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "no-extension"
    path.write_bytes(COMPRESS[kind](TEXT))
    assert kind_of(path.read_bytes()[:8]) == kind
    assert read(path) == (TEXT, None)


@pytest.mark.parametrize("kind", COMPRESS)
def test_frames_that_follow_each_other_are_one_text(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(COMPRESS[kind](TEXT[:1000]) + COMPRESS[kind](b"") + COMPRESS[kind](TEXT[1000:]))
    assert read(path) == (TEXT, None)


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_file_cut_short_gives_all_before_the_cut_and_says_so(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = COMPRESS[kind](TEXT)
    path.write_bytes(whole[: len(whole) * 2 // 3])
    text, broken = read(path)
    assert broken and TEXT.startswith(text)
    # bzip2 works in blocks of 900 kB
    assert len(text) > len(TEXT) * (0.3 if kind == "bzip2" else 0.5)


@pytest.mark.parametrize("at_a_time", [1 << 16, 1 << 23])
def test_a_damaged_zstd_frame_gives_every_block_before_the_damage(at_a_time: int, tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = bytearray(zstd(TEXT))
    middle = len(whole) // 2
    whole[middle : middle + 200_000] = b"\xff" * 200_000
    path.write_bytes(whole)
    text, broken = read(path, at_a_time)
    assert broken and "damaged" in broken and TEXT.startswith(text[:-200_000])
    assert len(text) > len(TEXT) * 0.3


@pytest.mark.parametrize("other", [zstd(b"short"), b"no zstd"])
def test_a_damaged_file_that_is_replaced_while_it_is_read_has_an_end(other: bytes, tmp_path: Path) -> None:
    path, buffer = tmp_path / "x", memoryview(bytearray(1 << 10))
    whole = bytearray(zstd(TEXT))
    whole[100_000:] = b"\xff" * 100_000
    path.write_bytes(whole)
    reader = open_reader(path)
    assert reader.readinto(buffer) and bytes(buffer) == TEXT[: len(buffer)]
    path.write_bytes(other)
    with pytest.raises(Broken, match="damaged"):
        while reader.readinto(buffer):
            pass
    reader.close()


def test_a_dumps_window_of_two_gibibytes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(zstd(TEXT[:100_000], window_log=31))
    assert read(path) == (TEXT[:100_000], None)


def test_skippable_frames_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\x50\x2a\x4d\x18\x03\0\0\0abc" + zstd(TEXT))
    assert read(path) == (TEXT, None)


@given(st.binary(max_size=300_000), st.booleans(), st.integers(0, 10**6), st.integers(1, 5000))
def test_only_the_end_of_a_frame_is_an_end(data: bytes, checksum: bool, cut: int, step: int) -> None:
    whole = zstandard.ZstdCompressor(write_checksum=checksum, level=1).compress(data)
    cut %= len(whole) + 1
    walk = FrameWalk()
    for begin in range(0, cut, step):
        walk.feed(whole[begin : min(begin + step, cut)])
    assert walk.between_frames == (cut in (0, len(whole)))


def test_zstds_own_good_and_bad_frames_end_by_themselves(shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "hostile" / "zstd.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    for path in tmp_path.rglob("golden-decompression/*.zst"):
        assert read(path)[1] is None, path
    for path in tmp_path.rglob("golden-decompression-errors/*.zst"):
        assert read(path)[1], path


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_chunks, "CHUNK_BYTES", 1 << 12)


def lines(path: Path) -> tuple[list[bytes], LineChunks]:
    chunks = LineChunks(path)
    return [line for chunk in chunks for line in bytes(chunk).splitlines()], chunks


def test_chunks_end_at_line_ends_and_the_last_line_needs_no_newline(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(TEXT + b"last")
    assert lines(path)[0] == [*TEXT.splitlines(), b"last"]
    assert all(bytes(chunk).endswith((b"\n", b"last")) for chunk in LineChunks(path))


def test_while_a_chunk_is_worked_on_the_next_ones_are_looked_at(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"".join(b"%d\n" % number for number in range(5000)))
    lookers: dict[bytes, list[int]] = {}

    def look(chunk: memoryview) -> bytes:
        lookers.setdefault(bytes(chunk), []).append(threading.get_ident())
        return bytes(chunk)

    found = []
    for chunk, seen in LineChunks(path).looked_at(look):
        found.append(bytes(chunk))
        assert seen == found[-1]
        until = time.monotonic() + 5
        while len(found) == 1 and len(lookers) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    assert b"".join(found) == path.read_bytes()
    assert [len(lookers[each]) for each in found] == [1] * len(found)
    assert lookers[found[0]] == [threading.get_ident()]  # the first is awaited
    assert lookers[found[1]] != [threading.get_ident()]


def test_a_line_cut_by_the_break_is_not_a_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    whole = zstd(TEXT)
    path.write_bytes(whole[: len(whole) // 2])
    found, chunks = lines(path)
    assert chunks.broken
    assert found == TEXT.splitlines()[: len(found)] and len(found) > 5000


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"\xef\xbb\xbfurl\n")
    assert lines(path)[0] == [b"url"]


@pytest.mark.parametrize("kind", COMPRESS)
def test_a_byte_order_mark_may_stand_in_several_frames(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"".join(COMPRESS[kind](bytes([byte])) for byte in b"\xef\xbb\xbfurl\n"))
    assert lines(path)[0] == [b"url"]


def test_a_line_beyond_all_measure_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"a\n" + b"x" * (2 * MAX_LINE_BYTES) + b"\nb\n" + b"y" * (MAX_LINE_BYTES - 1) + b"\nc\n")
    found, chunks = lines(path)
    assert [line[:1] for line in found] == [b"a", b"b", b"y", b"c"]
    assert chunks.overlong == 1


def test_an_error_of_the_disk_is_raised_where_the_chunks_are_used(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(LineChunks(tmp_path / "nowhere"))
