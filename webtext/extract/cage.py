"""Pages are measured in a process that can be killed: a page that hangs or breaks it costs itself alone."""

import logging
import signal
import warnings
from functools import cache

from webtext.engine import Report
from webtext.engine.process import Broken, Child, Raised
from webtext.errors import RunFailed
from webtext.extract.page import Page, Row
from webtext.sections import Extract

# Of address space; libraries take 0.2 to 0.5 GiB before the first page. With 1 GiB the parser runs out on
# 10 MB of tags, and its failure looks like a page without a text.
MEMORY_BYTES = 2 << 30
START_TIMEOUT_S = 300.0
# `extract.timeout_s` is of processor time, so that a busy machine refuses no page that an idle one keeps. By
# the clock a page has this many times as long: none sleeps, but a machine may.
CLOCK_FACTOR = 10
# libxml2 keeps every name of an element or attribute that it has ever seen: hostile pages have millions.
PAGES_PER_PROCESS = 5000
ATTEMPTS = 2  # a process that dies may be the victim of another's hunger for memory


class Cage:
    """One process that measures one page after the other, and is replaced when a page breaks it."""

    def __init__(self, memory_bytes: int = MEMORY_BYTES) -> None:
        self.memory_bytes = memory_bytes
        self._child: Child | None = None
        self._pages = 0

    def measure(self, page: Page, section: Extract) -> Row:
        """As `measures.measure`, within `section.timeout_s` and the memory; else the verdict says which.

        A page that needs nearly the whole time or memory may end either way from run to run: that is the
        nature of such limits. The details are the same in every run.
        """
        for _ in range(ATTEMPTS):
            child = self._ready(section)
            try:
                row: Row = child.call(_measure, (page, section), section.timeout_s * CLOCK_FACTOR)
                return row
            except Raised as raised:
                if not isinstance(raised.error, MemoryError):
                    return {"verdict": "extract_crash", "detail": type(raised.error).__name__}
                self.close()
                break
            except (Broken, TimeoutError) as end:
                self.close()
                if isinstance(end, TimeoutError) or child.process.exitcode == -signal.SIGPROF:
                    return {"verdict": "extract_timeout", "detail": f"more than {section.timeout_s:g} s"}
        mib = self.memory_bytes >> 20
        return {"verdict": "extract_crash", "detail": f"broke its process, or wanted more than {mib:,} MiB"}

    @property
    def pid(self) -> int | None:
        """Of the process that the next page is measured in, if it has started."""
        return self._child.process.pid if self._child else None

    def close(self) -> None:
        """Ends the process, which has nothing to put away; a later page starts another."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def _ready(self, section: Extract) -> Child:
        if self._pages >= PAGES_PER_PROCESS:
            self.close()
        self._pages += 1
        if self._child is None:
            self._pages = 1
            self._child = Child(self.memory_bytes)
            try:
                self._child.call(_warm_up, section, START_TIMEOUT_S)
            except (Broken, Raised, TimeoutError) as failure:
                self.close()
                raise RunFailed(f"documents: the extraction's process does not start: {failure!r}") from None
        return self._child


@cache
def of_this_process() -> Cage:
    """The one cage of a worker process: its start costs a second, so partitions share it."""
    return Cage()


def _warm_up(section: Extract, _: Report) -> None:
    """Loads what the first page would have to wait for. The libraries' own complaints are not for people."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    from webtext.extract.measures import measure

    sentence = "<p>This is the paragraph that brings every library and every profile into memory.</p>"
    measure(Page(f"<html><body><article>{sentence * 5}</article></body></html>".encode(), ""), section)


def _measure(item: tuple[Page, Extract], _: Report) -> Row:
    from webtext.extract.measures import measure  # loaded in the cage alone

    page, section = item
    signal.setitimer(signal.ITIMER_PROF, section.timeout_s)  # whose signal ends the process
    try:
        return measure(page, section)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
