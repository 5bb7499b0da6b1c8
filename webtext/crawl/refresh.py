"""Where a page sends its readers on by `<meta http-equiv="refresh">` (HTML standard §4.2.5.3), as shorteners
do and sites that cannot set a status.
"""

import html
import re

from webtext.crawl.optouts import meta_elements

MAX_PAGE_BYTES = 10_000  # a longer one has something to read
MAX_WAIT_S = 10
LEAST_TEXT_BYTES = 200  # of a page that readers with scripts stay on, though it sends away those without

# What a browser with scripts does not take for markup, and what no browser shows.
_UNSEEN = re.compile(rb"(?is)<(noscript|template|textarea|title)\b.*?(?:</\1|\Z)")
_NO_TEXT = re.compile(rb"(?is)<(script|style)\b.*?(?:</\1|\Z)|<!--.*?(?:-->|\Z)|<[^>]*+")
_CONTENT = re.compile(
    r"""\s*+ (\d{1,9}) [\d.]*+ [\s;,]++ (?: url \s*+ = \s*+ )?+ (?: "([^"]++) | '([^']++) | ([^"'].*+) )""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)


def target(body: bytes) -> str | None:
    """What a decoded page's first refresh names, its bytes as Latin-1 like a Location header's."""
    if len(body) > MAX_PAGE_BYTES or b"refresh" not in body.lower():  # quick, where tags are not
        return None
    seen = _UNSEEN.sub(b"", body)
    has_text = len(b"".join(_NO_TEXT.sub(b"", seen).split())) >= LEAST_TEXT_BYTES
    # Shorteners say for browsers without scripts what they do by script.
    for attributes in meta_elements(seen if has_text else body):
        if attributes.get(b"http-equiv", b"").strip().lower() == b"refresh":
            found = _CONTENT.match(html.unescape(attributes.get(b"content", b"").decode("latin-1")))
            soon = found is not None and int(found[1]) <= MAX_WAIT_S
            return (found[2] or found[3] or found[4]).strip() if found and soon else None
    return None
