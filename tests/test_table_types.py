"""Partitions whose columns another program wrote: harmless where they are laid out otherwise, refused where
they are of other types."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from webtext import layouts, parquet, schemas
from webtext.audit.source import Source
from webtext.corpus import Corpus
from webtext.crawl import carry
from webtext.errors import UserError
from webtext.manifest import Counts, Manifest, Part

FILE = "part-00000.parquet"
ROW = {"id": "0" * 16, "url": "http://a.example/", "state": "kept", "stage": "shards"}


@pytest.fixture
def corpus(tmp_path: Path) -> Corpus:
    corpus = Corpus(tmp_path)
    table = corpus.table("ledger")
    table.folder.mkdir()
    counts = Counts(into=1, out=1)
    part = Part(FILE, "key", 1, 1, "hash", counts)
    table.publish(Manifest("ledger", 1, "recipe", "inputs", (part,), counts))
    return corpus


def write(corpus: Corpus, column: pa.Array) -> None:
    rows = pa.Table.from_pylist([ROW], schema=schemas.LEDGER)
    place = rows.column_names.index("state")
    pq.write_table(rows.set_column(place, "state", column), corpus.table("ledger").path(0))


@pytest.mark.parametrize(
    ("column", "found"),
    [
        (pa.array([1]), "int64"),
        (pa.array([["kept"]]), r"list<\w+: string>"),
        (pa.nulls(1), "null"),
        (pa.array([b"kept"]), "binary"),
    ],
    ids=["number", "list", "null", "bytes"],
)
def test_a_column_of_another_type_is_named_with_what_to_do(
    corpus: Corpus, column: pa.Array, found: str
) -> None:
    write(corpus, column)
    told = rf"{FILE}: cannot be read .state is {found} instead of string.: delete ledger/_manifest.json"
    ledger = corpus.table("ledger")
    for reading in (
        lambda: ledger.read(FILE, ["state"]),
        lambda: [*ledger.batches(FILE, 10, ["state"])],
        lambda: ledger.require_sound(FILE),
        lambda: [*Source(corpus).batches("ledger", ["id"])],
    ):
        with pytest.raises(UserError, match=told):
            reading()


@pytest.mark.parametrize(
    "column",
    [pa.array(["kept"], pa.large_string()), pa.array(["kept"]).dictionary_encode()],
    ids=["large", "dictionary"],
)
def test_a_column_laid_out_otherwise_is_read_as_ones_own(corpus: Corpus, column: pa.Array) -> None:
    write(corpus, column)
    table = corpus.table("ledger").read(FILE)
    batches: list[Any] = [*Source(corpus).batches("ledger", ["state"])]
    for rows in (table, *corpus.table("ledger").batches(FILE, 10, ["state"]), *batches):
        assert rows.schema.field("state").type == pa.string()
        assert rows.column("state").to_pylist() == ["kept"]


def test_integers_of_another_width_are_no_other_type() -> None:
    narrow = pa.schema(
        [schemas.PAGES.field(n) if n != "bytes" else (n, pa.int32()) for n in schemas.PAGES.names]
    )
    assert not layouts.unlike(narrow, schemas.PAGES)


def test_a_lists_layout_and_the_name_of_its_items_are_no_other_type() -> None:
    posts = pa.large_list(pa.field("element", schemas.SUBMISSION))
    place = schemas.LINKS.names.index("submissions")
    assert not layouts.unlike(schemas.LINKS.set(place, pa.field("submissions", posts)), schemas.LINKS)


@pytest.mark.parametrize(
    ("found", "wanted", "same"),
    [
        (pa.float32(), pa.float64(), True),
        (pa.timestamp("us"), pa.timestamp("ns"), True),
        (pa.timestamp("us", "UTC"), pa.timestamp("us"), False),
        (pa.list_(pa.int32()), pa.list_(pa.int64()), True),
        (pa.struct({"a": pa.int32()}), pa.struct({"a": pa.int64()}), True),
        (pa.struct({"a": pa.int64(), "b": pa.string()}), pa.struct({"a": pa.int64()}), False),
        (
            pa.struct({"a": pa.int64(), "b": pa.string()}),
            pa.struct({"a": pa.int64(), "b": pa.int64()}),
            False,
        ),
    ],
)
def test_a_type_is_another_where_its_values_are(found: pa.DataType, wanted: pa.DataType, same: bool) -> None:
    assert (layouts.unlike(pa.schema({"x": found}), pa.schema({"x": wanted})) == "") == same


def test_a_leaf_of_a_nested_column_stays_as_it_was_read() -> None:
    leaf = pa.schema({"x": pa.list_(pa.struct({"a": pa.int32()}))})
    whole = pa.schema({"x": pa.list_(pa.struct({"a": pa.int64(), "b": pa.string()}))})
    assert layouts.laid_out(pa.table({"x": [[{"a": 1}]]}, schema=leaf), whole).schema == leaf


def test_a_table_of_pages_of_another_type_is_not_asked_for_again_unbidden(tmp_path: Path) -> None:
    rows = schemas.PAGES.empty_table()
    place = rows.column_names.index("warc_offset")
    pq.write_table(rows.set_column(place, "warc_offset", pa.array([], pa.string())), tmp_path / FILE)
    with pytest.raises(UserError, match=r"warc_offset is string instead of int64.*delete it to fetch"):
        carry.made_for(tmp_path / FILE)


def test_a_filter_takes_no_partition_for_one_of_nulls(corpus: Corpus) -> None:
    told = rf"{FILE}: cannot be read .state is null instead of string.: delete ledger/_manifest.json"
    write(corpus, pa.nulls(1))
    with pytest.raises(UserError, match=told):
        corpus.table("ledger").rows(pc.field("id") == ROW["id"])
    pq.write_table(pa.table({"id": [ROW["id"]]}), corpus.table("ledger").path(0))
    with pytest.raises(UserError, match=rf"{FILE}: cannot be read .it has no url, state, reason"):
        corpus.table("ledger").rows(pc.field("id") == ROW["id"])


def test_a_flipped_bit_in_a_partition_is_told_by_its_name(corpus: Corpus) -> None:
    path = corpus.table("ledger").path(0)
    parquet.write(path, schemas.LEDGER, [pa.Table.from_pylist([ROW], schemas.LEDGER)])
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes([whole[40] ^ 1]) + whole[41:])
    with pytest.raises(UserError, match=rf"{FILE}: cannot be read \(.*: delete ledger/_manifest.json"):
        corpus.table("ledger").rows(pc.field("id") == ROW["id"])


def test_a_flipped_bit_in_the_name_of_a_column_is_damage_of_the_file(corpus: Corpus) -> None:
    write(corpus, pa.array(["kept"]))
    ledger = corpus.table("ledger")
    path = ledger.path(0)
    path.write_bytes(path.read_bytes().replace(b"state", b"st\xe1te"))
    for reading in (
        lambda: ledger.read(FILE),
        lambda: [*ledger.batches(FILE, 10, ["id"])],
        lambda: ledger.require_sound(FILE),
        lambda: ledger.rows(pc.field("id") == "0"),
        lambda: [*Source(corpus).batches("ledger", ["id"])],
        lambda: carry.made_for(path),
    ):
        with pytest.raises(UserError, match=rf"{FILE}: .*damaged|{FILE}: cannot be read"):
            reading()
