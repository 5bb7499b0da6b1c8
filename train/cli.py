"""`python -m train`: the trainer's own command line, for machines that have only the trainer."""

import functools
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from train import interrupt, streams
from train.errors import Interrupted, RunFailed, TrainError

# What the parser raises; Typer exports only classes derived from it.
UsageError: Any = typer.BadParameter.__base__


class Commands(TyperGroup):
    """Tells a mistake in the options in one line."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        with _usage_told():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _usage_told():
            return super().invoke(ctx)


@contextmanager
def _usage_told() -> Iterator[None]:
    try:
        yield
    except UsageError as error:
        command = error.ctx.command_path if error.ctx else "python -m train"
        _leave(f"error: {error.format_message().rstrip('.')}; `{command} --help` tells more", 2)


app = typer.Typer(
    cls=Commands,
    help="""Train a GPT-2 on token files, sample from it, evaluate it, export it.

    Example:

      python -m train train CORPUS --out runs/small --config laptop
    """,
    pretty_exceptions_enable=False,
    add_completion=False,
)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Show no progress.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as one JSON object on stdout.")]


@app.command()
def train(
    tokens: Annotated[Path, typer.Argument(help="A corpus directory, or its tokens/.")],
    out: Annotated[Path, typer.Option(help="The run directory; an unfinished run goes on by itself.")],
    config: Annotated[
        str | None,
        typer.Option(help="A shipped config or a TOML file. [default: the run's own, else gpt2-124m]"),
    ] = None,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value, over the config; repeatable.")
    ] = None,
    init_from: Annotated[
        str, typer.Option(help="Start from this Hugging Face GPT-2: a directory or hub name.")
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check everything, time a step, say what it would take, and stop."),
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Train a GPT-2, or go on training it.

    Examples:

      python -m train train CORPUS --out runs/small --config laptop

      torchrun --nproc-per-node 8 -m train train CORPUS --out runs/124m --set train.micro_batch_size=64
    """
    with _exit_codes():
        from train import loop, progress, rehearsal, rundir

        if out.parts and out.parts[0].endswith(":"):  # s3://
            raise TrainError(f"--out {out}: `webtext train` alone writes to a store; give a directory")
        asked = rundir.asked(out, config, sets or [], init_from)
        if dry_run:
            found = rehearsal.rehearse(tokens, out, asked, progress.line_by_line(quiet))
        else:
            found = loop.train(tokens, out, asked, progress.for_terminal(quiet))
    if os.environ.get("RANK", "0") == "0":
        _print(found, as_json)


@app.command()
def sample(
    model: Annotated[str, typer.Argument(help="A run, a Hugging Face GPT-2 directory or a hub name.")],
    prompt: Annotated[str, typer.Option(help="Text to go on from; empty starts a document.")] = "",
    max_tokens: Annotated[int, typer.Option(help="Tokens a text may have at most.")] = 200,
    temperature: Annotated[float, typer.Option(help="0 takes the likeliest token.")] = 0.8,
    top_k: Annotated[int, typer.Option(help="Choose among this many likeliest; 0 among all.")] = 50,
    top_p: Annotated[float, typer.Option(help="Choose among the likeliest with this share together.")] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed gives the same text.")] = 1337,
    n: Annotated[int, typer.Option("-n", "--n", help="How many texts.")] = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Print texts of a trained model; a single one as it comes into being.

    Example:

      python -m train sample runs/small --prompt "The module" --n 3
    """
    del quiet  # there is no progress
    streaming = n == 1 and not as_json
    with _exit_codes():
        from train.sample import generate

        texts = generate(
            model,
            prompt,
            max_tokens=max_tokens,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            seed=seed,
            n=n,
            on_text=functools.partial(print, end="", flush=True) if streaming else None,
        )
    if as_json:
        print(json.dumps({"prompt": prompt, "texts": texts}))
    elif streaming:
        print()
    else:
        print("\n\n---\n\n".join(prompt + text for text in texts))


@app.command(name="eval")
def evaluate(
    model: Annotated[str, typer.Argument(help="A run, a Hugging Face GPT-2 directory or a hub name.")],
    tasks: Annotated[
        str, typer.Option(help="By name or FILE.bin of tokens, by commas; all: every task.")
    ] = "all",
    data: Annotated[Path, typer.Option(help="Where the evaluation sets' official files lie.")] = Path(
        "eval-data"
    ),
    out: Annotated[Path | None, typer.Option(help="Where results go; RUN/evals, else evals.")] = None,
    strides: Annotated[
        str, typer.Option(help="Tokens between windows, by commas; the model's length and half of it.")
    ] = "",
    download: Annotated[
        bool, typer.Option("--download", help="Fetch what is not in --data by its name on the hub.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be read, and stop.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Evaluate a model as the paper does, beside the paper's numbers.

    Example:

      python -m train eval runs/small --tasks lambada,wikitext-2 --data eval-data
    """
    with _exit_codes():
        from train.evals import progress, run

        asked = run.request(model, tasks, data, out, strides, download)
        found = run.plan(asked) if dry_run else run.evaluate(asked, progress.for_terminal(quiet))
    rows = [] if as_json else found.pop("tasks" if dry_run else "rows")
    _print(found, as_json)
    for row in rows:
        print("  ".join(str(value) for value in row.values() if value != {}))


@app.command()
def export(
    run: Annotated[Path, typer.Argument(help="The run directory.")],
    out: Annotated[Path, typer.Argument(help="A new directory.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and stop.")] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Write a trained run as a Hugging Face GPT-2 directory.

    Example:

      python -m train export runs/small small-gpt2
    """
    del quiet  # there is no progress
    with _exit_codes():
        from train.export import plan, write

        _print(plan(run, out) if dry_run else write(run, out), as_json)


def main() -> None:
    """The entry point of `python -m train`."""
    streams.open_closed()
    streams.write_any_text()
    interrupt.keep()
    app(sys.argv[1:] or ["--help"])


@contextmanager
def _exit_codes() -> Iterator[None]:
    """What went wrong as one line on stderr and an exit code."""
    try:
        yield
    except TrainError as error:
        _leave(f"error: {error}", 2)
    except ModuleNotFoundError as error:
        _leave(
            f"error: {error.name} is not installed; training needs the extra: pip install 'webtext[train]'", 2
        )
    except BrokenPipeError:  # who reads our output has had enough: Typer ends the command without a word
        raise
    except (RunFailed, OSError) as error:
        _leave(f"the run failed: {error}", 1)
    except Interrupted as error:
        _leave(str(error), 130)
    except KeyboardInterrupt:
        _leave("interrupted; the same command goes on from here", 130)


def _leave(message: str, code: int) -> None:
    print(message, file=sys.stderr)
    raise typer.Exit(code)


def _print(found: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print(json.dumps(found))
        return
    for section, table in found.pop("settings", {}).items():
        print(f"[{section}] " + ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items()))
    for key, value in found.items():
        shown = (
            f"{value:.4f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else value
        )
        print(f"{key.replace('_', ' '):>18}  {'' if value is None else shown}".rstrip())
