"""Token files: ids, their index, and the summary."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from webtext.shards.tokens import TokenFile, TokenWriter, index, token_file

EOT = 9


def write(path: Path, dtype: str = "uint16") -> TokenFile:
    with token_file(path, dtype, EOT) as writer:
        add(writer, "a", [1, 2, 3])
        add(writer, "b", [])
        add(writer, "c", [65_535])
    assert writer.written is not None
    return writer.written


def add(writer: TokenWriter, id: str, ids: list[int]) -> None:
    writer.add([id], [np.array(ids, np.uint32)], text_bytes=len(ids))


@pytest.mark.parametrize(("dtype", "code"), [("uint16", "<u2"), ("uint32", "<u4")])
def test_each_document_is_followed_by_one_end_of_text(tmp_path: Path, dtype: str, code: str) -> None:
    write(tmp_path / "train-00000.bin", dtype)
    found = np.fromfile(tmp_path / "train-00000.bin", code)
    assert found.tolist() == [1, 2, 3, EOT, EOT, 65_535, EOT]


def test_the_index_says_where_each_document_lies(tmp_path: Path) -> None:
    write(tmp_path / "train-00000.bin")
    rows = pq.read_table(tmp_path / "train-00000.idx").to_pylist()
    assert [(row["id"], row["offset"], row["length"]) for row in rows] == [
        ("a", 0, 4),
        ("b", 4, 1),
        ("c", 5, 2),
    ]


def test_a_writer_that_fails_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), token_file(tmp_path / "train-00000.bin", "uint16", EOT) as writer:
        add(writer, "a", [1])
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_token_file_knows_whether_it_still_stands(tmp_path: Path) -> None:
    path = tmp_path / "train-00000.bin"
    made = write(path)
    assert made.stands(path)
    path.write_bytes(path.read_bytes()[:-2] + b"\0\0")
    assert not made.stands(path)
    write(path)
    path.with_suffix(".idx").unlink()
    assert not made.stands(path)


def test_the_summary_adds_up(tmp_path: Path) -> None:
    names = ["train-00000.bin", "train-00001.bin", "test-00000.bin"]
    made = {name: write(tmp_path / name) for name in names}
    told = index({"eot": EOT}, "uint16", ["train", "validation", "test"], made)
    assert {split: told["splits"][split]["tokens"] for split in told["splits"]} == {
        "train": 14,
        "validation": 0,
        "test": 7,
    }
    entry = told["splits"]["train"]["files"][1]
    assert entry["file"] == "train-00001.bin"
    assert entry["sha256"] == hashlib.sha256((tmp_path / "train-00001.bin").read_bytes()).hexdigest()
    assert (entry["documents"], entry["bytes"]) == (3, 4)
