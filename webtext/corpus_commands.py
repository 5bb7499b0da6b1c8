"""The commands that make and change a corpus: options in, one pipeline called, its result shown."""

from pathlib import Path
from typing import Annotated

import typer

from webtext import show, show_plan, show_removal
from webtext.command import Command, app, show_result
from webtext.engine import EngineName
from webtext.errors import UserError
from webtext.options import (
    CorpusPath,
    DryRun,
    EngineOption,
    Json,
    Quiet,
    RayAddress,
    RecipeName,
    Settings,
    Workers,
    directory,
    file,
)
from webtext.progress import Progress


@app.command(cls=Command)
def demo(
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", parser=directory, help="Where to build it.")
    ] = Path("demo"),
    workers: Workers = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The whole chain on an embedded mini web: crawl, build, train, sample, audit; offline, in minutes.

    Example: `webtext demo --out demo`
    """
    from pipelines import demo as pipeline

    if dry_run:
        show_result(pipeline.plan(out), as_json, show_plan.demo)
    else:
        show_result(pipeline.run(out, workers, Progress(quiet)), as_json, show.demo)


@app.command(cls=Command)
def crawl(
    corpus: CorpusPath,
    more: Annotated[
        list[str] | None, typer.Argument(metavar="SOURCE", help="Further sources of --links.")
    ] = None,
    links: Annotated[
        list[str] | None,
        typer.Option(
            "--links",
            metavar="SOURCE",
            help="A dump (RS_*.zst, .ndjson), CSV, Parquet, URL list, glob, s3://…, reddit:r/NAME?limit=N.",
        ),
    ] = None,
    recipe: RecipeName = None,
    settings: Settings = None,
    workers: Workers = None,
    engine: EngineOption = EngineName.LOCAL,
    ray_address: RayAddress = None,
    retry_failed: Annotated[
        bool,
        typer.Option("--retry-failed", help="Ask again for what failed for reasons of the moment."),
    ] = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Links to pages: selects links from submissions and fetches them, politely, into WARC.

    Example: `webtext crawl corpus --links 'RS_2015-*.zst' --set crawl.contact=me@example.org`
    """
    from pipelines import crawl as pipeline
    from pipelines.request import Request

    request = Request(corpus, recipe, tuple(settings or ()), workers, engine, ray_address)
    if more and not links:
        raise UserError(f"{more[0]}: belongs to no option; sources are named with --links")
    sources, progress = (*(links or ()), *(more or ())), Progress(quiet)
    if dry_run:
        plan = pipeline.dry_run(request, sources, progress, retry_failed=retry_failed)
        show_result(plan, as_json, show_plan.crawl)
    else:
        result = pipeline.run(request, sources, progress, retry_failed=retry_failed)
        show_result(result, as_json, show.crawl)


@app.command(cls=Command)
def build_shards(
    corpus: CorpusPath,
    recipe: RecipeName = None,
    settings: Settings = None,
    workers: Workers = None,
    engine: EngineOption = EngineName.LOCAL,
    ray_address: RayAddress = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Pages to documents, clusters, shards and tokens; redoes only what is missing or stale.

    Example: `webtext build-shards corpus --set filter.min_tokens=64`
    """
    from pipelines import build_shards as pipeline
    from pipelines.request import Request

    request = Request(corpus, recipe, tuple(settings or ()), workers, engine, ray_address)
    progress = Progress(quiet)
    if dry_run:
        show_result(pipeline.dry_run(request, progress), as_json, show_plan.build)
    else:
        show_result(pipeline.run(request, progress), as_json, show.build)


@app.command(cls=Command)
def remove(
    corpus: CorpusPath,
    url: Annotated[list[str] | None, typer.Option("--url", metavar="URL", help="A page; repeatable.")] = None,
    domain: Annotated[
        list[str] | None,
        typer.Option("--domain", metavar="NAME", help="All pages of a registered domain; repeatable."),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", parser=file, help="URLs and domains, one a line; # starts a comment."
        ),
    ] = None,
    keep_copies: Annotated[
        bool, typer.Option("--keep-copies", help="Leave exact and near duplicates of them in.")
    ] = False,
    workers: Workers = None,
    engine: EngineOption = EngineName.LOCAL,
    ray_address: RayAddress = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Documents out of a corpus for good: later crawls and builds leave them out too.

    Example: `webtext remove corpus --url http://example.org/page --domain example.net`
    """
    from pipelines import asked
    from pipelines import remove as pipeline
    from pipelines.request import Request

    wanted = asked.selection(url or (), domain or (), source, copies=not keep_copies)
    request = Request(corpus, None, (), workers, engine, ray_address)
    result = pipeline.run(request, wanted, Progress(quiet), dry_run=dry_run)
    show_result(result, as_json, show_removal.removal)
