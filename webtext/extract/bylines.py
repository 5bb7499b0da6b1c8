"""The names in a byline: without "by" and dates, and none that is no one's."""

import re

from webtext.extract.days import MONTH
from webtext.extract.normalise import normalise

_BY = re.compile(
    r"(?i)^\W*(?:(?:written|posted|published|story|article|words|text|review|recipe|photos?"
    r"|(?:veröffentlicht|eingestellt|geschrieben|verfasst|erstellt)(?: am .{1,30}?)?"
    r"|écrit|publié|escrito|publicado)\s+)?"
    r"(?:by|von|par|por|di|door|av|af)\b[\s:]*"
)
_AFTER_NAME = re.compile(
    r"(?is)\s*(?:[|•·–—/(<@]|\b(?:on|in|at|am|posted|published|(?:last )?updated)\b|\d{1,2}[./: ]"
    rf"|\b{MONTH}\s\d|\ble\s\d"
    r"|,\s*(?:\d|[a-z]+ (?:at|of|for|editor|reporter|writer|correspondent))).*"
)
_SEPARATORS = re.compile(r"\s*(?:;|,?\s(?:and|und|et|y)\s|,|\n|&)\s*")
_NO_NAME = re.compile(
    r"(?i)https?\b|www\.|^admin|^staff$|^editor|^unknown|^guest|^anonym|@|\.com"
    r"|\b(?:view|follow|more|profile|author|contact)\b|^autor(?:in)?$|^stand$|^[\W\d]+$"
    r"|^(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?$"
)
_BY_OF_LINES = ("by", "von", "par", "por")  # other words for it are other words elsewhere: "door"
# A name of two words or more, each with a capital letter or a particle.
_FULL_NAME = re.compile(r"(?:(?:van|von|d[aeiou]|de[nrl]|la|le|bin|[^\W\d_a-zß-ÿ][\w.'’-]*)(?: |$)){2,5}")


def names(text: str) -> str | None:
    """The names in a byline, joined by "; "; None where there are none."""
    text = _AFTER_NAME.sub("", _BY.sub("", " ".join(normalise(text).split())))
    found = []
    for name in _SEPARATORS.split(text):
        name = name.strip(" .,:;-–|*\"'")
        if 2 < len(name) < 60 and len(name.split()) <= 5 and not _NO_NAME.search(name):
            found.append(name)
    return "; ".join(dict.fromkeys(found[:10])) or None


def names_of_line(line: str) -> str | None:
    """The names in a line of the page's text if it is a byline: "by" and full names."""
    by = _BY.match(line)
    if by is None or line[by.end() :][:1].islower() or not by[0].lower().rstrip(" :").endswith(_BY_OF_LINES):
        return None
    found = names(line)
    return found if found and all(map(_FULL_NAME.fullmatch, found.split("; "))) else None
