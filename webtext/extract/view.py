"""A page and what was kept of it, side by side, in one HTML file that runs nothing and loads nothing."""

import html as entities

from lxml import etree

from webtext.engine import Report
from webtext.extract.blocks import BREAK
from webtext.extract.decode import decode
from webtext.extract.measures import is_plain
from webtext.extract.page import Page
from webtext.extract.text import Judged, judge, unsure
from webtext.extract.tree import parse, title_of
from webtext.sections import Extract

# Scripts are refused by the sandbox, loads and frames by the policy, which the frame inherits; and neither
# is in it any more.
REMOVED = [
    "script", "noscript", "iframe", "frame", "frameset", "object", "applet", "link", "base",
    "meta", "style", "template", "audio", "video", "source", "picture", "svg",
]  # fmt: skip
KEPT_ATTRIBUTES = frozenset([
    "class", "id", "title", "alt", "colspan", "rowspan", "dir", "lang",
])  # fmt: skip
STYLE = """
body { margin: 0; display: grid; grid-template: auto 1fr / 1fr 1fr; height: 100vh; font: 15px/1.5 sans-serif }
h1 { grid-column: 1 / -1; font-size: 1rem; margin: 0; padding: .5rem 1rem; overflow-wrap: anywhere }
iframe, main { width: 100%; height: 100%; border: 0; border-top: 1px solid #999; overflow: auto;
    box-sizing: border-box }
main { border-left: 1px solid #999; padding: 0 1rem; background: #fff; color: #111 }
p { white-space: pre-wrap; overflow-wrap: anywhere; margin: .4rem 0; padding-left: 3.2rem;
    position: relative }
p::before { content: attr(data-likely); position: absolute; left: 0; color: #666; font-size: .8rem }
p.kept { background: #e3f6e3; border-left: 3px solid #2a7d2a }
p.dropped { color: #666; border-left: 3px solid #ddd }
@media (max-width: 40rem) { body { grid-template: auto 1fr 1fr / 1fr } }
@media print { body { display: block; height: auto } iframe { display: none }
    main { height: auto; overflow: visible; border-left: 0 } p { print-color-adjust: exact } }
"""
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>{title}</title><style>{style}</style></head>
<body><h1>{head}</h1><iframe sandbox srcdoc="{page}" title="the page"></iframe><main>
{blocks}
</main></body></html>
"""


def side_by_side(item: tuple[Page, Extract], _: Report) -> str | None:
    """The file's text for a page; None where the page cannot be decoded. A task of a child process."""
    page, section = item
    plain = is_plain(page)
    decoded = decode(page.body, page.charset, html=not plain)
    if decoded is None:
        return None
    root = None if plain else parse(decoded.text)
    if root is None:
        shown, judged, title = f"<pre>{entities.escape(decoded.text)}</pre>", [], ""
    else:
        judged, title = judge(root, section), title_of(root)
        shown = _harmless(root)
    kept = sum(each.kept for each in judged)
    head = f"{page.url} — {kept:,} of {len(judged):,} blocks kept, favor {section.favor}"
    if unsure(judged):
        head += "; none of them surely, so that trafilatura's text is taken where it has one"
    return PAGE.format(
        title=entities.escape(title or page.url),
        style=STYLE,
        head=entities.escape(head),
        page=entities.escape(shown),
        blocks="\n".join(map(_block, judged)),
    )


def _block(each: Judged) -> str:
    kind = "kept" if each.kept else "dropped"
    text = entities.escape(each.block.text.replace(BREAK, "\n"))
    return f'<p class="{kind}" data-likely="{each.likely:.2f}">{text}</p>'


def _harmless(root: etree._Element) -> str:
    """The page without all that runs, loads or leads away. Changes the tree."""
    etree.strip_tags(root, "embed")  # in which the rest of the page may stand
    etree.strip_elements(root, *REMOVED, with_tail=False)
    for element in root.iter():
        kept = {name: value for name, value in element.items() if name in KEPT_ATTRIBUTES}
        element.attrib.clear()
        element.attrib.update(kept)
    shown: str = etree.tostring(root, encoding="unicode", method="html")
    return shown
