"""A page's characters to its tree, once for all who look at it."""

import re

from lxml import etree

_END_OF_PAGE = re.compile(rb"(?i)</html(?:[\s/][^<>]*)?>")
_ENDS = re.compile(rb"(?i)</(?:html|body)(?:[\s/][^<>]*)?>")
# Where a template begins or ends, and scripts and comments, which may show one in vain.
_TEMPLATES = re.compile(
    rb"(?i)<script\b[^<]*(?:<(?!/script)[^<]*)*+|<!--[^>]*(?:(?<!--)>[^>]*)*+|<(/?)template(?=[\s/>])"
)

# A noscript with tags alone: pixels that count visitors, images that scripts load later.
_TEXTLESS = re.compile(rb"(<noscript[^<>]*>)(?:\s*<(?!/?noscript)[^<>]*>)++\s*(?=</noscript)")

# Framer, which pages name at their beginning, repeats what it lays out otherwise on narrow screens; its style
# sheet says what a wide one hides.
_FRAMER, _BEGINNING = b"Framer", 2000
_BREAKPOINTS = b"<style data-framer-breakpoint-css"
_HIDDEN = re.compile(rb"@media ?\(min-width: ?\d{1,5}px\) ?\{\.(hidden-\w{1,20})\{display: ?none")
_VARIANT = re.compile(rb'class="ssr-variant ([^"<>]{1,200})"')


def parse(html: str) -> etree._Element | None:
    """The tree of an HTML page, without comments; None where there is none. Repairs what is broken.

    Raises MemoryError. `huge_tree` because libxml2 would silently stop at a depth of 256 and at texts of
    10 MB; with it at a depth of 2,048.
    """
    parser = etree.HTMLParser(
        encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True, collect_ids=False
    )
    try:
        return etree.fromstring(whole(html), parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        return None  # nothing in it


def whole(html: str) -> bytes:
    """The page in UTF-8, without what makes libxml2 lose text that browsers show."""
    source = html.encode("utf-8", "replace")
    if b"</template" in source:
        source = _without_templates(source)
    # What one leaves open, a quote too, ends with it in browsers, which run scripts, and not in libxml2.
    source = _TEXTLESS.sub(rb"\1", source)
    if source.find(_FRAMER, 0, _BEGINNING) >= 0 and _BREAKPOINTS in source:
        source = _for_a_wide_screen(source)
    return _without_false_ends(source)


def _for_a_wide_screen(source: bytes) -> bytes:
    """A page of Framer's whose elements for other screens are marked as `element_names.LEFT_OUT` has them."""
    hidden = _HIDDEN.search(source, source.index(_BREAKPOINTS))

    def marked(variant: re.Match[bytes]) -> bytes:
        return b'class="ssr-variant-hidden"' if hidden and hidden[1] in variant[1].split() else variant[0]

    return _VARIANT.sub(marked, source)


def _without_false_ends(source: bytes) -> bytes:
    """The page without the end tags behind which it goes on, as one does whose head is a document of its own.

    Browsers go on too (HTML standard §13.2.6.4.22); libxml2 stops there.
    """
    end = _END_OF_PAGE.search(source)
    return _ENDS.sub(b"", source) if end and source[end.end() :].strip() else source


def _without_templates(source: bytes) -> bytes:
    """The page without its templates, which show nothing.

    An element that one leaves open ends with it (HTML standard §13.2.6.4.4); in libxml2 it takes in the page.
    """
    kept, begin, depth = [], 0, 0
    for part in _TEMPLATES.finditer(source):
        if part[1] == b"":
            if not depth:
                kept.append(source[begin : part.start()])
                begin = part.start()
            depth += 1
        elif part[1] and depth:
            depth -= 1
            if not depth:
                begin = part.start()  # libxml2 passes over an end alone
    return b"".join([*kept, source[begin:]])


def title_element(root: etree._Element) -> etree._Element | None:
    """The head's `<title>`, or else the first that there is."""
    found = root.find("head/title")  # to search the whole tree takes as long as all else about titles
    return root.find(".//title") if found is None else found


def title_of(root: etree._Element) -> str:
    """What its `<title>` says, as it is."""
    element = title_element(root)
    return "".join(element.itertext()) if element is not None else ""
