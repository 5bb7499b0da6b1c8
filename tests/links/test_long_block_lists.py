"""A block list of a million domains costs its reading, and not its length again for each task."""

import pickle
from pathlib import Path

from pipelines import links
from tests.links.dumps import post, write_dump
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.links.hosts import parse_host
from webtext.progress import Progress
from webtext.recipe import Recipe, override


def test_the_tasks_that_merge_links_do_not_carry_the_block_list(tmp_path: Path) -> None:
    listed, dump = tmp_path / "blocked.txt", tmp_path / "posts.ndjson"
    listed.write_text("".join(f"site{number}.example\n" for number in range(10_000)))
    write_dump(dump, [post(id="a", url="http://site1.example/"), post(id="b", url="http://other.example/")])
    recipe = override(Recipe(), [f'links.domains_blocked=["{listed}"]'])
    corpus, engine, progress = Corpus(tmp_path / "corpus"), InlineEngine(), Progress(quiet=True)
    corpus.root.mkdir()
    plan = links.read(corpus, engine, recipe, links.find(corpus, recipe, [str(dump)], progress), progress)
    assert plan and len(pickle.dumps(plan.works[0])) < 10_000
    assert links.make(corpus, engine, plan, progress).counts.dropped == {"domain": 1}


def test_a_host_in_its_one_spelling_is_taken_as_it_is() -> None:
    host = "www.some-site.example"
    assert parse_host(host) is host
