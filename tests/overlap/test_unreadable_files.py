"""Test sets that cannot be read are refused, rather than found to have nothing in common with anything."""

import gzip
import io
import json
import random
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext.errors import UserError
from webtext.overlap import ngrams
from webtext.overlap.texts import check

LINE = "It was the best of times, it was the worst of times"
DEPTH = 200_000


def zipped() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("test.txt", LINE)
    return made.getvalue()


def tarred() -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        member = tarfile.TarInfo("test.txt")
        member.size = len(LINE)
        archive.addfile(member, io.BytesIO(LINE.encode()))
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zipped(), "a zip file; what can be read are text"),
        (tarred(), "a tar archive"),
        (gzip.compress(tarred()), "a tar archive"),
        (gzip.compress(zipped()), "a zip file"),
        (random.Random(1).randbytes(5000), "binary data"),
        (LINE.encode("utf-16"), "save it as UTF-8"),
        (LINE.encode("utf-16-be"), "binary data"),
        (LINE.encode("utf-32"), "save it as UTF-8"),
        (b"", "nothing but blanks"),
        (b"\n \n", "nothing but blanks"),
        (gzip.compress(b""), "nothing but blanks"),
    ],
    ids=[
        *("zip", "tar", "gzipped tar", "gzipped zip", "noise", "UTF-16", "UTF-16 without a mark", "UTF-32"),
        *("nothing", "blanks", "gzipped nothing"),
    ],
)
def test_what_is_no_text_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "test").write_bytes(content)
    with pytest.raises(UserError, match=said):
        check(tmp_path / "test")


@pytest.mark.parametrize(
    "content",
    [
        json.dumps([{"text": LINE}]),
        json.dumps([{"text": LINE}], indent=1),
        json.dumps([LINE, LINE], indent=1),
        '[{"text": "a"},\n{"text": "b"}]',
        json.dumps({"data": [{"text": LINE}]}, indent=1),
        '{"text": "cut sh',
        "[" * DEPTH,
        '{"a":' * DEPTH,
    ],
    ids=[
        *("array", "indented array", "array of texts", "array in lines", "indented object", "cut short"),
        *("deep arrays", "deep objects"),
    ],
)
def test_json_that_is_not_in_lines_is_named(tmp_path: Path, content: str) -> None:
    (tmp_path / "test.json").write_text(content)
    with pytest.raises(UserError, match="make it JSON lines"):
        check(tmp_path / "test.json")


@pytest.mark.parametrize("begin", ["[[File:a.jpg]] ", "{{Infobox}} ", "[ Music ] ", "[1] "])
def test_text_in_brackets_is_text(tmp_path: Path, begin: str) -> None:
    (tmp_path / "test.txt").write_text(begin + LINE)
    assert len(ngrams.of_file(tmp_path / "test.txt").hashes) >= 5


def test_a_row_that_is_nested_too_deep_is_named(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(json.dumps({"text": LINE}) + "\n" + '{"a":' * DEPTH)
    with pytest.raises(UserError, match=r"test\.jsonl:2: not a JSON object"):
        ngrams.of_file(tmp_path / "test.jsonl")


def test_a_byte_order_mark_of_utf_8_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    (tmp_path / "test.jsonl").write_text(json.dumps({"text": LINE, "id": "x " * 9}), "utf-8-sig")
    assert len(ngrams.of_file(tmp_path / "test.jsonl").hashes) == 5


def test_texts_in_columns_of_bytes_are_read(tmp_path: Path) -> None:
    for name in ("text", "other"):
        pq.write_table(pa.table({name: [LINE.encode()], "image": [b"\x89PNG"]}), tmp_path / name)
        assert len(ngrams.of_file(tmp_path / name).hashes) == 5


def test_parquet_with_times_in_a_zone_that_nobody_knows_is_named(tmp_path: Path) -> None:
    times = pa.array([1], pa.timestamp("s", tz="Nowhere/Zone"))
    pq.write_table(pa.table({"body": [LINE], "time": times}), tmp_path / "test.parquet")
    with pytest.raises(UserError, match=r"test\.parquet: cannot be read"):
        check(tmp_path / "test.parquet")


@pytest.mark.parametrize("type", [pa.string(), pa.binary()])
def test_a_text_of_parquet_that_is_not_utf_8_is_named(tmp_path: Path, type: pa.DataType) -> None:
    column = pa.array([b"caf\xe9 " * 9], pa.binary()).view(type)
    pq.write_table(pa.table({"text": column}), tmp_path / "test.parquet")
    with pytest.raises(UserError, match=r"test\.parquet: cannot be read"):
        check(tmp_path / "test.parquet")
