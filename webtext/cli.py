"""The command line's entry point. The commands are imported in `main`, not here: that takes half a second,
and a Ctrl-C in it is to end in one line."""

import os
import sys

from train import interrupt, streams


def main() -> None:
    streams.open_closed()
    streams.write_any_text()
    try:
        os.getcwd()  # noqa: PTH109 - which Arrow, multiprocessing and MKL ask for, each failing in its way
    except FileNotFoundError:
        print("webtext: the working directory is gone: change to another", file=sys.stderr)
        sys.exit(2)
    interrupt.keep()
    try:
        sys.exit(_run(sys.argv[1:] or ["--help"]))
    except KeyboardInterrupt:  # before there was a command that could say more
        print("webtext: interrupted", file=sys.stderr)
        sys.exit(130)


def _run(arguments: list[str]) -> int | None:
    """The exit code of a command, None for 0."""
    from webtext import corpus_commands, inspect_commands, model_commands  # noqa: F401 - register themselves
    from webtext.command import UsageError, app, usage
    from webtext.damage import DISK_FULL
    from webtext.unseen import one_line

    try:
        done: int | None = app(arguments, standalone_mode=False)
    except UsageError as error:
        print(one_line(f"webtext: {usage(error)}"), file=sys.stderr)
        return 2
    except OSError as error:  # of a help, or the version, which are shown before there is a command
        if error.errno not in DISK_FULL:
            raise
        print("webtext: no space left at the disk: free some", file=sys.stderr)
        return 1
    return done
