"""What kind of content a response claims to be, and is."""

import re

ACCEPTED = frozenset({"text/html", "application/xhtml+xml", "text/plain"})

SNIFF_BYTES = 1024
MAX_NAME_CHARS = 80
MAX_CHARS = 4096  # of a header that are read: an archive's may have a million
# Formats that servers send under the name of HTML; each begins with bytes that no text begins with.
_MAGIC = {
    b"%PDF-": "PDF",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"\xff\xd8\xff": "JPEG",
    b"PK\x03\x04": "ZIP",
    b"\x1f\x8b": "gzip",
    b"7z\xbc\xaf": "7z",
    b"OggS": "Ogg",
    b"ID3": "MP3",
    b"\x00\x00\x01\x00": "icon",
    b"\x7fELF": "program",
}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+/[!#$%&'*+.^_`|~0-9a-z-]+")  # two tokens of RFC 9110 §5.6.2
_PARAMETER = re.compile(r';\s*([^;=]*)(?:=\s*("[^"]*"?|[^;]*))?')
_AROUND = "'\" \t\r\n"  # of a charset's name, whatever a line's folds left there
# WHATWG MIME Sniffing §7.1: bytes that make unlabelled content binary.
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_TAG = re.compile(rb"\s*(?:<!--|<!doctype|<[a-z][a-z0-9]*[\s>])", re.IGNORECASE)


def parse(content_type: str | None) -> tuple[str | None, str | None]:
    """The media type, lower case without parameters, and the charset as the header names it.

    What is no media type by its form is None: such content has no label (WHATWG MIME Sniffing §4.4).
    """
    if not content_type:
        return None, None
    content_type = content_type[:MAX_CHARS]
    # Of several headers the last is what browsers take; here the first that names a type.
    media_type = content_type.partition(";")[0].partition(",")[0].strip().lower()
    known = media_type[:MAX_NAME_CHARS] if _TYPE.fullmatch(media_type) else None
    parameters = _PARAMETER.findall(content_type)
    charset = next((value for name, value in parameters if name.strip().lower() == "charset"), "")
    return known, charset.strip(_AROUND).partition(",")[0].strip(_AROUND)[:MAX_NAME_CHARS] or None


def sniff(body: bytes) -> str:
    """The media type of content that has no label."""
    head = body[:SNIFF_BYTES]
    if not head.startswith(_UTF16) and _BINARY.search(head):
        return "application/octet-stream"
    return "text/html" if _TAG.match(head) else "text/plain"


def disguised(body: bytes) -> str | None:
    """The format of content that is certainly no text, whatever its label says."""
    return next((name for magic, name in _MAGIC.items() if body.startswith(magic)), None)
