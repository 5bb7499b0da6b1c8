"""A duplicate's story: the kept one, the similarity, and in what they differ."""

import json
import shutil
from pathlib import Path

import pytest

from pipelines import explain
from tests.dedup.conftest import Prose
from tests.dedup.corpora import Document, build_clusters, write_corpus
from tests.pipelines.chains import webtext
from webtext.links.canonical import link_id
from webtext.recipe import Recipe

FIRST, COPY, NEAR = (f"https://{name}.example.org/" for name in ("first", "copy", "near"))


@pytest.fixture
def corpus(tmp_path: Path, prose: Prose) -> Path:
    words = prose(200)
    texts = {
        FIRST: " ".join(words),
        COPY: "\n".join(words),
        NEAR: " ".join([*words[:100], "[edit]", *words[101:]]),
    }
    documents = [
        Document(int(link_id(url), 16), text, 2010 + n, link=url)
        for n, (url, text) in enumerate(texts.items())
    ]
    made = write_corpus(tmp_path, documents)
    made.freeze(Recipe())
    build_clusters(made)
    return tmp_path


def test_a_near_duplicate_is_explained_by_its_kept_one_similarity_and_difference(corpus: Path) -> None:
    shown = webtext("explain", corpus, NEAR).stdout
    assert f"kept instead: {FIRST}, similarity 0.950" in shown
    assert "{+[edit]+}" in shown
    story = json.loads(webtext("explain", corpus, NEAR, "--json").stdout)
    assert story["kept"]["url"] == FIRST and story["cluster"]["similarity"] == 191 / 201
    (line,) = story["difference"]
    assert line.count("[-") == line.count("{+") == 1


def test_an_exact_one_that_differs_in_white_space_only_is_said_to_be_the_same(corpus: Path) -> None:
    assert "word for word the same" in webtext("explain", corpus, COPY).stdout


def test_a_kept_document_has_no_difference(corpus: Path) -> None:
    assert "kept instead" not in webtext("explain", corpus, FIRST).stdout


def test_the_story_of_every_link_has_the_same_keys(corpus: Path) -> None:
    duplicate, kept = (explain.run(corpus, url) for url in (NEAR, FIRST))
    for table in ("documents", "clusters"):
        shutil.rmtree(corpus / table)
    unfetched = explain.run(corpus, FIRST)
    assert duplicate.keys() == kept.keys() == unfetched.keys()
    assert (kept["kept"], kept["difference"], unfetched["measures"]) == (None, None, [])
