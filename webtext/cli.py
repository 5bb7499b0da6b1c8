"""The command line."""

import signal
import sys
from types import FrameType

from webtext import corpus_commands, model_commands  # noqa: F401 - they register themselves, in this order
from webtext.command import UsageError, app
from webtext.unseen import visible


def _terminated(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def main() -> None:
    signal.signal(signal.SIGTERM, _terminated)
    try:
        sys.exit(app(sys.argv[1:] or ["--help"], standalone_mode=False))
    except UsageError as error:
        command = error.ctx.info_name if error.ctx and error.ctx.parent else ""
        more = " ".join(word for word in ("webtext", command, "--help") if word)
        line = f"webtext: {error.format_message().rstrip('.')}; `{more}` tells more"
        print(visible(line), file=sys.stderr)
        sys.exit(2)
