"""HTML and SVG that are escaped by construction: what is not `Markup` is text, and text is escaped.

Nothing from the web can become a tag, an attribute, a script or a style, and no control or
direction-changing character reaches the page: those are shown as `\\u202e`.
"""

import html
import re
from collections.abc import Iterable

from webtext.unseen import visible

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:-]*")
# Elements that HTML ends by themselves; everything else is closed, which SVG files (XML) need.
_VOID = frozenset({"br", "col", "hr", "meta"})


class Markup(str):
    """A string of HTML that is safe as it stands; only this module and its callers' constants make one."""

    __slots__ = ()


Child = str | int | float | Iterable["Child"] | None
Attribute = str | int | float | bool | None


def element(tag: str, *children: Child, **attributes: Attribute) -> Markup:
    """`<tag …>children</tag>`.

    An attribute's underscores become hyphens and a last one is dropped (`class_`); None and False leave it
    out. Raises ValueError for an attribute that could run code (`on…`, `style`) or an `href` that is not
    http, https or a fragment: those come from a bug, never from data.
    """
    if not _NAME.fullmatch(tag):
        raise ValueError(f"not a tag: {tag!r}")
    opening = f"<{tag}{''.join(_attribute(name, value) for name, value in attributes.items())}>"
    return Markup(opening if tag in _VOID else f"{opening}{join(children)}</{tag}>")


def join(children: Iterable[Child]) -> Markup:
    """The children one after the other."""
    return Markup("".join(_rendered(child) for child in children))


def foreign(text: str, most_chars: int = 200) -> Markup:
    """Text from the web in an isolated run of its own direction, its middle cut out where it is long."""
    return element("bdi", shortened(text, most_chars), title=text[:2000] if len(text) > most_chars else None)


def shortened(text: str, most_chars: int) -> str:
    """At most so many characters of it: its beginning, and its end for a quarter of them."""
    if len(text) <= most_chars:
        return text
    tail = most_chars // 4
    return f"{text[: most_chars - tail - 1]}…{text[-tail:]}"


def link(url: str, most_chars: int = 120) -> Markup:
    """A URL to look at; one to click only where it is http or https."""
    if not _is_web(url):
        return element("span", foreign(url, most_chars), class_="url")
    text = foreign(url.split("://", 1)[1], most_chars)
    return element("a", text, class_="url", href=url, rel="noopener noreferrer nofollow")


def _rendered(child: Child) -> str:
    if child is None:
        return ""
    if isinstance(child, Markup):
        return child
    if isinstance(child, str | int | float):
        return html.escape(visible(str(child)))
    return join(child)


def _attribute(name: str, value: Attribute) -> str:
    name = name.removesuffix("_").replace("_", "-")
    if not _NAME.fullmatch(name) or name.lower().startswith("on") or name.lower() == "style":
        raise ValueError(f"not an attribute for a report: {name!r}")
    if value is None or value is False:
        return ""
    if name in ("href", "src") and not (_is_web(str(value)) or str(value).startswith("#")):
        raise ValueError(f"not an address for a report: {value!r}")
    text = "" if value is True else html.escape(visible(str(value)))
    return f' {name}="{text}"'


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))
