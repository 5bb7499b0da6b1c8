"""What the names of elements and of their classes say about the text inside."""

import re
from functools import lru_cache, reduce
from operator import or_

SKIPPED = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "iframe",
        "object",
        "noembed",
        "noframes",
        "canvas",
        "audio",
        "video",
        "select",
        "datalist",
        "head",
        "input",
        "textarea",
        "progress",
        "meter",
        "applet",
        "frameset",
        "area",
    ]
)
INLINE = frozenset(
    [
        "a",
        "abbr",
        "acronym",
        "b",
        "bdi",
        "bdo",
        "big",
        "cite",
        "code",
        "data",
        "del",
        "dfn",
        "em",
        "embed",  # whose end tag is often left out, as it may be
        "font",
        "i",
        "ins",
        "kbd",
        "label",
        "map",
        "mark",
        "nobr",
        "output",
        "picture",
        "q",
        "rp",
        "rt",
        "ruby",
        "s",
        "samp",
        "small",
        "source",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "time",
        "tt",
        "u",
        "var",
        "wbr",
    ]
)
CODE = frozenset(("code", "kbd", "samp", "tt", "var"))  # whose words may have capitals inside
TIGHT = frozenset(("sub", "sup", "wbr"))  # which go on with the word before them
EDIT_LINK = "mw-editsection"  # the class of MediaWiki's "[edit]", a `<span>`
# Values of attributes, in lower case, of elements that are no part of the page: what unfolds a quotation in
# XenForo, what Framer shows on other screens (see `tree`), and ids in which consent platforms put all that
# they show. It is prose, and can be longer than the page's own.
LEFT_OUT = frozenset([
    "bbcodeblock-expandlink js-expandlink", "ssr-variant-hidden",
    "onetrust-consent-sdk", "cybotcookiebotdialog", "usercentrics-root", "didomi-host", "qc-cmp2-container",
    "borlabscookiebox", "borlabscookieboxwrap", "cmplz-cookiebanner-container", "moove_gdpr_cookie_modal",
    "clisettingspopup", "tarteaucitronroot",
])  # fmt: skip
# What a name in `class`, `id`, `role` or `itemprop` hints at. One element may hint at several.
# With the two letters with which a hint begins looked for first, it takes a third of the time.
HINTS = re.compile(
    r"(?=a[dlnrsuv]|b[aoruy]|c[aort]|d[aeir]|e[nx]|f[ao]|g[dr]|h[ei]|i[nt]|l[aeio]|m[aeos]|n[aeo]|ov|p[aor]"
    r"|qu|r[aeo]|s[chikoprtuw]|t[aehiorw]|up|v[ai]|wi)(?:"
    r"(?P<navigation>nav|menu|breadcrumb|crumbs|pagination|pager|paging|toolbar|tabs)"
    r"|(?P<footer>foot|copyright|legal|colophon|contentinfo)"
    r"|(?P<side>sidebar|aside|(?<![a-z])side(?![a-z])|rail|widget|complementary)"
    r"|(?P<related>relat|recommend|popular|trending|latest|similar|more-|readmore|also|upsell|cross-?sell)"
    r"|(?P<comment>comment|disqus|respond|discuss)"
    r"|(?P<social>share|sharing|social|follow|subscri|newsletter|sign-?up|login|signin|tweet|facebook)"
    r"|(?P<overlay>cookie|consent|gdpr|popup|modal|overlay|lightbox|dialog|tooltip|dropdown|drawer)"
    r"|(?P<promotion>banner|promo|sponsor|advert|(?<![a-z])ads?(?![a-z])|marketing|(?<![a-z])cta)"
    r"|(?P<about>meta|byline|author|date|tag|categor|caption|credit|rating|avatar|badge|label|stats?(?![a-z]))"
    r"|(?P<content>content|article|entry|story|(?<![a-z])text|body|main|description|prose|markdown|markup)"
    r"|(?P<forum>post|message|thread|topic|reply|replies|answer|question|(?<![a-z])msg)"
    r"|(?P<hidden>hidden|hide|sr-only|screen-?reader|visually|collapse|display:none|noprint|invisible)"
    r"|(?P<shop>product|price|cart|shop|review|spec|buy|sku|swatch|variant)"
    r"|(?P<header>header|masthead|hero|headline|title|(?<![a-z])top)"
    r"|(?P<item>item|card|tile|(?<![a-z])list|grid|row|teaser|summary|excerpt)"
    r"|(?P<quote>quote|signature|(?<![a-z])sig(?![a-z])))"
)
# What names are made of, as far as HINTS looks.
_PIECE = re.compile(r"(?:(?:sr|sign|cross|screen)-|display:)?[a-z]+-?")
HINT_BITS = {name: 1 << number for number, name in enumerate(HINTS.groupindex)}
_TAGS = [
    "nav", "header", "footer", "aside", "form", "main", "article", "section", "table", "ul", "dl",
    "figure", "figcaption", "blockquote", "details", "button", "li", "td", "dd", "p",
]  # fmt: skip
TAG_BITS = {name: 1 << (len(HINT_BITS) + number) for number, name in enumerate(_TAGS)}
TAG_BITS |= {"ol": TAG_BITS["ul"], "th": TAG_BITS["td"], "dt": TAG_BITS["dd"]}
BITS = (*HINT_BITS, *_TAGS)

KINDS = {"p": 1, "li": 2, "td": 3, "th": 3, "tr": 3, "pre": 4, "dd": 5, "dt": 6, "blockquote": 7, "button": 8,
         "h1": 11, "h2": 12, "h3": 13, "h4": 14, "h5": 15, "h6": 16, "a": 9, "div": 10}  # fmt: skip
HEADING = KINDS["h1"]  # and greater
NO_PART = -1  # with all bits, so that it stays what it is beside others
MOST_HINT_CHARS = 1000
HINTING = frozenset(("class", "id", "role", "itemprop", "style", "hidden"))  # attributes


def foreign(tag: str) -> bool:
    """Whether it is no element of HTML but one of a site's or of Word's own: `<side-note>`, `<st1:place>`."""
    return "-" in tag or ":" in tag


@lru_cache(8192)  # of some 200 in a page, most are those of other pages of its site
def hinted(value: str) -> int:
    """The bits of an attribute's value, of which no more than `MOST_HINT_CHARS` are to be given; `NO_PART`
    where its element is to be left out."""
    names = value.lower()
    if names in LEFT_OUT:
        return NO_PART
    return reduce(or_, map(_of_piece, _PIECE.findall(names.replace(": ", ":"))), 0)


@lru_cache(16_384)  # sites share most of what they make names of, and few whole names
def _of_piece(piece: str) -> int:
    bits = 0
    for match in HINTS.finditer(piece):
        bits |= HINT_BITS[match.lastgroup or ""]
    return bits
