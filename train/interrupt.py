"""Ctrl-C and SIGTERM, also in a moment in which Python can raise nothing."""

import _thread
import os
import signal
import sys
import time
from types import FrameType

AGAIN_S = 0.01  # by when what could not be interrupted is over


def keep() -> None:
    """Has a SIGTERM interrupt as Ctrl-C does, and an interrupt come again that Python only reports, and so
    loses: in a callback, as each import has one, or in the end of an object."""
    signal.signal(signal.SIGTERM, _terminated)
    sys.unraisablehook = _unraisable


def _terminated(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _unraisable(lost: "sys.UnraisableHookArgs") -> None:
    if isinstance(lost.exc_value, KeyboardInterrupt):
        _thread.start_new_thread(_interrupt, ())  # takes no lock, which this thread may hold just now
    else:
        sys.__unraisablehook__(lost)


def _interrupt() -> None:
    time.sleep(AGAIN_S)
    deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN  # as a script's background job: it was a SIGTERM
    os.kill(os.getpid(), signal.SIGTERM if deaf else signal.SIGINT)
