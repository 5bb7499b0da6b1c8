"""Kept documents to shards and tokens, on small corpora."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer

from pipelines import kept, paragraphs, shards, tokens
from pipelines import vocabulary as words
from tests.shards.corpora import Doc, make_corpus, make_docs, prose
from webtext import recipe, schemas, stage
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.errors import RunFailed, UserError
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.shards import tokenizer

REPOSITORY = Path(__file__).parents[2]
TRICKY = "<|endoftext|> is text here, <|endoftext|>\n"


@pytest.fixture(scope="module")
def engine() -> Iterator[LocalEngine]:
    with LocalEngine(2) as engine:
        yield engine


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Corpus:
    """A corpus of 397 kept documents and three duplicates, built."""
    docs = make_docs(400)
    docs[0] = replace(docs[0], text=TRICKY)
    docs[1:4] = [replace(doc, cluster=docs[8].id) for doc in docs[1:4]]
    return build(make_corpus(tmp_path_factory.mktemp("corpus") / "c", docs), engine)


def build(corpus: Corpus, engine: Engine, *settings: str) -> Corpus:
    corpus.freeze(recipe.override(corpus.recipe(), settings))
    shards.build(corpus, engine, corpus.recipe(), Progress(quiet=True))
    return corpus


def rows(corpus: Corpus, pattern: str = "*.parquet") -> list[dict[str, Any]]:
    files = sorted((corpus.root / "shards").glob(pattern))
    return [row for file in files for row in pq.read_table(file, partitioning=None).to_pylist()]


def contents(corpus: Corpus, *folders: str) -> dict[str, str]:
    """Every file of the tables, hidden ones too, by its hash."""
    files = [file for folder in folders or ("shards", "tokens") for file in (corpus.root / folder).rglob("*")]
    return {
        str(file.relative_to(corpus.root)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
        if file.is_file()
    }


def index(corpus: Corpus) -> dict[str, Any]:
    return json.loads((corpus.root / "tokens" / "index.json").read_text("utf-8"))  # type: ignore[no-any-return]


def vocabulary(corpus: Corpus) -> Tokenizer:
    return Tokenizer.from_file(str(corpus.root / "tokens" / "tokenizer.json"))


def bins(corpus: Corpus) -> list[Path]:
    return sorted((corpus.root / "tokens").glob("*.bin"))


def test_every_kept_document_is_in_one_row_and_counts_balance(corpus: Corpus) -> None:
    found, counts = rows(corpus), corpus.table("shards").manifest().counts  # type: ignore[union-attr]
    assert len(found) == len({row["id"] for row in found}) == 397
    assert counts.into == counts.out == corpus.table("clusters").manifest().counts.out  # type: ignore[union-attr]
    assert counts.balanced


def test_a_row_is_joined_from_all_tables(corpus: Corpus) -> None:
    (row,) = (row for row in rows(corpus) if row["id"] == f"{17:016x}")
    assert row["text"] == prose(17)
    assert row["sha256"] == hashlib.sha256(prose(17).encode()).hexdigest()
    assert (row["karma"], row["subreddits"]) == (7, ["books", "news"])
    assert (row["warc_file"], row["warc_offset"]) == ("warc/part-00001-0000.warc.gz", 17)


def test_shards_have_their_schema(corpus: Corpus) -> None:
    for file in (corpus.root / "shards").glob("*.parquet"):
        found = pq.read_schema(file)
        assert found.equals(schemas.SHARDS)
        assert found.metadata == schemas.SHARDS.metadata


def test_duplicates_in_all_partitions_are_counted(corpus: Corpus) -> None:
    assert {row["id"]: row["duplicates"] for row in rows(corpus) if row["duplicates"]} == {f"{8:016x}": 3}


def test_every_document_round_trips_through_bin_and_idx(corpus: Corpus) -> None:
    words, texts = vocabulary(corpus), {row["id"]: row for row in rows(corpus)}
    for path in bins(corpus):
        ids = np.memmap(path, dtype=np.uint16, mode="r")  # as nanoGPT reads it
        for place in pq.read_table(path.with_suffix(".idx")).to_pylist():
            document = ids[place["offset"] : place["offset"] + place["length"]].tolist()
            row = texts.pop(place["id"])
            assert words.decode(document[:-1], skip_special_tokens=False) == row["text"]
            assert row["tokens"] == place["length"] - 1
    assert not texts


def test_end_of_text_stands_only_where_documents_end(corpus: Corpus) -> None:
    eot = index(corpus)["tokenizer"]["eot"]
    for path in bins(corpus):
        places = pq.read_table(path.with_suffix(".idx"))
        ends = np.add(places["offset"], places["length"]) - 1
        assert np.flatnonzero(np.fromfile(path, "<u2") == eot).tolist() == ends.tolist()


def test_a_shard_and_its_token_file_hold_the_same_documents_in_the_same_order(corpus: Corpus) -> None:
    for path in bins(corpus):
        order = pq.read_table(path.with_suffix(".idx"))["id"].to_pylist()
        assert [row["id"] for row in rows(corpus, f"{path.stem}-of-*.parquet")] == order
        assert order != sorted(order)


def test_the_index_adds_up_to_what_is_on_disk(corpus: Corpus) -> None:
    told = index(corpus)
    words = (corpus.root / "tokens" / "tokenizer.json").read_bytes()
    assert told["tokenizer"]["sha256"] == hashlib.sha256(words).hexdigest()
    assert told["tokenizer"]["vocab_size"] == told["tokenizer"]["eot"] + 1
    for split, numbers in told["splits"].items():
        found = rows(corpus, f"{split}-*.parquet")
        assert numbers["documents"] == len(found) > 0
        assert numbers["tokens"] == sum(row["tokens"] + 1 for row in found)
        assert numbers["bytes"] == sum(len(row["text"].encode()) for row in found)
        for file in numbers["files"]:
            data = (corpus.root / "tokens" / file["file"]).read_bytes()
            assert (len(data), hashlib.sha256(data).hexdigest()) == (2 * file["tokens"], file["sha256"])


def test_the_rates_of_tokens_are_those_of_the_index(corpus: Corpus) -> None:
    splits, manifest = index(corpus)["splits"].values(), corpus.table("tokens").manifest()
    total = {key: sum(split[key] for split in splits) for key in ("tokens", "bytes", "documents")}
    assert manifest is not None and tokens.rates(manifest) == {
        "tokens": total["tokens"],
        "bytes_per_token": round(total["bytes"] / total["tokens"], 4),
        "tokens_per_document": round(total["tokens"] / total["documents"], 2),
    }


def test_a_vocabulary_is_trained_on_the_train_split_alone(corpus: Corpus) -> None:
    texts = {split: [row["text"] for row in rows(corpus, f"{split}*.parquet")] for split in ("train-", "")}
    made = {split: tokenizer.train(iter(some), 400, threads=1).to_str() for split, some in texts.items()}
    assert made["train-"] == (corpus.root / "tokens" / "tokenizer.json").read_text("utf-8") != made[""]


def test_datasets_reads_the_shards_as_they_are(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    datasets = pytest.importorskip("datasets")
    folder = str(corpus.root / "shards")
    for source in ({"path": "parquet", "data_dir": folder}, {"path": folder}):
        read = datasets.load_dataset(**source, cache_dir=str(tmp_path))
        told = index(corpus)["splits"]
        assert {split: rows.num_rows for split, rows in read.items()} == {
            split: numbers["documents"] for split, numbers in told.items()
        }


def test_duckdb_reads_the_shards_as_they_are(corpus: Corpus) -> None:
    duckdb = pytest.importorskip("duckdb")
    query = f"select count(*), sum(tokens), count(first_posted) from '{corpus.root}/shards/*.parquet'"
    tokens = sum(row["tokens"] for row in rows(corpus))
    assert duckdb.sql(query).fetchall() == [(397, tokens, 397)]


def test_transformers_opens_the_vocabulary_with_its_end_of_text(corpus: Corpus) -> None:
    transformers = pytest.importorskip("transformers")
    opened = transformers.AutoTokenizer.from_pretrained(corpus.root / "tokens", local_files_only=True)
    assert opened.eos_token_id == index(corpus)["tokenizer"]["eot"]
    assert opened(prose(17))["input_ids"] == vocabulary(corpus).encode(prose(17)).ids
    config = json.loads((corpus.root / "tokens/tokenizer_config.json").read_text())
    assert config["model_input_names"] == ["input_ids", "attention_mask"]  # see the exported tokenizer's test


def test_a_second_build_changes_nothing(corpus: Corpus, engine: LocalEngine) -> None:
    before = {file: file.stat().st_mtime_ns for file in (corpus.root / "shards").glob("*.parquet")}
    same = contents(corpus)
    build(corpus, engine)
    assert contents(corpus) == same
    assert {file: file.stat().st_mtime_ns for file in before} == before


def test_one_worker_and_two_give_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    copy = copied(corpus, tmp_path)
    with LocalEngine(1) as alone:
        assert contents(build(copy, alone)) == contents(corpus)


def copied(corpus: Corpus, folder: Path, *tables: str) -> Corpus:
    """The corpus as it stood before its shards were built, and with `tables` if any."""
    names = ["recipe.toml", "links", "pages", "documents", "clusters", *tables]
    target = folder / "c"
    target.mkdir()
    subprocess.run(["cp", "-r", *(corpus.root / name for name in names), target], check=True)
    return Corpus(target)


PROGRAM = """
import sys
from pathlib import Path
from pipelines import shards
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.progress import Progress
corpus = Corpus(Path(sys.argv[1]))
with LocalEngine(2) as engine:
    shards.build(corpus, engine, corpus.recipe(), Progress())
"""


@pytest.mark.slow
def test_builds_that_are_killed_end_with_the_same_bytes(corpus: Corpus, tmp_path: Path) -> None:
    copy = copied(corpus, tmp_path)
    moments: list[Callable[[], bool]] = [
        lambda: (copy.root / "shards" / "_census.json").exists(),
        lambda: len(copy.table("shards").finished()) >= 3,
    ]
    assert all(killed_when(moment, copy.root) for moment in moments)
    subprocess.run(
        [sys.executable, "-c", PROGRAM, str(copy.root)], cwd=REPOSITORY, check=True, capture_output=True
    )
    assert contents(copy) == contents(corpus)


def killed_when(moment: Callable[[], bool], root: Path) -> bool:
    """Runs a build and kills it with all its processes; whether it was still running then."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(root)],
        cwd=REPOSITORY,
        start_new_session=True,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not moment():
        time.sleep(0.002)
    if process.poll() is not None:
        return False
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def test_what_was_deleted_is_made_again(corpus: Corpus, engine: LocalEngine, tmp_path: Path) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    first, second, third = bins(copy)[:3]
    first.unlink()
    second.with_suffix(".idx").unlink()
    third.write_bytes(b"")
    (copy.root / "tokens" / "tokenizer.json").unlink()
    next((copy.root / "shards").glob("train-00001-*")).unlink()
    assert contents(build(copy, engine)) == contents(corpus)


@pytest.mark.parametrize("damage", [lambda written: written[:-9], lambda written: written.swapcase()])
def test_a_damaged_index_of_a_token_file_is_made_again(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    idx = bins(copy)[1].with_suffix(".idx")
    idx.write_bytes(damage(idx.read_bytes()))
    assert contents(build(copy, engine)) == contents(corpus)


@pytest.mark.parametrize("file", ["tokens/index.json", "tokens/tokenizer_config.json", "shards/README.md"])
def test_what_stands_beside_the_partitions_is_made_again(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path, file: str
) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    (copy.root / file).unlink()
    assert contents(build(copy, engine)) == contents(corpus)


@pytest.mark.parametrize("damaged", ['{"format": "web', "[" * 100_000], ids=["short", "deep"])
@pytest.mark.parametrize("file", ["index.json", "_tokenizer.json", "tokenizer_config.json"])
def test_what_is_told_of_the_tokens_is_told_again_where_it_is_damaged(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path, file: str, damaged: str
) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    (copy.root / "tokens" / file).write_text(damaged, "utf-8")
    assert contents(build(copy, engine)) == contents(corpus)


@pytest.mark.parametrize(
    ("where", "step", "setting"),
    [(words, "make", "tokens.vocab_size=300"), (shards, "write_parts", "shards.target_mb=100")],
)
def test_a_build_that_fails_half_way_leaves_nothing_that_calls_the_token_files_whole(
    corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, step: str, setting: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk is gone")

    copy = copied(corpus, tmp_path, "shards", "tokens")
    monkeypatch.setattr(where, step, fail)
    with pytest.raises(OSError, match="the disk is gone"):
        build(copy, InlineEngine(), setting)
    left = {path.name for path in (copy.root / "tokens").iterdir()}
    assert bins(copy) and not left & {"index.json", "_manifest.json", "_journal.jsonl"}


def test_another_dtype_encodes_the_shards_again_and_leaves_them_alone(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    before = {path: np.fromfile(path, "<u2").tolist() for path in bins(copy)}
    shards_before = {
        name: hash for name, hash in contents(copy, "shards").items() if name.endswith(".parquet")
    }
    build(copy, engine, "tokens.dtype=uint32")
    assert index(copy)["dtype"] == "uint32"
    assert {path: np.fromfile(path, "<u4").tolist() for path in bins(copy)} == before
    assert shards_before.items() <= contents(copy, "shards").items()


def test_files_of_a_layout_with_more_shards_are_removed(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path
) -> None:
    copy = build(
        copied(corpus, tmp_path, "shards", "tokens"), engine, "shards.target_mb=100", "shards.test=0"
    )
    assert [path.name for path in sorted((copy.root / "shards").glob("*.parquet"))] == [
        "train-00000-of-00001.parquet",
        "validation-00000-of-00001.parquet",
    ]
    assert [path.name for path in sorted((copy.root / "tokens").glob("*-*"))] == [
        "train-00000.bin",
        "train-00000.idx",
        "validation-00000.bin",
        "validation-00000.idx",
    ]
    assert index(copy)["splits"]["test"] == {"tokens": 0, "documents": 0, "bytes": 0, "files": []}


def test_a_plan_needs_no_build_and_leaves_no_trace(corpus: Corpus, tmp_path: Path) -> None:
    copy = copied(corpus, tmp_path)
    planned = shards.plan(copy, copy.recipe())
    assert [work.file for work in planned.works] == [
        work.file for work in shards.plan(corpus, corpus.recipe()).works
    ]
    assert sum(work.rows for work in planned.works) == 397
    assert not (copy.root / "shards").exists()


def test_plans_say_that_a_built_corpus_is_current_and_what_a_setting_makes_stale(corpus: Corpus) -> None:
    same, larger = corpus.recipe(), recipe.override(corpus.recipe(), ["tokens.vocab_size=5000"])
    for plan in (shards.plan, tokens.plan):
        assert stage.standing(corpus, plan(corpus, same)).current
        assert stage.standing(corpus, plan(corpus, larger)).why.endswith("recipe changed")


def test_no_document_is_an_error_that_tells_the_reasons(tmp_path: Path, engine: LocalEngine) -> None:
    docs = [replace(doc, cluster="f" * 16) for doc in make_docs(3)]
    with pytest.raises(UserError, match=r"nothing to write: 3 documents, 3 near; "):
        build(make_corpus(tmp_path / "c", docs), engine)


def test_a_document_that_is_kept_and_no_longer_there_is_not_passed_over(tmp_path: Path) -> None:
    corpus = make_corpus(tmp_path / "c", make_docs(4, partitions=1))
    (file,) = kept.partitions(corpus)
    path = corpus.table("documents").folder / file
    pq.write_table(pq.read_table(path).slice(1), path)
    with pytest.raises(RunFailed, match="1 of the documents that clusters keeps are not in it"):
        list(kept.documents(corpus, file, ["id", "text"]))


def test_one_document_makes_a_corpus(tmp_path: Path, engine: LocalEngine) -> None:
    copy = build(make_corpus(tmp_path / "c", [Doc("0" * 16, "a single text")]), engine)
    assert [row["text"] for row in rows(copy)] == ["a single text"]


def test_a_vocabulary_too_large_for_the_dtype_is_refused(tmp_path: Path, engine: LocalEngine) -> None:
    small = json.loads(tokenizer.train(iter(["text"]), 300, threads=1).to_str())
    small["model"]["vocab"] |= {f"entry {n}": 300 + n for n in range(65_300)}
    (tmp_path / "tokenizer.json").write_text(json.dumps(small), "utf-8")
    corpus = make_corpus(tmp_path / "c", make_docs(5))
    with pytest.raises(UserError, match=r'65,600 entries.*set tokens.dtype to "uint32"'):
        build(corpus, engine, f"tokens.tokenizer={tmp_path / 'tokenizer.json'}")


def test_a_vocabulary_may_use_each_id_that_the_dtype_has() -> None:
    words.check_ids_fit(words.Vocabulary("", "", 1 << 16, eot=0), Recipe())
    with pytest.raises(UserError, match="65,537 entries"):
        words.check_ids_fit(words.Vocabulary("", "", (1 << 16) + 1, eot=0), Recipe())


def test_gpt2s_vocabulary_gives_gpt2s_ids(tmp_path: Path, engine: LocalEngine, shared: Path) -> None:
    docs = [Doc(f"{n:016x}", "Hello world") for n in range(3)]
    corpus = build(make_corpus(tmp_path / "c", docs), engine, f"tokens.tokenizer={shared / 'gpt2-bpe'}")
    assert [np.fromfile(path, "<u2").tolist() for path in bins(corpus)] == [[15496, 995, 50256]] * 3


def test_gpt2s_vocabulary_may_be_asked_for_by_each_of_its_hub_names() -> None:
    names = ("gpt2", "openai-community/gpt2")
    asked = [recipe.override(recipe.Recipe(), [f"tokens.tokenizer={name}"]) for name in names]
    for one in asked:
        words.check(one)
    assert words.says(asked[0]) == words.says(asked[1])


def test_the_card_tells_the_corpus_numbers(corpus: Corpus) -> None:
    card = (corpus.root / "shards" / "README.md").read_text("utf-8")
    told = index(corpus)["splits"]["train"]
    assert f"| train | {told['documents']:,} | " in card
    assert "`near`: the text's shingles overlap" in card
    assert str(corpus.root) not in card


def test_the_card_tells_the_recipe_also_where_another_comes_to_the_same_rows(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    build(copy, engine, "filter.max_adult=40")
    assert "max_adult = 40.0" in (copy.root / "shards" / "README.md").read_text("utf-8")
    assert contents(build(copy, engine, "filter.max_adult=off")) == contents(corpus)


def test_the_card_counts_what_has_too_little_left_without_repeated_paragraphs(
    tmp_path: Path, engine: LocalEngine
) -> None:
    footer = "Subscribe to our newsletter"
    docs = [replace(doc, text=f"{doc.text}\n{footer}") for doc in make_docs(12, partitions=1)]
    docs[:2] = [replace(doc, text=footer) for doc in docs[:2]]
    corpus = make_corpus(tmp_path / "c", docs, ["dedup.paragraphs=0.5", "filter.min_tokens=5"])
    paragraphs.build(corpus, engine, corpus.recipe(), Progress(quiet=True))
    card = (build(corpus, engine).root / "shards" / "README.md").read_text("utf-8")
    assert re.search(r"\| `boilerplate`: .* \| 2 \|\n\| went on \| 10 \|", card)


def test_texts_that_other_libraries_extracted_are_told_by_the_card(
    corpus: Corpus, engine: LocalEngine, tmp_path: Path
) -> None:
    copy = copied(corpus, tmp_path, "shards", "tokens")
    table = copy.table("documents")
    texts = table.manifest()
    assert texts
    parts = tuple(replace(part, extra={"libraries": {"lxml": ["6.0"]}}) for part in texts.partitions)
    table.publish(replace(texts, partitions=parts))
    build(copy, engine)
    assert "extracted with lxml 6.0." in (copy.root / "shards" / "README.md").read_text("utf-8")
