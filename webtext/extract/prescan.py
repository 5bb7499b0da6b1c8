"""The encoding that an HTML page declares in its own first bytes.

The HTML standard's "prescan a byte stream to determine its encoding" (§13.2.3.2), with one difference: it
looks further than 1,024 bytes. A browser that meets a later `<meta charset>` starts the page again with it;
a longer prescan ends in the same encoding.
"""

import re
from collections.abc import Iterator

PRESCAN_BYTES = 32_768

_SPACE = rb"\t\n\x0c\r "
_TAG = re.compile(rb"<(?:!--|!|\?|/?[A-Za-z]|/)")
_META = re.compile(rb"(?i)<meta[" + _SPACE + rb"/]")
_NAME_END = re.compile(rb"[" + _SPACE + rb">]")
_ATTRIBUTE = re.compile(
    rb"[" + _SPACE + rb"/]*(=?[^" + _SPACE + rb"/>=]*)"
    rb"(?:[" + _SPACE + rb"]*=[" + _SPACE + rb"]*"
    rb"(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<open>[\"'])|(?P<bare>[^" + _SPACE + rb">]*)))?"
)
_CONTENT = re.compile(
    rb"(?i)charset[" + _SPACE + rb"]*=[" + _SPACE + rb"]*"
    rb"(?:\"([^\"]*)\"|'([^']*)'|(?![\"'])([^" + _SPACE + rb";]+))"
)
_XML = re.compile(
    rb"<\?xml[" + _SPACE + rb"][^>]{0,256}?encoding[" + _SPACE + rb"]*=[" + _SPACE + rb"]*[\"']([^\"'>]*)"
)


def declared(body: bytes) -> Iterator[str]:
    """The labels that a page's `<meta>` elements declare, in their order, then its XML declaration's.

    The first one that names an encoding counts; which labels do is not this function's business.
    """
    head = body[:PRESCAN_BYTES]
    xml = _XML.match(head)
    yield from _meta_labels(head)
    if xml:
        yield xml[1].decode("latin-1")


def _meta_labels(head: bytes) -> Iterator[str]:
    position = 0
    while tag := _TAG.search(head, position):
        if tag[0] == b"<!--":
            end = head.find(b"-->", tag.start() + 2)
            position = end + 3 if end >= 0 else len(head)
        elif tag[0] in (b"<!", b"<?", b"</"):
            end = head.find(b">", tag.start())
            position = end + 1 if end >= 0 else len(head)
        else:
            is_meta = _META.match(head, tag.start())
            name_end = _NAME_END.search(head, tag.start())
            start = is_meta.end() if is_meta else name_end.start() if name_end else len(head)
            attributes, position = _attributes(head, start)
            label = _label(attributes) if is_meta else None
            if label is not None:
                yield label


def _attributes(head: bytes, position: int) -> tuple[dict[bytes, bytes], int]:
    """A tag's attributes, names in lower case, the first of a name counting; and where they end."""
    attributes: dict[bytes, bytes] = {}
    while position < len(head):
        match = _ATTRIBUTE.match(head, position)
        assert match is not None  # every part of the pattern may be empty
        if match["open"]:  # a quote without its end swallows the rest
            return {}, len(head)
        if not match[1] and match.end() < len(head):
            return attributes, match.end()
        value = match["double"] or match["single"] or match["bare"] or b""
        attributes.setdefault(match[1].lower(), value)
        position = match.end()
    return {}, position  # the tag does not end here


def _label(attributes: dict[bytes, bytes]) -> str | None:
    if b"charset" in attributes:
        return attributes[b"charset"].decode("latin-1")
    if attributes.get(b"http-equiv", b"").lower() != b"content-type":
        return None
    content = _CONTENT.search(attributes.get(b"content", b""))
    if content is None:
        return None
    return (content[1] or content[2] or content[3] or b"").decode("latin-1")
