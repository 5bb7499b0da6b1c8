"""A refused crawl leaves links and pages in step; where they are not, nothing is built of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import audit, build_shards, crawl, links, pages
from tests.crawl.loopback import Web
from tests.pipelines.chains import url_list
from tests.pipelines.removals import QUICK, QUIET, Built, Here, page
from webtext import show_removal
from webtext.corpus import Corpus
from webtext.engine.inline import InlineEngine
from webtext.errors import UserError
from webtext.links import partitions

LOCAL = [f"http://127.0.0.1:9/{n}" for n in range(1200)]
PUBLIC = "http://www.python.org/a"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    web, folder = Web(), tmp_path_factory.mktemp("in_step")
    one, two = web.site(first=page("first"), second=page("second")), web.site(third=page("third"))
    listed = url_list(folder / "ours.txt", [one.url("/first"), one.url("/second"), two.url("/third")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(partitions, "MIN_PARTITIONS", 2)  # each costs every table some waits for the disk
        crawl.run(Here(folder / "corpus", None, QUICK), [str(listed)], QUIET)
        build_shards.run(Here(folder / "corpus"), QUIET)
        yield Built(folder / "corpus", one, two)
    web.close()


@pytest.fixture
def built(original: Built, tmp_path: Path) -> Built:
    shutil.copytree(original.root, tmp_path / "corpus")
    return Built(tmp_path / "corpus", original.one, original.two)


def other_links(built: Built, tmp_path: Path) -> list[str]:
    """The state in which a crawl of other links is killed before it asks for the first page."""
    corpus, listed = (
        Corpus(built.root),
        url_list(tmp_path / "others.txt", [built.one.url("/second"), LOCAL[0]]),
    )
    links.harvest(corpus, InlineEngine(), corpus.recipe(), [str(listed)], QUIET)
    return [str(listed)]


@pytest.mark.parametrize("urls", [[PUBLIC], [*LOCAL, PUBLIC]], ids=["at once", "once all is read"])
def test_a_crawl_that_lacks_a_contact_leaves_the_corpus_as_it_was(
    built: Built, tmp_path: Path, urls: list[str]
) -> None:
    before = {path: path.read_bytes() for path in built.root.rglob("*.*") if path.is_file()}
    listed = url_list(tmp_path / "public.txt", urls)
    with pytest.raises(UserError, match=r"crawl\.contact is not set, and www\.python\.org is a public host"):
        crawl.run(Here(built.root), [str(listed)], QUIET)
    assert {path: path.read_bytes() for path in before} == before
    crawl.run(Here(built.root), [], QUIET)  # of the links that it has
    assert build_shards.run(Here(built.root), QUIET)["shards"]["out"] == 3


def test_a_first_crawl_that_lacks_a_contact_is_refused_before_its_sources_are_read(tmp_path: Path) -> None:
    listed = url_list(tmp_path / "public.txt", [PUBLIC])
    with pytest.raises(UserError, match=r"crawl\.contact is not set"):
        crawl.run(Here(tmp_path / "corpus"), [str(listed)], QUIET)
    assert not (tmp_path / "corpus" / "recipe.toml").exists()
    assert not (tmp_path / "corpus" / "links").exists()


def test_nothing_is_built_of_pages_that_are_of_other_links(built: Built, tmp_path: Path) -> None:
    sources = other_links(built, tmp_path)
    before = {path: path.read_bytes() for path in (built.root / "tokens").iterdir()}
    for attempt in (build_shards.dry_run, build_shards.run):
        with pytest.raises(
            UserError, match=f"of other links than it has now; run `webtext crawl {built.root}`"
        ):
            attempt(Here(built.root), QUIET)
    assert {path: path.read_bytes() for path in (built.root / "tokens").iterdir()} == before
    crawl.run(Here(built.root), sources, QUIET)
    assert build_shards.run(Here(built.root), QUIET)["shards"]["out"] == 1


def test_a_removal_waits_for_the_pages_of_new_links_with_what_it_makes_anew_and_says_so(
    built: Built, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sources = other_links(built, tmp_path)
    url = built.one.url("/second")
    result = built.remove(url)
    assert result["crawl_unfinished"]
    show_removal.removal(result)
    said = capsys.readouterr().out
    assert "Shards and tokens stay as they were until `webtext build-shards`" in said
    assert said.endswith(f"Next: webtext crawl {built.root}\n")
    assert not pages.are_of_links(Corpus(built.root))
    crawl.run(Here(built.root), sources, QUIET)
    assert built.ledger()[url] == ("removed", "removed")


def test_texts_of_other_links_alone_are_no_share_of_a_domain(built: Built, tmp_path: Path) -> None:
    corpus, listed = Corpus(built.root), url_list(tmp_path / "others.txt", ["http://a.example/"])
    links.harvest(corpus, InlineEngine(), corpus.recipe(), [str(listed)], QUIET)
    (row,) = audit.run(corpus, None, QUIET)["domains"]["top"]
    assert (row["domain"], row["share_of_tokens"]) == ("a.example", 0.0)
