"""Standard streams that whoever started this process has closed."""

import os
import sys


def open_closed() -> None:
    """Leads them nowhere: a file that is opened later must not get their number, to which libraries write.
    Called first of all, while those numbers are the lowest that are free."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
