"""Ctrl-C and SIGTERM ask a run to save and end; a second Ctrl-C ends it at once."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class StopRequest:
    """Whether the run has been asked to stop."""

    asked = False


@contextmanager
def stop_request(in_vain: Callable[[], bool] = lambda: False) -> Iterator[StopRequest]:
    """Turns the two signals into a request while the block runs (in the main thread: elsewhere Python
    delivers none); one that would be `in_vain`, as nothing can be saved now, ends the run at once."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(_signal: int, _frame: FrameType | None) -> None:
        if in_vain():
            raise KeyboardInterrupt
        request.asked = True
        signal.signal(signal.SIGINT, before[signal.SIGINT])

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
