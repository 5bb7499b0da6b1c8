"""Formulas as the TeX that they were written in, where a page still has it."""

from lxml import etree

DRAWN = frozenset(("latex", "tex"))  # classes of images that WordPress and MediaWiki make of TeX
ANNOTATIONS = frozenset(("annotation", "annotation-xml"))
SYMBOLS = frozenset(("math", "mi", "mn", "mo", "ms", "mtext"))
DISPLAY = "{\\displaystyle "  # which Wikipedia puts around every formula


def formula(math: etree._Element) -> str:
    """The text of a `<math>`: its TeX between dollars, or else its alternative text, or else its symbols."""
    tex, symbols = "", []
    walk = etree.iterwalk(math, events=("start",))
    for _, element in walk:
        if element.tag in ANNOTATIONS:
            if "tex" in (element.get("encoding") or "").lower():
                tex = tex or _tex(element.text)
            walk.skip_subtree()
        elif element.tag in SYMBOLS and element.text:
            symbols.append(element.text)
    return tex or _flat(math.get("alttext")) or _flat(" ".join(symbols))


def drawn_formula(image: etree._Element) -> str:
    """The TeX of an image that shows a formula; empty for all others."""
    return _tex(image.get("alt")) if image.get("class") in DRAWN else ""


def same_drawn(math: etree._Element) -> etree._Element | None:
    """The element in which KaTeX draws a formula once more, by single characters."""
    parent = math.getparent()
    beside = parent.getnext() if parent is not None and parent.get("class") == "katex-mathml" else None
    return beside if beside is not None and beside.get("class") == "katex-html" else None


def _tex(text: str | None) -> str:
    flat = _flat(text).strip("$")
    return f"${flat}$" if flat else ""


def _flat(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return flat[len(DISPLAY) : -1].strip() if flat.startswith(DISPLAY) and flat.endswith("}") else flat
