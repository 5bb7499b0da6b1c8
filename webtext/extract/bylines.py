"""The names in a byline: without "by" and dates, and none that is no one's."""

import re

from webtext.extract.normalise import normalise

_BY = re.compile(
    r"(?i)^\W*(?:(?:written|posted|published|story|article|words|text|review|photos?)\s+)?"
    r"(?:by|von|par|por|di|door|av|af)\b[\s:]*"
)
_AFTER_NAME = re.compile(
    r"(?is)\s*(?:[|•·–—/(<@]|\b(?:on|in|at|am|posted|published|updated)\b|\d{1,2}[./: ]"
    r"|,\s*(?:\d|[a-z]+ (?:at|of|for|editor|reporter|writer|correspondent))).*"
)
_SEPARATORS = re.compile(r"\s*(?:;|,|\n|&| and | und | et | y )\s*")
_NO_NAME = re.compile(
    r"(?i)https?:|www\.|^admin|^staff$|^editor|^unknown|^guest|^anonym|@|\.com"
    r"|\b(?:view|follow|more|profile|author|contact)\b"
)


def names(text: str) -> str | None:
    """The names in a byline, joined by "; "; None where there are none."""
    text = _AFTER_NAME.sub("", _BY.sub("", " ".join(normalise(text).split())))
    found = []
    for name in _SEPARATORS.split(text):
        name = name.strip(" .,:;-–|*\"'")
        if 2 < len(name) < 60 and len(name.split()) <= 5 and not _NO_NAME.search(name):
            found.append(name)
    return "; ".join(dict.fromkeys(found[:10])) or None
