"""What all commands share: how they end, and how their results are shown."""

import difflib
import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import metadata
from typing import Annotated, Any

import pyarrow as pa
import typer
from pydantic import ValidationError
from typer.core import TyperCommand, TyperGroup

from webtext import store, store_failures, wrong_values
from webtext.damage import DISK_FAILED, DISK_FULL, TOO_MANY_OPEN, is_without_threads
from webtext.errors import RunFailed, RunRefused, UserError, why
from webtext.unseen import one_line, visible_json

# What the parser raises; Typer exports only classes derived from it.
UsageError: Any = typer.BadParameter.__base__


class Commands(TyperGroup):
    """Reports a Ctrl-C that comes before or after a command's own work, of which Typer says nothing. It is
    not rare: what reads the options takes a while to import."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """A name that is none of a command tells those that begin with it, or are near."""
        given, names = args[0], list(self.commands)
        if given in names or given.startswith("-"):
            return super().resolve_command(ctx, args)
        near = [name for name in names if name.startswith(given)] or difflib.get_close_matches(given, names)
        also = f": did you mean {' or '.join(near)}?" if near else ""
        return ctx.fail(f"No such command {given!r}{also}")

    def make_context(self, *args: Any, **options: Any) -> Any:
        with _interrupt_told():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        with _interrupt_told():
            return super().invoke(ctx)


@contextmanager
def _interrupt_told() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        raise _ended(130, "interrupted") from None


app = typer.Typer(
    cls=Commands,
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
        except RunRefused as error:
            raise _ended(1, str(error)) from None
        except RunFailed as error:
            raise _ended(1, f"{error}{self.then}") from None
        except KeyboardInterrupt:
            raise _ended(130, f"interrupted{self.then}") from None
        except (OSError, MemoryError, RuntimeError, pa.ArrowException) as error:
            if (refused := _refused(error, ctx.params)) is None:
                raise
            code, line = refused
            raise _ended(code, f"{line}{self.then}" if code == 1 else line) from None


def usage(error: Any) -> str:
    """What is wrong with the options, and where to read of them."""
    if isinstance(error.__cause__, ValidationError):
        error.message = wrong_values.told(error.__cause__.errors())
    command = error.ctx.info_name if error.ctx and error.ctx.parent else ""
    more = " ".join(word for word in ("webtext", command, "--help") if word)
    line = error.format_message().rstrip(".")
    return f"{line}{' ' if line.endswith('?') else '; '}`{more}` tells more"


class Question(Command):
    """A command that keeps nothing, so that it has nothing to go on from."""

    then = ""


def _refused(error: Exception, options: dict[str, Any]) -> tuple[int, str] | None:
    """What the system, or a store, did not let a command do: its exit code and its line; None for a bug."""
    fewer = ", or take fewer --workers" if "workers" in options else ""
    if isinstance(error, MemoryError):
        return 1, f"memory does not suffice: free some{fewer}"
    if is_without_threads(error):
        return 1, f"the system gives no more processes or threads: raise `ulimit -u`{fewer}"
    if not isinstance(error, OSError):
        return None
    if store_failures.is_of_a_store(error):
        return 1, store_failures.told(error)
    # What was open already when a disk got full or failed does not say where it lies.
    first = next(iter(options.get("compare") or ()), "the disk")
    where = error.filename or options.get("out") or options.get("corpus") or first
    if isinstance(error, PermissionError):
        what = f"{error.filename}: " if error.filename else ""
        return 2, f"{what}{why(error)}: give this user the right to it"
    if isinstance(error, IsADirectoryError | NotADirectoryError | FileExistsError):
        return 2, f"{where}: {why(error)}: move it away"
    if error.errno == errno.ENAMETOOLONG:
        return 2, f"{where}: {why(error)}: give a shorter one"
    if error.errno in TOO_MANY_OPEN:
        return 1, f"{why(error)}: raise `ulimit -n`{fewer}"
    if error.errno in DISK_FULL:
        return 1, f"no space left at {_on_this_machine(where)}: free some"
    if error.errno == errno.EFBIG:
        return 1, f"{where}: a file grew larger than may be: raise `ulimit -f`, or take another disk"
    return (1, f"{where}: {why(error)}") if error.filename or error.errno in DISK_FAILED else None


def _on_this_machine(where: Any) -> str:
    """The folder of all paths that stand for objects for one of them, which messages tell by its address."""
    before, folder, _ = str(where).partition(f"/{store.FOLDER}/")
    return f"{before}/{store.FOLDER}, where {where} is worked on" if folder else before


def _ended(code: int, line: str) -> typer.Exit:
    print(one_line(f"webtext: {store.named(line)}"), file=sys.stderr)
    if store_failures.is_asking():  # which has been given up, and for which Arrow's end would wait
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
    return typer.Exit(code)


def show_result(result: dict[str, Any], as_json: bool, view: Any) -> None:
    """Prints a result on stdout: as JSON for programs, else by `view` for a person."""
    if as_json:
        any_text = sys.stdout.encoding.lower().startswith("utf")
        print(visible_json(json.dumps(result, ensure_ascii=not any_text, default=str)))
    else:
        view(result)
