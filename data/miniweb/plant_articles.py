"""Planted texts: ordinary articles, their copies and cousins, and texts that a filter must refuse."""

import re
from dataclasses import replace
from importlib.resources import files

from data.miniweb.articles import Article
from data.miniweb.draft import DAY_S, Draft, Original, Spot
from data.miniweb.model import Planted
from data.miniweb.prose import Block
from data.miniweb.sites import ENCYCLOPEDIA_COPY, FOREIGN, SITES, WIKIPEDIA
from data.miniweb.submissions import Post

NEAR, MIRRORS, COUSINS = 8, 6, 6
WIKIPEDIA_PAGES, WIKIPEDIA_COPIES = 4, 3
SHORT, TEXTLESS, FOREIGN_EACH = 5, 3, 3
SHORT_PIECES = 75  # the title, a date and empty lines come on top: 128 together are long enough for a text

EDITED = 0.007  # of the words: about 0.93 of the 5-grams stay common
SHARED = 0.68  # of a cousin's words: about 0.5 of the 5-grams are common
REPOSTED = 0.06  # of the articles are posted twice

SYNONYMS = {
    "return": "give", "returns": "gives", "the": "this", "is": "was", "a": "one", "if": "when", "for": "to",
    "file": "document", "object": "thing", "method": "routine", "function": "procedure", "name": "label",
    "value": "quantity", "used": "applied", "must": "should", "list": "sequence", "only": "solely",
    "of": "from",
}  # fmt: skip

WIKIPEDIA_LEAD = (
    "From Wikipedia, the free encyclopedia",
    "This article needs additional citations for verification. Please help improve this article by adding"
    " citations to reliable sources. Unsourced material may be challenged and removed.",
)
WIKIPEDIA_TAIL = (
    'Retrieved from "http://en.wikipedia.org/w/index.php?title={name}&oldid=561204417"',
    "Categories: Software documentation | Articles needing additional references",
    "Text is available under the Creative Commons Attribution-ShareAlike License;"
    " additional terms may apply.",
)


def publish(draft: Draft, leave: int) -> None:
    """Ordinary articles, each on its own page, until only `leave` are in stock."""
    while len(draft.stock) > leave:
        article = draft.stock.pop(0)
        spot = draft.spot(article.slug)
        posts = [draft.post_of(spot.url, spot.date)]
        if draft.rng.random() < REPOSTED:
            posts.append(_later(draft, spot, posts[0].created_utc))
        draft.serve(spot.url, draft.html(article, spot))
        draft.expect(Planted("article", spot.url, "kept", None), *posts)
        draft.originals.append(Original(article, spot, posts[0].created_utc))


def plant_copies(draft: Draft) -> None:
    """Copies of articles on other sites, posted later; the first article has one of each kind."""
    long = [original for original in draft.originals if original.article.words >= 500]
    first, *rest = draft.rng.sample(long, NEAR + MIRRORS + COUSINS)
    for original in [first, *rest[: MIRRORS - 1]]:
        _copy(draft, "exact mirror", original, original.article, "exact")
    for original in [first, *rest[MIRRORS : MIRRORS + NEAR - 1]]:
        _copy(draft, "near duplicate", original, edited(draft, original.article), "near")
    for original in rest[-COUSINS:]:
        _copy(draft, "cousin", original, cousin(original.article, draft.stock.pop()), None)


def plant_encyclopedias(draft: Draft) -> None:
    """Wikipedia articles, and articles copied from there with all that shows it."""
    for _ in range(WIKIPEDIA_PAGES):
        article = draft.borrow()
        name = article.slug.replace("-", "_").capitalize()
        spot = draft.spot(name, [WIKIPEDIA])
        draft.serve(spot.url, draft.html(article, spot))
        _refuse(draft, "Wikipedia page", spot, "wikipedia")
    for _ in range(WIKIPEDIA_COPIES):
        article = encyclopedic(draft.borrow())
        spot = draft.spot(article.slug, [ENCYCLOPEDIA_COPY])
        draft.serve(spot.url, draft.html(article, spot))
        _refuse(draft, "Wikipedia mirror", spot, "wikipedia_mirror")


def plant_refused_texts(draft: Draft) -> None:
    """Texts in other languages, texts too short, and pages without any."""
    for language, site in FOREIGN.items():
        sentences = (files("data.miniweb") / "texts" / f"{language}.txt").read_text("utf-8").splitlines()
        for _ in range(FOREIGN_EACH):
            article = foreign(draft, sentences)
            spot = draft.spot(article.slug, [site])
            draft.serve(spot.url, draft.html(article, spot, lang=language))
            _refuse(draft, "other language", spot, "language")
    for _ in range(SHORT):
        article = short(draft)
        spot = draft.spot(article.slug)
        draft.serve(spot.url, draft.html(article, spot))
        _refuse(draft, "short page", spot, "too_short")
    for number in range(TEXTLESS):
        spot = draft.spot(f"gallery-of-the-week-{number + 1}")
        draft.serve(
            spot.url,
            '<!DOCTYPE html><html><head><title></title><script src="/app.js"></script></head>'
            '<body><div id="root"></div><script>start("#root")</script></body></html>',
        )
        _refuse(draft, "page without text", spot, "no_text", "unextractable")


def edited(draft: Draft, article: Article) -> Article:
    """The article with a few words changed here and there, never two of them close together."""
    budget = max(2, round(EDITED * article.words))
    words = [
        (i, j) for i, b in enumerate(article.blocks) for j, w in enumerate(b.text.split()) if w in SYNONYMS
    ]
    chosen: dict[int, list[int]] = {}
    for i, j in draft.rng.sample(words, len(words)):
        if (
            budget
            and article.blocks[i].kind == "paragraph"
            and all(abs(j - k) > 5 for k in chosen.get(i, []))
        ):
            chosen.setdefault(i, []).append(j)
            budget -= 1
    blocks = list(article.blocks)
    for i, places in chosen.items():
        text = blocks[i].text.split()
        for j in places:
            text[j] = SYNONYMS[text[j]]
        blocks[i] = blocks[i]._replace(text=" ".join(text))
    return replace(article, blocks=tuple(blocks))


def cousin(article: Article, other: Article) -> Article:
    """Most of one article, then enough of another one to be a text of its own."""
    blocks: list[Block] = []
    while article.blocks and sum(block.words for block in blocks) < SHARED * article.words:
        blocks.append(article.blocks[len(blocks)])
    wanted = sum(block.words for block in blocks) / SHARED
    for block in other.blocks:
        if sum(b.words for b in blocks) < wanted:
            blocks.append(block)
    return Article(other.title, tuple(blocks))


def encyclopedic(article: Article) -> Article:
    """The article as a site that copies Wikipedia would have it."""
    lead = [Block("paragraph", text) for text in WIKIPEDIA_LEAD]
    tail = [Block("paragraph", text.format(name=article.slug)) for text in WIKIPEDIA_TAIL]
    body = [b._replace(text=f"{b.text} [edit]") if b.kind == "heading" else b for b in article.blocks]
    history = [Block("heading", "History [edit]"), Block("heading", "References [edit]")]
    return replace(article, blocks=(*lead, *body, *history, *tail))


def foreign(draft: Draft, sentences: list[str]) -> Article:
    """Some of the sentences, in paragraphs of four."""
    chosen = draft.rng.sample(sentences, 24)
    paragraphs = [" ".join(chosen[i : i + 4]) for i in range(0, len(chosen), 4)]
    title = " ".join(chosen[0].rstrip(".").split()[:5])
    return Article(title, tuple(Block("paragraph", text) for text in paragraphs))


def short(draft: Draft) -> Article:
    """Forty to sixty-five words of an article, in few enough pieces to be too short for any Python's."""
    while True:
        article = draft.borrow()
        blocks: list[Block] = []
        for block in article.blocks:
            longer = Article("", (*blocks, block))
            if block.kind == "paragraph" and longer.words <= 65 and pieces(longer.text) <= SHORT_PIECES:
                blocks.append(block)
        if sum(block.words for block in blocks) >= 40:
            return Article(f"In brief: {article.slug[:20]}", tuple(blocks))


def pieces(text: str) -> int:
    """At least as many as GPT-2's split pattern makes of the text, which counts x86_64 as four."""
    return len(re.findall(r"[A-Za-z]+|[0-9]+|[^A-Za-z0-9 ]| (?!\S)", text))


def _copy(draft: Draft, kind: str, original: Original, article: Article, reason: str | None) -> None:
    sites = [site for site in SITES if site.template != original.spot.site.template]
    spot = draft.spot(article.slug, sites)
    draft.serve(spot.url, draft.html(article, spot))
    post = _later(draft, spot, original.posted)
    if reason is None:
        draft.expect(Planted(kind, spot.url, "kept", None), post)
    else:
        draft.expect(Planted(kind, spot.url, "duplicate", reason, of=original.spot.url), post)


def _later(draft: Draft, spot: Spot, posted: int) -> Post:
    moment = posted + draft.rng.randrange(DAY_S, 200 * DAY_S)
    return replace(draft.post_of(spot.url), created_utc=draft.free_second(moment))


def _refuse(draft: Draft, kind: str, spot: Spot, reason: str, state: str = "filtered") -> None:
    draft.expect(Planted(kind, spot.url, state, reason), draft.post_of(spot.url, spot.date))
