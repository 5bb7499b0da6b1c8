"""The same bytes for any number of workers and any history of kills."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines import resolve
from tests.dedup.conftest import Prose
from tests.dedup.corpora import Document, build_clusters, files_of, write_corpus
from webtext.corpus import Corpus

BUILD = """
import sys
from pathlib import Path
from tests.dedup.corpora import build_clusters
from webtext.corpus import Corpus
if __name__ == "__main__":
    build_clusters(Corpus(Path(sys.argv[1])), workers=1)
"""


@pytest.fixture
def documents(prose: Prose) -> list[Document]:
    made = []
    for number in range(100):
        words = prose(120)
        made.append(Document(3 * number, " ".join(words)))
        if number % 3 == 0:
            made.append(Document(3 * number + 1, " ".join(words).title(), 2009))
        if number % 4 == 0:
            made.append(Document(3 * number + 2, " ".join([*words[:60], "edit", *words[60:]]), 2008))
    return made


def test_two_workers_write_the_same_bytes_as_none(tmp_path: Path, documents: list[Document]) -> None:
    results = []
    for workers in (0, 2):
        corpus = write_corpus(tmp_path / str(workers), documents, partitions=3)
        build_clusters(corpus, workers)
        results.append(files_of(corpus))
    assert results[0] == results[1]


def test_an_interrupted_run_leaves_nothing_that_one_of_other_documents_takes_for_its_own(
    tmp_path: Path, documents: list[Document], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    corpus = write_corpus(tmp_path / "one", documents, partitions=3)
    with monkeypatch.context() as interrupted, pytest.raises(KeyboardInterrupt):
        interrupted.setattr(resolve, "resolve", interrupt)
        build_clusters(corpus)
    moved = [replace(one, text=documents[n - 1].text) for n, one in enumerate(documents)]
    build_clusters(write_corpus(corpus.root, moved, partitions=3))
    undisturbed = write_corpus(tmp_path / "other", moved, partitions=3)
    build_clusters(undisturbed)
    assert files_of(corpus) == files_of(undisturbed)


@pytest.mark.slow
def test_a_kill_at_any_step_costs_only_time(tmp_path: Path, documents: list[Document]) -> None:
    undisturbed = write_corpus(tmp_path / "undisturbed", documents, partitions=3)
    build_clusters(undisturbed)
    corpus = write_corpus(tmp_path / "killed", documents, partitions=3)
    steps = ["signatures/part-*", "scratch/*/band-001*", "scratch/*/evidence-*"]
    kills = [kill_when(corpus, step) for step in steps]
    assert sum(kills) >= 2  # the last step may end before it is seen
    build_clusters(corpus)
    assert files_of(corpus) == files_of(undisturbed)


def kill_when(corpus: Corpus, pattern: str) -> bool:
    """Builds in processes of its own, and kills them all as soon as such a file exists."""
    command = [sys.executable, "-c", BUILD, str(corpus.root)]
    repository = str(Path(__file__).parents[2])
    process = subprocess.Popen(command, start_new_session=True, env=os.environ | {"PYTHONPATH": repository})
    while process.poll() is None and not any(corpus.table("clusters").folder.glob(pattern)):
        time.sleep(0.001)
    killed = process.poll() is None
    if killed:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return killed
