"""`webtext audit --against`: how much of each test set is in the corpus, and in its own training set.

The few are held and the many go past: the test sets' 8-grams in memory, those of the shards streamed, a
shard a task. With `use_bloom` it is as in the paper: filters of the training set's 8-grams, which are then
asked; a filter is a task, and reads all shards.
"""

import random
import string
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from webtext import files
from webtext.corpus import Corpus
from webtext.dedup.shingles import Hashes
from webtext.engine import Engine, Report
from webtext.errors import UserError
from webtext.overlap import bloom, ngrams, texts
from webtext.overlap.lookup import Lookup
from webtext.overlap.ngrams import Ngrams
from webtext.overlap.report import Seen, entry, paper_row
from webtext.progress import Progress

STRINGS = 1_000_000  # random ones that measure a filter's false positives, as in the paper
SEED = 20190214


@dataclass(frozen=True)
class Test:
    """A test file, what the report calls it, and its own training set."""

    name: str
    path: Path
    train: Path | None = None


@dataclass(frozen=True)
class _Scan:
    path: Path
    wanted: Hashes


@dataclass(frozen=True)
class _Filter:
    paths: tuple[Path, ...]
    number: int
    filters: int
    power: int
    wanted: Hashes
    strangers: Hashes


def named(against: Sequence[str]) -> list[Test]:
    """The tests of `TEST` and `TEST=TRAIN`, one of a file that is given twice; names that two have get as
    many folders before them as tell them apart. Raises UserError for files that cannot be read."""
    trains: dict[Path, Path | None] = {}
    for test, train in map(_pair, against):
        before = trains.get(test)
        if train and before and train != before:
            raise UserError(f"--against {test}: has two training files, {before} and {train}: choose one")
        trains[test] = train or before
    return [Test(_name(test, trains), test, train) for test, train in trains.items()]


def _name(path: Path, paths: Collection[Path]) -> str:
    for length in range(1, len(path.parts)):
        end = path.parts[-length:]
        if sum(other.parts[-length:] == end for other in paths) == 1:
            return "/".join(end)
    return str(path)


def measure(
    corpus: Corpus, engine: Engine, tests: Sequence[Test], progress: Progress, *, use_bloom: bool
) -> dict[str, Any]:
    """The report's `overlap`: an entry per test file's name."""
    shards = shard_files(corpus)
    read = {test.name: ngrams.of_file(test.path) for test in tests}
    for name in (name for name, test in read.items() if not len(test.hashes)):
        progress.note(f"{name}: has no 8-gram, eight words in a row, so that nothing is said of its overlap")
    look = _by_filters if use_bloom else _by_streaming
    with progress.bar("overlap", len(shards)) as report:
        seen = look(engine, shards, list(read.values()), report)
    found = {}
    for test, in_corpus in zip(tests, seen, strict=True):
        own = None
        if test.train:
            with progress.bar(f"overlap with {test.train.name}", 1) as report:
                (own,) = look(engine, [test.train], [read[test.name]], report)
        train = test.train.name if test.train else ""
        found[test.name] = entry(read[test.name], in_corpus, own, train, paper_row(test.path))
    return found


def shard_files(corpus: Corpus) -> list[Path]:
    """The shards that test files are compared with. Raises UserError where there are none yet."""
    manifest = corpus.table("shards").manifest()
    if manifest is None:
        raise UserError(
            f"{corpus.root}: nothing to measure an overlap with: no shards yet; "
            f"`webtext build-shards {corpus.quoted}` makes them"
        )
    return [corpus.table("shards").folder / part.file for part in manifest.partitions]


def scan(item: _Scan, report: Report) -> tuple[npt.NDArray[np.bool_], int]:
    """Which of the wanted 8-grams a file has, and how many it has in all; a task."""
    lookup, total = Lookup(item.wanted), 0
    mask = np.zeros(len(lookup.hashes), np.bool_)
    for hashes in ngrams.stream(item.path):
        mask |= lookup.mask(hashes)
        total += len(hashes)
    report(1, {})
    return mask, total


def count(path: Path, _: Report) -> int:
    """How many 8-grams a file has; a task."""
    return sum(map(len, ngrams.stream(path)))


def fill(item: _Filter, report: Report) -> tuple[int, npt.NDArray[np.bool_], int]:
    """Makes one filter and asks it: its number, which of the wanted it claims to have, and how many of the
    random strings; a task."""
    filter = bloom.Bloom(item.power)
    for path in item.paths:
        for hashes in ngrams.stream(path):
            filter.add(bloom.share(hashes, item.number, item.filters))
        if item.number == 0:
            report(1, {})
    mine = bloom.of_filter(item.wanted, item.number, item.filters)
    mask = np.zeros(len(item.wanted), np.bool_)
    mask[mine] = filter.contains(item.wanted[mine])
    strangers = bloom.share(item.strangers, item.number, item.filters)
    return item.number, mask, int(filter.contains(strangers).sum())


def random_strings(count: int) -> Hashes:
    """The hashes of random 8-grams: eight words of random letters each."""
    letters = random.Random(SEED)
    size = 5 * ngrams.WORDS * count
    text = "".join(letters.choices(string.ascii_lowercase, k=size))
    words = [text[at : at + 5] for at in range(0, size, 5)]
    grams = [" ".join(words[at : at + ngrams.WORDS]) for at in range(0, len(words), ngrams.WORDS)]
    return ngrams.of_texts(grams)[0]


def _by_streaming(
    engine: Engine, paths: Sequence[Path], tests: Sequence[Ngrams], report: Report
) -> list[Seen]:
    wanted = np.unique(np.concatenate([test.hashes for test in tests]))
    mask, total = np.zeros(len(wanted), np.bool_), 0
    for found, ngrams_there in engine.map(scan, [_Scan(path, wanted) for path in paths], report):
        mask |= found
        total += ngrams_there
    return [Seen(_of(test, wanted, mask), total) for test in tests]


def _by_filters(engine: Engine, paths: Sequence[Path], tests: Sequence[Ngrams], report: Report) -> list[Seen]:
    wanted = np.unique(np.concatenate([test.hashes for test in tests]))
    total = sum(engine.map(count, list(paths), report))
    filters, power = bloom.size_for(total)
    strangers = random_strings(STRINGS)
    items = [_Filter(tuple(paths), n, filters, power, wanted, strangers) for n in range(filters)]
    mask, false = np.zeros(len(wanted), np.bool_), 0
    for _, found, claimed in engine.map(fill, items, report):
        mask |= found
        false += claimed
    size = filters * 2**power // 8
    facts = {
        "filters": filters,
        "bytes": size,
        "bytes_per_ngram": round(size / max(total, 1), 3),
        "random_strings": STRINGS,
        "false_positives": false,
    }
    return [Seen(_of(test, wanted, mask), total, facts) for test in tests]


def _of(test: Ngrams, wanted: Hashes, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = mask[np.searchsorted(wanted, test.hashes)]
    return found


def _pair(text: str) -> tuple[Path, Path | None]:
    names = [text] if Path(text).exists() else text.split("=", 1)
    for name in names:
        files.require_utf8(name)
        if not Path(name).is_file():
            raise UserError(f"--against {text}: {name or '(nothing)'} is not a file; give TEST or TEST=TRAIN")
        texts.check(Path(name))
    test, *train = (Path(name).parent.resolve() / Path(name).name for name in names)
    return test, train[0] if train else None
