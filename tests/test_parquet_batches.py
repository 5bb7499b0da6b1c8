"""What a small Parquet file can ask for of memory is bounded."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from webtext import parquet_batches
from webtext.parquet_batches import batches

LONG = "x" * 100_000


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet_batches, "MAX_BATCH_BYTES", 1_000_000)


def written(path: Path, values: Sequence[str | None], **how: Any) -> Path:
    table = pa.table({"url": values, "score": list(range(len(values)))})
    pq.write_table(table, path, compression="zstd", **how)
    return path


def odd_levels(path: Path) -> Path:
    """The last row group's URLs with one count of levels instead of two, of missing ones and others."""
    data, counts = path.read_bytes(), b"\x19\x26\x04\x04"  # Thrift: a list of two numbers, 2 and 2
    rest, _, behind = data[:-8].rpartition(counts)
    footer_bytes = int.from_bytes(data[-8:-4], "little") - 1
    path.write_bytes(rest + b"\x19\x16\x04" + behind + footer_bytes.to_bytes(4, "little") + b"PAR1")
    return path


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"use_dictionary": False, "column_encoding": {"url": "DELTA_BYTE_ARRAY"}},
        {"row_group_size": 500},
    ],
    ids=["dictionary", "shared prefixes", "groups"],
)
def test_a_long_value_in_many_rows_is_read_a_few_rows_at_a_time(tmp_path: Path, how: dict[str, Any]) -> None:
    path = written(tmp_path / "bomb.parquet", ["short"] * 600 + [LONG, None] * 200, **how)
    assert path.stat().st_size < 20_000
    found = list(batches(path, 1000, ["url", "score"]))
    assert max(batch.nbytes for batch in found) < 1_100_000
    rows = [row for batch in found for row in batch.to_pylist()]
    assert [row["score"] for row in rows] == list(range(1000))
    assert [row["url"] for row in rows[600:]] == [LONG, None] * 200


def test_a_value_that_alone_is_too_long_is_read_row_by_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_batches, "MAX_BATCH_BYTES", len(LONG) - 1)
    path = written(tmp_path / "bomb.parquet", [LONG] * 5)
    assert [batch.num_rows for batch in batches(path, 1000)] == [1] * 5


def test_a_long_value_in_lists_of_many_rows_is_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    rows = [{"lists": [[LONG]], "of": {"pairs": [("a", LONG)]}} for _ in range(400)]
    kinds = {
        "lists": pa.list_(pa.list_(pa.string())),
        "of": pa.struct({"pairs": pa.map_(pa.string(), pa.string())}),
    }
    pq.write_table(pa.Table.from_pylist(rows, pa.schema(kinds)), tmp_path / "bomb.parquet")
    found = list(batches(tmp_path / "bomb.parquet", 1000))
    assert max(batch.nbytes for batch in found) < 2_200_000
    assert [row for batch in found for row in batch.to_pylist()] == rows


@pytest.mark.parametrize("first", [[], None], ids=["empty", "missing"])
def test_a_first_row_without_a_value_does_not_hide_a_long_one(tmp_path: Path, first: object) -> None:
    table = pa.table({"a.list": pa.array([first] * 2000 + [[LONG]] * 400, pa.list_(pa.string()))})
    pq.write_table(table, tmp_path / "bomb.parquet")
    assert max(batch.nbytes for batch in batches(tmp_path / "bomb.parquet", 1000)) < 1_100_000


def test_long_json_is_read_a_few_rows_at_a_time(tmp_path: Path) -> None:
    values = pa.ExtensionArray.from_storage(pa.json_(), pa.array([f'"{LONG}"'] * 400))
    pq.write_table(pa.table({"json": values}), tmp_path / "bomb.parquet")
    assert max(batch.nbytes for batch in batches(tmp_path / "bomb.parquet", 1000)) < 1_100_000


@pytest.mark.parametrize("dictionary", [True, False])
def test_usual_values_are_read_as_many_rows_at_a_time_as_asked_for(tmp_path: Path, dictionary: bool) -> None:
    urls = [f"http://{number}.example/{'x' * 500}" for number in range(5000)]
    path = written(tmp_path / "usual.parquet", urls, use_dictionary=dictionary)
    assert [batch.num_rows for batch in batches(path, 1000, ["url"])] == [1000] * 5


def test_one_long_value_that_stands_once_does_not_slow_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path / "long.parquet", ["short"] * 999 + [LONG], use_dictionary=False)
    assert [batch.num_rows for batch in batches(path, 1000)] == [1000]


def test_a_file_without_rows_has_no_batch(tmp_path: Path) -> None:
    assert list(batches(written(tmp_path / "none.parquet", []), 1000)) == []


def test_a_row_group_with_odd_statistics_costs_none_before_it(tmp_path: Path) -> None:
    path = written(tmp_path / "odd.parquet", ["short", None] * 4, row_group_size=4)
    found = batches(odd_levels(path), 1000)
    assert next(found)["score"].to_pylist() == [0, 1, 2, 3]
    with pytest.raises(OSError, match="histogram"):  # Arrow ends the process that asks for such a column
        next(found)
