"""Trafilatura's text for the pages of which the model is unsure, of kinds that it has seen too little of.

Of the 950 test pages these are 36; RESULTS.md, "Documents", says what they gain, and what other
thresholds and modes of trafilatura would.
"""

import re

import trafilatura
from lxml import etree

from webtext.extract.tree import whole
from webtext.sections import Extract

# Of a page's likeliest block: trafilatura is asked between them. Below there is only what leads elsewhere.
NOTHING, SURE = 0.25, 0.8
# It has no limit of its own (100,000 links take it ten seconds), and what is longer is rarely a text.
MOST_CHARS, MOST_BLOCKS = 500_000, 2000

_PREFORMATTED = re.compile(r"(?i)<pre[\s>]")
_INDENT = re.compile(r"(?m)^[ \t]+")


def other_text(html: str, section: Extract) -> str:
    """The page's main text as trafilatura sees it, empty where it sees none."""
    try:
        text: str | None = trafilatura.extract(
            whole(html).decode(),
            include_comments=section.favor == "recall",
            favor_precision=section.favor == "precision",
            favor_recall=section.favor != "precision",  # as good here as the default, and quicker
            with_metadata=False,
            deduplicate=False,  # it would remember the pages before
        )
    except (etree.LxmlError, RecursionError, ValueError, AttributeError, TypeError, KeyError, IndexError):
        return ""
    if not text:
        return ""
    # The page's own indentation stands in it, which only in code says anything.
    return text if _PREFORMATTED.search(html) else _INDENT.sub("", text)
