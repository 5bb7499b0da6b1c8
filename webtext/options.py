"""The options that commands share, each written once."""

from pathlib import Path
from typing import Annotated

import typer

from webtext import files, store
from webtext.engine import EngineName
from webtext.errors import UserError


def place(text: str) -> Path:
    """A corpus or a run by its directory, or by its address in an object store."""
    _require_a_name(text)
    try:
        files.require_utf8(text)
        if store.is_address(text):
            return store.folder_of(text)
    except UserError as error:
        raise typer.BadParameter(str(error)) from None
    if store.of(Path(text).absolute()) is not None:
        raise typer.BadParameter(
            f"{text}: in a folder {store.FOLDER}, which holds copies of stores; name the store's address, "
            "s3://BUCKET/PREFIX, or another directory"
        )
    path = Path(text)
    # Made absolute: Arrow takes a path that begins with `~` for one in a home, and one with `s3:` for a
    # store's; one that begins with `-`, in a command that we show, would be an option when it is pasted.
    return path.absolute() if str(path).startswith(("~", "-")) or ":" in text else path


def directory(named: str | Path) -> Path:
    """A directory of this machine; defaults come as paths."""
    return _of_this_machine(named, "directory")


def file(named: str) -> Path:
    """A file of this machine."""
    return _of_this_machine(named, "file")


def name_or_file(named: str) -> str:
    """The name of something that ships, or a file of this machine."""
    file(named)
    return named  # as it is: `./demo` is no name


def _of_this_machine(named: str | Path, what: str) -> Path:
    _require_a_name(str(named))
    try:
        files.require_utf8(str(named))
    except UserError as error:
        raise typer.BadParameter(str(error)) from None
    if store.is_address(str(named)):
        raise typer.BadParameter(f"{named} is an address; name a {what} of this machine")
    return Path(named)


def _require_a_name(text: str) -> None:
    if not text:  # a shell's variable that is not set would be the working directory
        raise typer.BadParameter("an empty name; the working directory is ./")


CORPUS_HELP = "The corpus: a directory, or s3://BUCKET/PREFIX, gs://…"
CorpusPath = Annotated[Path, typer.Argument(metavar="CORPUS", parser=place, help=CORPUS_HELP)]
RUN_HELP = "The run that `train` wrote: a directory, or s3://BUCKET/PREFIX, gs://…"
RunPath = Annotated[Path, typer.Argument(metavar="RUN", parser=place, help=RUN_HELP)]
MODEL_HELP = "A run (s3://… too), a Hugging Face GPT-2 directory or hub name."
ModelSource = Annotated[str, typer.Argument(metavar="RUN|DIR|NAME", help=MODEL_HELP)]
RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        parser=name_or_file,
        help="webtext, openwebtext, openwebtext2, gopher, demo, or a TOML file. "
        "[default: the corpus' own, else webtext]",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Overrides one key; repeatable."),
]
Workers = Annotated[
    int | None, typer.Option(min=1, help="Worker processes. [default: one per core]", show_default=False)
]
EngineOption = Annotated[EngineName, typer.Option("--engine", help="What runs the stages.")]
RayAddress = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="The Ray cluster. [default: one on this machine]")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and stop.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Json = Annotated[bool, typer.Option("--json", help="The result as JSON on stdout.")]
