"""`webtext build-shards`: pages → documents → clusters → shards → tokens → ledger."""

from typing import Any

from pipelines import (
    build_estimate,
    clusters,
    decontamination,
    documents,
    ledger,
    links,
    paragraphs,
    removal,
    shards,
    status,
    tokens,
    vocabulary,
)
from pipelines.pages import MANNERS, are_of_links
from pipelines.request import Request
from webtext import files, stage
from webtext.corpus import Corpus
from webtext.crawl import tombstones
from webtext.engine import Engine
from webtext.errors import UserError
from webtext.manifest import Manifest
from webtext.progress import Progress
from webtext.recipe import Recipe, differences, override

OPTIONAL = (paragraphs.TABLE, decontamination.TABLE)
TABLES = ("documents", "clusters", *OPTIONAL, "shards", "tokens", "ledger")
MADE_OF_TEXTS = ("clusters", "shards", "tokens")


def run(request: Request, progress: Progress) -> dict[str, Any]:
    """Brings every table after pages up to date."""
    corpus = Corpus.open(request.root)
    wanted = recipe_for(corpus, request)
    documents.word_lists(wanted.filter)  # told now, not after hours, nor frozen in the corpus
    decontamination.check(wanted)
    vocabulary.check(wanted)
    with corpus.lock():
        _require_pages(corpus, some=not tombstones.load(corpus.root))  # else it may have to end a removal
        documents.require_archives(corpus, wanted.extract)
        recipe = request.settle(progress, wanted)
        with request.start_engine() as engine:
            removal.apply(corpus, engine, progress)
            texts, taken_out = build(corpus, engine, recipe, progress)
    _require_pages(corpus)
    if not texts.counts.out:
        raise UserError(f"no document is left: {texts.counts.told('page')}; `webtext explain` tells more")
    tables = {name: manifest for name in TABLES if (manifest := corpus.table(name).manifest())}
    counts = {name: table.counts.as_json() for name, table in tables.items()}
    counts["tokens"] |= tokens.rates(tables["tokens"])
    duplicates = tables["clusters"].extra | (
        {"paragraphs": paragraphs.summary(taken_out)} if taken_out else {}
    )
    return {"corpus": corpus.place} | counts | {"duplicates": duplicates}


def build(
    corpus: Corpus, engine: Engine, recipe: Recipe, progress: Progress
) -> tuple[Manifest, Manifest | None]:
    """Makes what is missing or stale; returns the manifests of documents and of their paragraphs. Where no
    document is left the tables behind them stay as they were, unless they may have what was removed."""
    taken_out = nothing_left = None
    texts = documents.build(corpus, engine, recipe, progress)
    built = ["pages", "documents"]
    if texts.counts.out:
        clusters.build(corpus, engine, recipe, progress)
        taken_out = paragraphs.build(corpus, engine, recipe, progress)
        decontamination.build(corpus, engine, recipe, progress)
        built += ["clusters", *(name for name in OPTIONAL if corpus.table(name).manifest())]
        try:
            shards.build(corpus, engine, recipe, progress)
            built.append("shards")
        except shards.NothingLeft as error:
            nothing_left = error
    if "shards" not in built and tombstones.load(corpus.root):
        removal.forget_reports(corpus)
        for name in MADE_OF_TEXTS:
            if name not in built:
                files.remove_folder(corpus.table(name).folder)
    stage.run(corpus, engine, ledger.plan(corpus, built), progress)
    if nothing_left:
        raise nothing_left
    return texts, taken_out


def dry_run(request: Request, progress: Progress) -> dict[str, Any]:
    """What would run and why, and what it would take."""
    corpus = Corpus.open(request.root)
    recipe = recipe_for(corpus, request)
    _require_pages(corpus)
    given = ("links", "pages")
    rows = [row for row in status.stages(corpus, recipe, given) if row["stage"] not in given]
    stale = {row["stage"] for row in rows if row["state"] != "current"}
    estimate = build_estimate.dry_run(corpus, recipe, stale, request.workers, progress.note)
    return {"corpus": corpus.name, "recipe": recipe.name, "stages": rows, "estimate": estimate}


def recipe_for(corpus: Corpus, request: Request) -> Recipe:
    """The recipe asked for, of links and pages the one that they were made by: the card states it, and they
    are not made here. Raises UserError for a setting that would change them."""
    there = corpus.recipe()
    asked = override(there, request.settings)
    for change in differences(there, asked):
        key = change.partition(":")[0]
        if key.startswith(("links.", "crawl.")) and key.removeprefix("crawl.") not in MANNERS:
            where = f"give it to `webtext crawl {corpus.quoted}`"
            raise UserError(f"{key}: decides which links and pages there are: {where}")
    return request.wanted().model_copy(update={"links": asked.links, "crawl": asked.crawl})


def _require_pages(corpus: Corpus, *, some: bool = True) -> None:
    """Raises UserError where there are no pages of the links to build from."""
    pages = corpus.table("pages").manifest()
    if pages is None:
        raise UserError(
            f"{corpus.root}: its crawl has not finished; run `webtext crawl {corpus.quoted}` first"
        )
    links.require_made(corpus)
    if not are_of_links(corpus):
        raise UserError(
            f"{corpus.root}: its pages are of other links than it has now; "
            f"run `webtext crawl {corpus.quoted}` first"
        )
    if some and not pages.counts.out:
        raise UserError(
            f"{corpus.root}: no page was fetched: {pages.counts.told('link')}; `webtext explain` tells more"
        )
