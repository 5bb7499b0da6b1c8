"""Ctrl-C in the moment in which a worker process begins."""

import multiprocessing
import os
import signal
from typing import Any

import pytest

from webtext.engine import process


def test_an_interrupt_while_a_worker_begins_leaves_none_to_wait_for(monkeypatch: pytest.MonkeyPatch) -> None:
    start: Any = process._context.Process.start

    def interrupted(child: Any) -> None:
        start(child)
        os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(process._context.Process, "start", interrupted)
    before = multiprocessing.active_children()
    with pytest.raises(KeyboardInterrupt):
        process.Child()
    assert multiprocessing.active_children() == before
