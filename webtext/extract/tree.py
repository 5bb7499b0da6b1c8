"""A page's characters to its tree, once for all who look at it."""

from lxml import etree

END_OF_PAGE, END_OF_BODY = (b"</html>", b"</HTML>"), (b"</body>", b"</BODY>")


def parse(html: str) -> etree._Element | None:
    """The tree of an HTML page, without comments; None where there is none. Repairs what is broken.

    Raises MemoryError. `huge_tree` because libxml2 would silently stop at a depth of 256 and at texts of
    10 MB; with it at a depth of 2,048.
    """
    source = _without_false_ends(html.encode("utf-8", "replace"))
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        return None  # nothing in it


def _without_false_ends(source: bytes) -> bytes:
    """The page without the end tags behind which it goes on, as one does whose head is a document of its own.

    Browsers go on too (HTML standard §13.2.6.4.22); libxml2 stops there.
    """
    behind = (source.partition(tag)[2] for tag in END_OF_PAGE)
    if not any(map(bytes.strip, behind)):
        return source
    for tag in END_OF_PAGE + END_OF_BODY:
        source = source.replace(tag, b"")
    return source


def title_element(root: etree._Element) -> etree._Element | None:
    """The head's `<title>`, or else the first that there is."""
    found = root.find("head/title")  # to search the whole tree takes as long as all else about titles
    return root.find(".//title") if found is None else found


def title_of(root: etree._Element) -> str:
    """What its `<title>` says, as it is."""
    element = title_element(root)
    return "".join(element.itertext()) if element is not None else ""
