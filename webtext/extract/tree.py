"""A page's characters to its tree, once for all who look at it."""

from lxml import etree


def parse(html: str) -> etree._Element | None:
    """The tree of an HTML page, without comments; None where there is none. Repairs what is broken.

    Raises MemoryError. `huge_tree` because libxml2 would silently stop at a depth of 256 and at texts of
    10 MB; with it at a depth of 2,048.
    """
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        return etree.fromstring(html.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        if error.code == etree.ErrorTypes.ERR_NO_MEMORY:
            raise MemoryError from None
        return None  # nothing in it


def title_element(root: etree._Element) -> etree._Element | None:
    """The head's `<title>`, or else the first that there is."""
    found = root.find("head/title")  # to search the whole tree takes as long as all else about titles
    return root.find(".//title") if found is None else found


def title_of(root: etree._Element) -> str:
    """What its `<title>` says, as it is."""
    element = title_element(root)
    return "".join(element.itertext()) if element is not None else ""
