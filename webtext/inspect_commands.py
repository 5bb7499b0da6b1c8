"""The commands that look into a corpus: options in, one pipeline called, its result shown."""

from pathlib import Path
from typing import Annotated

import typer

from webtext import show, show_plan
from webtext.command import Command, Question, app, show_result
from webtext.engine import EngineName
from webtext.errors import UserError
from webtext.options import (
    CORPUS_HELP,
    CorpusPath,
    DryRun,
    EngineOption,
    Json,
    Quiet,
    RayAddress,
    Workers,
    directory,
    file,
    place,
)
from webtext.progress import Progress


@app.command(cls=Question)
def status(corpus: CorpusPath, quiet: Quiet = False, as_json: Json = False) -> None:
    """Where every stage stands: counts, rates, what is stale and why.

    Example: `webtext status corpus`
    """
    from pipelines import status as pipeline

    del quiet  # there is no progress
    show_result(pipeline.run(corpus), as_json, show.status)


@app.command(cls=Question)
def explain(
    corpus: CorpusPath,
    url: Annotated[str, typer.Argument(metavar="URL", help="A URL in any spelling, or an id.")],
    view: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", parser=file, help="Write the page and what is kept of it, side by side, as HTML."
        ),
    ] = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """One link's whole story: submissions, fetch, text, verdict, cluster, shard, or why not.

    Example: `webtext explain corpus http://example.org/page`
    """
    from pipelines import explain as pipeline

    del quiet  # there is no progress
    if view is not None:
        from pipelines import view as side_by_side

        side_by_side.write(corpus, url, view)
    show_result(pipeline.run(corpus, url), as_json, show.explanation)


@app.command(cls=Command)
def audit(
    corpus: Annotated[
        Path | None,
        typer.Argument(metavar="CORPUS", parser=place, help=CORPUS_HELP, show_default=False),
    ] = None,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE", help="Further files of --against.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEST[=TRAIN]",
            help="How much of a test file is in the corpus, and in its own training file; repeatable.",
        ),
    ] = None,
    bloom: Annotated[
        bool, typer.Option("--bloom", help="Compare through Bloom filters, as the GPT-2 paper did.")
    ] = False,
    webtext_domains: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            parser=file,
            help="OpenAI's list of WebText's top domains, to compare the links' with.",
        ),
    ] = None,
    compare: Annotated[
        tuple[str, str] | None,
        typer.Option(metavar="A B", help="Two corpora side by side, instead of a report on one."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", parser=directory, help="Where to write. [default: CORPUS/audit]"
        ),
    ] = None,
    workers: Workers = None,
    engine: EngineOption = EngineName.LOCAL,
    ray_address: RayAddress = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The report on a corpus: one HTML page, its numbers as JSON, its charts as SVG.

    Example: `webtext audit corpus --against lambada_test.jsonl --against ptb.test.txt=ptb.train.txt`
    """
    from pipelines import audit as pipeline
    from pipelines.request import Request
    from webtext.corpus import Corpus

    progress = Progress(quiet)
    if compare is not None:
        if corpus or against or bloom or webtext_domains:
            raise UserError(
                "--compare: names both corpora itself, and goes without --against, --bloom and "
                "--webtext-domains"
            )
        requests = [Request(root, None, (), workers, engine, ray_address) for root in map(place, compare)]
        one, other = (Corpus.open(request.root) for request in requests)
        if dry_run:
            show_result(pipeline.plan([one, other], out), as_json, show_plan.audit)
            return
        with requests[0].start_engine() as running:
            result = pipeline.compare(one, other, out, progress, running)
        show_result(result, as_json, show.comparison)
        return
    if corpus is None:
        raise UserError("which CORPUS? Name its directory, or two with --compare")
    if files and not against:
        raise UserError(f"{files[0]}: what for? Test files are named with --against")
    if bloom and not against:
        raise UserError("--bloom: nothing to compare with: name test files with --against")
    request = Request(corpus, None, (), workers, engine, ray_address)
    audited = Corpus.open(request.root)
    tests = pipeline.Against((*(against or ()), *(files or ())), webtext_domains, bloom)
    if dry_run:
        show_result(pipeline.plan([audited], out, tests), as_json, show_plan.audit)
        return
    with request.start_engine() as running:
        result = pipeline.run(audited, out, progress, tests, running)
    show_result(result, as_json, show.audit)
