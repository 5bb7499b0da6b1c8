"""What all commands share: how they end, and how their results are shown."""

import json
import sys
from importlib import metadata
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from webtext import buckets, store
from webtext.errors import RunFailed, UserError, why
from webtext.files import DISK_FULL, TOO_MANY_OPEN
from webtext.unseen import visible, visible_json

# What the parser raises; Typer exports only classes derived from it.
UsageError: Any = typer.BadParameter.__base__

app = typer.Typer(
    help="From Reddit links to a pretrained GPT-2. Start with `webtext demo`.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _say_version(asked: bool) -> None:
    if asked:
        print(f"webtext {metadata.version('webtext')}")
        raise typer.Exit


@app.callback()
def _webtext(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Show the version and stop."),
    ] = False,
) -> None:
    pass


class Command(TyperCommand):
    """Turns the ways in which a command can end into one line and an exit code."""

    then = "; the same command goes on from here"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Every mistake names its command; of an option with too few values the parser leaves it out."""
        try:
            return super().parse_args(ctx, args)
        except UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise _ended(2, str(error)) from None
        except RunFailed as error:
            raise _ended(1, f"{error}{self.then}") from None
        except KeyboardInterrupt:
            raise _ended(130, f"interrupted{self.then}") from None
        except OSError as error:
            if buckets.is_of_a_store(error):
                raise _ended(1, f"{buckets.told(error)}{self.then}") from None
            if isinstance(error, PermissionError):
                what = f"{error.filename}: " if error.filename else ""
                raise _ended(2, f"{what}{why(error)}: give this user the right to it") from None
            if error.errno in TOO_MANY_OPEN:
                line = f"{why(error)}: raise `ulimit -n`, or take fewer --workers{self.then}"
                raise _ended(1, line) from None
            if error.errno not in DISK_FULL:
                raise
            # What was open already when the disk got full does not say where it lies.
            where = error.filename or ctx.params.get("out") or ctx.params.get("corpus") or "the disk"
            line = f"no space left at {where}: free some{self.then}"
            raise _ended(1, line) from None


class Question(Command):
    """A command that keeps nothing, so that it has nothing to go on from."""

    then = ""


def _ended(code: int, line: str) -> typer.Exit:
    print(visible(f"webtext: {store.named(line)}"), file=sys.stderr)
    return typer.Exit(code)


def show_result(result: dict[str, Any], as_json: bool, view: Any) -> None:
    if as_json:
        any_text = sys.stdout.encoding.lower().startswith("utf")
        print(visible_json(json.dumps(result, ensure_ascii=not any_text, default=str)))
    else:
        view(result)
