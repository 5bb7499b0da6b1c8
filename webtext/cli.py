"""The command line: options in, one pipeline called, its result shown. No command does work of its own."""

import json
import signal
import sys
from enum import StrEnum
from pathlib import Path
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from webtext import show
from webtext.engine import EngineName
from webtext.errors import RunFailed, UserError
from webtext.files import DISK_FULL
from webtext.options import (
    CorpusPath,
    DryRun,
    EngineOption,
    Json,
    Quiet,
    RayAddress,
    RecipeName,
    RunPath,
    Settings,
    Workers,
)
from webtext.progress import Progress

# What the parser raises; Typer exports only classes derived from it.
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    help="From Reddit links to a pretrained GPT-2. Start with `webtext demo`.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


class ModelLayout(StrEnum):
    HF = "hf"


class Command(TyperCommand):
    """Turns the ways in which a command can end into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _ended(2, str(error)) from None
        except RunFailed as error:
            raise _ended(1, f"{error}; the same command goes on from here") from None
        except KeyboardInterrupt:
            raise _ended(130, "interrupted; the same command goes on from here") from None
        except OSError as error:
            if error.errno not in DISK_FULL:
                raise
            where = error.filename or "the disk"
            line = f"no space left at {where}: free some; the same command goes on from here"
            raise _ended(1, line) from None


def _ended(code: int, line: str) -> typer.Exit:
    print(f"webtext: {line}", file=sys.stderr)
    return typer.Exit(code)


@app.command(cls=Command)
def demo(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to build it.")] = Path("demo"),
    workers: Workers = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The whole chain on an embedded mini web: crawl, build, train, sample, audit; offline, in minutes.

    Example: `webtext demo --out demo`
    """
    from pipelines import demo as pipeline

    progress = Progress(quiet)
    _print(pipeline.run(out, workers, progress), as_json, show.demo)


@app.command(cls=Command)
def crawl(
    corpus: CorpusPath,
    links: Annotated[
        list[str] | None,
        typer.Option(
            "--links",
            metavar="SOURCE",
            help="A dump (RS_*.zst, .ndjson), CSV, Parquet, URL list, a glob, or reddit:r/NAME/top?limit=N.",
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
    sources, progress = tuple(links or ()), Progress(quiet)
    if dry_run:
        _print(pipeline.dry_run(request, sources, progress), as_json, show.crawl_plan)
    else:
        result = pipeline.run(request, sources, progress, retry_failed=retry_failed)
        _print(result, as_json, show.crawl)


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
        _print(pipeline.dry_run(request), as_json, show.status)
    else:
        _print(pipeline.run(request, progress), as_json, show.build)


@app.command(cls=Command)
def train(
    corpus: CorpusPath,
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="The run directory.")],
    config: Annotated[
        str, typer.Option("--config", metavar="NAME|FILE", help="A configuration that ships, or a TOML file.")
    ] = "gpt2-124m",
    settings: Settings = None,
    init_from: Annotated[
        str,
        typer.Option("--init-from", metavar="DIR|NAME", help="Start from this Hugging Face GPT-2."),
    ] = "",
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Tokens to a GPT-2; on a RUN that exists it goes on from the last checkpoint.

    Example: `webtext train corpus --out run --config laptop --set train.steps=500`
    """
    from pipelines import model

    found = model.train(corpus, out, config, tuple(settings or ()), quiet, init_from)
    _print(found, as_json, show.training)


@app.command(cls=Command)
def sample(
    run: RunPath,
    prompt: Annotated[str, typer.Option(help="What the text starts with.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1, help="At most so many tokens.")] = 200,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token.")] = 0.8,
    top_k: Annotated[int, typer.Option(min=0, help="Sample among so many; 0: all.")] = 50,
    top_p: Annotated[float, typer.Option(min=0, max=1, help="Sample within this probability.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same text.")] = 1337,
    samples: Annotated[int, typer.Option("--n", min=1, help="How many.")] = 1,
    as_json: Json = False,
) -> None:
    """Text from a trained model; a single one is shown as it is written.

    Example: `webtext sample run --prompt "The module" --n 3`
    """
    from pipelines import model

    sampling = model.Sampling(max_tokens, temperature, top_k, top_p, seed, samples)
    if as_json or samples > 1:
        _print(model.sample(run, prompt, sampling), as_json, show.samples)
    else:
        model.sample(run, prompt, sampling, show.piece)
        show.piece("\n")


@app.command(cls=Command, name="eval")
def evaluate(
    model: Annotated[
        str, typer.Argument(metavar="RUN|DIR|NAME", help="A run, a Hugging Face GPT-2 directory or hub name.")
    ],
    tasks: Annotated[
        str, typer.Option(metavar="NAME,…", help="Tasks by name, separated by commas; all: every one.")
    ] = "all",
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Where the evaluation sets' official files lie.")
    ] = Path("eval-data"),
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where results go. [default: RUN/evals, else evals]"),
    ] = None,
    strides: Annotated[
        str,
        typer.Option(
            metavar="N,…", help="Tokens between windows. [default: the model's length and half of it]"
        ),
    ] = "",
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The paper's zero-shot evaluations, beside the paper's numbers; a task done before is not done again.

    Example: `webtext eval run --tasks lambada,wikitext-2 --data eval-data`
    """
    from pipelines import model as pipeline

    if dry_run:
        _print(pipeline.evaluation_plan(model, tasks, data, out, strides), as_json, show.evaluation_plan)
    else:
        _print(pipeline.evaluate(model, tasks, data, out, strides, quiet), as_json, show.evaluation)


@app.command(cls=Command)
def export(
    run: RunPath,
    out: Annotated[Path, typer.Argument(metavar="DIR", help="A new directory.")],
    layout: Annotated[
        ModelLayout, typer.Option("--format", help="hf: what Hugging Face's transformers opens.")
    ] = ModelLayout.HF,
    as_json: Json = False,
) -> None:
    """A trained model for other programs.

    Example: `webtext export run my-gpt2`
    """
    from pipelines import model

    del layout  # there is one so far
    _print(model.export(run, out), as_json, show.exported)


@app.command(cls=Command)
def status(corpus: CorpusPath, as_json: Json = False) -> None:
    """Where every stage stands: counts, rates, what is stale and why.

    Example: `webtext status corpus`
    """
    from pipelines import status as pipeline

    _print(pipeline.run(corpus), as_json, show.status)


@app.command(cls=Command)
def explain(
    corpus: CorpusPath,
    url: Annotated[str, typer.Argument(metavar="URL")],
    view: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the page and what is kept of it, side by side, as HTML."),
    ] = None,
    as_json: Json = False,
) -> None:
    """One link's whole story: submissions, fetch, text, verdict, cluster, shard, or why not.

    Example: `webtext explain corpus http://example.org/page`
    """
    from pipelines import explain as pipeline

    if view is not None:
        from pipelines import view as side_by_side

        side_by_side.write(corpus, url, view)
    _print(pipeline.run(corpus, url), as_json, show.explanation)


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
        typer.Option("--from", metavar="FILE", help="URLs and domains, one a line; # starts a comment."),
    ] = None,
    keep_copies: Annotated[
        bool, typer.Option("--keep-copies", help="Leave exact and near duplicates of them in.")
    ] = False,
    workers: Workers = None,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Documents out of a corpus for good: later crawls and builds leave them out too.

    Example: `webtext remove corpus --url http://example.org/page --domain example.net`
    """
    from pipelines import remove as pipeline
    from pipelines.request import Request

    wanted = pipeline.selection(url or (), domain or (), source, copies=not keep_copies)
    result = pipeline.run(Request(corpus, workers=workers), wanted, Progress(quiet), dry_run=dry_run)
    _print(result, as_json, show.removal)


@app.command(cls=Command)
def audit(
    corpus: Annotated[
        Path | None, typer.Argument(metavar="CORPUS", help="The corpus directory.", show_default=False)
    ] = None,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="Further files of --against.")
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
            metavar="FILE", help="OpenAI's list of WebText's top domains, to compare the links' with."
        ),
    ] = None,
    compare: Annotated[
        tuple[Path, Path] | None,
        typer.Option(metavar="A B", help="Two corpora side by side, instead of a report on one."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="DIR", help="Where to write. [default: CORPUS/audit]")
    ] = None,
    workers: Workers = None,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The report on a corpus: one HTML page, its numbers as JSON, its charts as SVG.

    Example: `webtext audit corpus --against lambada_test.jsonl --against ptb.test.txt=ptb.train.txt`
    """
    from pipelines import audit as pipeline
    from webtext.corpus import Corpus

    if compare is not None:
        if corpus or against:
            raise UserError("--compare: names both corpora itself, and goes without --against")
        one, other = map(Corpus.open, compare)
        _print(pipeline.compare(one, other, out, Progress(quiet)), as_json, show.comparison)
        return
    if corpus is None:
        raise UserError("which CORPUS? Name its directory, or two with --compare")
    if files and not against:
        raise UserError(f"{files[0]}: what for? Test files are named with --against")
    tests = pipeline.Against((*(against or ()), *(files or ())), webtext_domains, bloom, workers)
    _print(pipeline.run(Corpus.open(corpus), out, Progress(quiet), tests), as_json, show.audit)


def _print(result: dict[str, Any], as_json: bool, view: Any) -> None:
    if as_json:
        print(json.dumps(result, ensure_ascii=False, default=str))
    else:
        view(result)


def _terminated(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    signal.signal(signal.SIGTERM, _terminated)
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except UsageError as error:
        command = error.ctx.info_name if error.ctx and error.ctx.parent else ""
        more = " ".join(word for word in ("webtext", command, "--help") if word)
        print(f"webtext: {error.format_message().rstrip('.')}; `{more}` tells more", file=sys.stderr)
        sys.exit(2)
