"""`webtext audit` over partitions as tasks: every engine and any number of workers give the same bytes."""

import os
from collections.abc import Callable, Iterator
from types import SimpleNamespace

import pytest

from pipelines import audit
from tests.audit.conftest import Planted, Writer
from webtext.audit.source import Source
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.engine.inline import InlineEngine
from webtext.engine.local import LocalEngine
from webtext.progress import Progress

FOOT = "All rights reserved by the owners of this site."
PARTITIONS = 5
QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def corpus(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """The 26 links in five partitions, with lines and passages in common."""
    repeats = [
        Planted(
            f"http://r.example/{n}", domain="r.example", text=f"{n} only here {n}.\n{FOOT}\n" + "word " * n
        )
        for n in range(9)
    ]
    root, links = tmp_path_factory.mktemp("engines") / "corpus", [*plant.links(), *repeats]
    return Writer(root, links, {"karma": 3}, partitions=PARTITIONS).write("tokens")


@pytest.fixture(scope="module")
def report(corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Engine], dict[str, bytes]]:
    """What `audit` writes when an engine runs it, by the files' names."""
    test = tmp_path_factory.mktemp("tests") / "test.txt"
    test.write_text(f"Who says that {FOOT}\n")
    against = audit.Against((f"{test}={test}",))

    def write(engine: Engine) -> dict[str, bytes]:
        out = tmp_path_factory.mktemp("report")
        audit.run(corpus, out, QUIET, against, engine)
        return {path.name: path.read_bytes() for path in out.iterdir()}

    return write


@pytest.fixture(scope="module")
def processes() -> Iterator[Engine]:
    with LocalEngine(2) as engine:
        yield engine


def test_processes_write_the_report_that_one_process_writes(
    report: Callable[[Engine], dict[str, bytes]], processes: Engine
) -> None:
    here = report(InlineEngine())
    assert FOOT.encode() in here["report.json"]
    assert report(processes) == here


def process_and_file(_: Source, file: str) -> tuple[int, str]:
    return os.getpid(), file


def test_partitions_are_scanned_by_other_processes_and_come_back_in_their_order(
    corpus: Corpus, processes: Engine
) -> None:
    source = Source(corpus, processes)
    pids, files = zip(*source.scan("links", process_and_file), strict=True)
    assert list(files) == source.files("links") and len(files) == PARTITIONS
    assert os.getpid() not in pids


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_cluster_writes_the_report_that_one_process_writes(
    report: Callable[[Engine], dict[str, bytes]], workers: int
) -> None:
    pytest.importorskip("ray", reason="needs the extra: pip install 'webtext[ray]'")
    from webtext.engine.ray import RayEngine

    with RayEngine(workers) as cluster:
        assert report(cluster) == report(InlineEngine())
