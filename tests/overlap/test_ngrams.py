"""8-grams: the paper's normalisation, the forms of files, and which of them a stream has."""

import bz2
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webtext.errors import UserError
from webtext.overlap import bloom, ngrams
from webtext.overlap.lookup import Lookup
from webtext.overlap.texts import examples

LINE = "It was the best of times, it was the worst of times"


def grams(text: str) -> set[int]:
    return set(ngrams.of_texts([text])[0].tolist())


def written(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    return path


def test_case_punctuation_and_space_make_no_difference() -> None:
    assert grams(LINE) == grams("  it WAS the 'best' of\n times -- it was the worst of times!")
    assert len(grams(LINE)) == 5


def test_another_word_or_another_order_does() -> None:
    assert not grams("one two three four five six seven eight") & grams(
        "one two three four five six eight seven"
    )


def test_a_text_of_fewer_words_has_none_and_of_eight_one() -> None:
    assert grams("one two three four five six seven") == set()
    assert len(grams("one two three four five six seven eight")) == 1


@settings(max_examples=40)
@given(st.lists(st.text(max_size=80), max_size=6))
def test_texts_together_have_the_ngrams_of_each_alone(texts: list[str]) -> None:
    hashes, offsets = ngrams.of_texts(texts)
    alone = [ngrams.of_texts([text])[0] for text in texts]
    assert [hashes[a:b].tolist() for a, b in pairwise(offsets)] == [each.tolist() for each in alone]


def test_running_text_goes_on_over_its_lines_and_an_ngram_is_of_the_line_where_it_begins(
    tmp_path: Path,
) -> None:
    found = ngrams.of_file(written(tmp_path / "t.txt", "a b c d e", "", "f g h i", "j"))
    assert set(found.hashes.tolist()) == grams("a b c d e f g h i j")
    assert found.counts.tolist() == [3, 0, 0, 0]


def test_a_row_of_json_is_its_text_or_else_each_of_its_strings(tmp_path: Path) -> None:
    rows = [{"text": LINE, "id": "x " * 9}, {"q": "a b c d", "a": ["e f g h", LINE]}]
    found = ngrams.of_file(written(tmp_path / "t.jsonl", *map(json.dumps, rows)))
    assert found.counts.tolist() == [5, 5]
    assert set(found.hashes.tolist()) == grams(LINE)


def test_compressed_files_and_parquet_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "t.txt.bz2").write_bytes(bz2.compress(LINE.encode()))
    pq.write_table(pa.table({"id": ["1"], "text": [LINE]}), tmp_path / "t.parquet")
    for name in ("t.txt.bz2", "t.parquet"):
        assert set(ngrams.of_file(tmp_path / name).hashes.tolist()) == grams(LINE)


@pytest.mark.parametrize("form", ["txt", "jsonl"])
def test_a_stream_has_the_ngrams_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(ngrams, "BATCH_CHARS", 100)
    lines = [f"line {n} of many that tell a story about {n * n} words" for n in range(50)]
    rows = lines if form == "txt" else [json.dumps({"text": line}) for line in lines]
    path = written(tmp_path / f"t.{form}", *rows)
    streamed = np.concatenate(list(ngrams.stream(path)))
    assert streamed.tolist() == ngrams.of_file(path).hashes.tolist()


def test_a_row_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = written(tmp_path / "t.jsonl", '{"text": "a"}', "[1]")
    with pytest.raises(UserError, match=r"t\.jsonl:2: not a JSON object"):
        list(examples(path))


def test_a_lookup_finds_exactly_what_it_was_given() -> None:
    chooser = np.random.default_rng(1)
    mine = chooser.integers(0, 2**64, 5000, dtype=np.uint64)
    others = chooser.integers(0, 2**64, 50_000, dtype=np.uint64)
    lookup = Lookup(mine)
    places, found = lookup.places(np.concatenate([others, mine[:10], others]))
    assert places.tolist() == list(range(50_000, 50_010))
    assert lookup.hashes[found].tolist() == mine[:10].tolist()
    assert Lookup(mine[:0]).places(others)[0].tolist() == []


def test_a_full_bloom_filter_forgets_nothing_and_knows_no_stranger() -> None:
    chooser = np.random.default_rng(2)
    power = 20
    count = int(2**power / bloom.BITS_PER_NGRAM)
    mine = chooser.integers(0, 2**64, count, dtype=np.uint64)
    filter = bloom.Bloom(power)
    filter.add(mine)
    assert filter.contains(mine).all()
    strangers = chooser.integers(0, 2**64, 1_000_000, dtype=np.uint64)
    assert filter.contains(strangers).sum() == 0  # 0.01 expected
    assert filter.bytes == 2**power // 8


def test_an_overfull_filter_shows_how_a_false_positive_comes_about() -> None:
    filter = bloom.Bloom(16)
    filter.add(np.random.default_rng(3).integers(0, 2**64, 50_000, dtype=np.uint64))
    assert filter.contains(np.arange(1000, dtype=np.uint64)).mean() > 0.5


def test_a_corpus_of_40_gb_is_divided_among_filters_that_fit_a_machine() -> None:
    filters, power = bloom.size_for(8_000_000_000)
    assert 2**power // 8 == 2 << 30
    assert 40e9 < filters * 2**power // 8 < 45e9


def test_every_ngram_belongs_to_one_filter() -> None:
    hashes = np.random.default_rng(4).integers(0, 2**64, 10_000, dtype=np.uint64)
    shares = [bloom.share(hashes, number, 3) for number in range(3)]
    assert sorted(np.concatenate(shares).tolist()) == sorted(hashes.tolist())
    assert min(map(len, shares)) > 3000
