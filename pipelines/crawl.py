"""`webtext crawl`: sources → links → pages → ledger."""

from collections.abc import Sequence
from typing import Any

from pipelines import (
    crawl_checks,
    crawl_estimate,
    documents,
    ledger,
    link_sources,
    links,
    own_archives,
    pages,
    removal,
    retries,
    status,
)
from pipelines.request import Request
from webtext import files, stage, trial_folder
from webtext.corpus import Corpus, strange
from webtext.crawl.archives import warc_listing
from webtext.errors import UserError
from webtext.progress import Progress

SAVED = ("objects", "reddit", "spill", "_sources.json")  # in links, before there is a recipe


def run(
    request: Request, sources: Sequence[str], progress: Progress, *, retry_failed: bool = False
) -> dict[str, Any]:
    """Brings links and pages up to date and accounts for every link."""
    corpus = Corpus(request.root)
    _require_a_place(corpus, sources)
    wanted = request.wanted()
    crawl_checks.settings(wanted)  # before a mistake is frozen in the corpus
    documents.word_lists(wanted.filter)
    if request.shares_nothing:
        crawl_checks.one_pace(wanted)
    with corpus.lock(), request.start_engine() as engine:
        found = links.find(corpus, wanted, sources, progress)
        crawl_checks.contact(wanted, links.first_urls(found, wanted))  # before hours of reading
        with request.settled_if_new(progress):
            plan = links.read(corpus, engine, wanted, found, progress)
            crawl_checks.contact(wanted, links.urls(corpus, plan))
        recipe = request.settle(progress)  # only now: what is refused changes nothing
        links.make(corpus, engine, plan, progress)
        if retry_failed:
            retries.retry_failed(corpus, recipe, progress)
        wanted_pages = pages.plan(corpus, recipe)
        own_archives.make_listings(corpus, engine, recipe, wanted_pages, progress)
        fetched = stage.run(corpus, engine, wanted_pages, progress)
        files.remove_folder(corpus.table("pages").folder / warc_listing.FOLDER)
        removal.apply(corpus, engine, progress)  # what led to a removed page
        stage.run(corpus, engine, ledger.plan(corpus, status.current(corpus, recipe)), progress)
    if not fetched.counts.out:
        progress.note(f"no page was fetched: {fetched.counts.told('link')}; `webtext explain` tells more")
    tables = {name: corpus.table(name).published() for name in ("links", "pages", "ledger")}
    return {"corpus": corpus.place} | {name: table.counts.as_json() for name, table in tables.items()}


def dry_run(
    request: Request, sources: Sequence[str], progress: Progress, *, retry_failed: bool = False
) -> dict[str, Any]:
    """What a crawl would do. Asks no server, leaves no trace."""
    corpus = Corpus(request.root)
    _require_a_place(corpus, sources)
    recipe = request.wanted()
    crawl_checks.settings(recipe)
    if not sources and links.standing(corpus, recipe).current:
        return crawl_estimate.dry_run(corpus, corpus, recipe, retry_failed=retry_failed)
    found = link_sources.files_here(corpus, sources, progress)
    with trial_folder.made() as folder, request.start_engine() as engine:
        trial = Corpus(folder)
        links.make(trial, engine, links.read(trial, engine, recipe, found, progress), progress)
        plan = crawl_estimate.dry_run(trial, corpus, recipe, retry_failed=retry_failed)
    return plan | {"columns": {source.name: dict(source.columns) for source in found if source.columns}}


def _require_a_place(corpus: Corpus, sources: Sequence[str]) -> None:
    if not sources and not link_sources.remembered(corpus):
        raise UserError(f"{corpus.root}: no links yet; say where they come from with --links SOURCE")
    if corpus.has_recipe:
        return
    corpus.require_no_tables()
    others = strange(files.names(corpus.root))
    others += [name for name in files.names(corpus.root / "links") if name not in SAVED]
    if corpus.root.is_file() or others or (corpus.root / "links").is_file():
        raise UserError(f"{corpus.root}: exists and is not a corpus; name a new or empty directory")
