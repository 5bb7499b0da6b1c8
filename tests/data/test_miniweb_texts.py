"""What an extractor gets out of the mini web's pages is what was put in."""

from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import combinations
from urllib.parse import urljoin

import pytest
import trafilatura
from hypothesis import given
from hypothesis import strategies as st
from langdetect import DetectorFactory, detect_langs

from data.miniweb import MiniWeb, Planted
from data.miniweb.articles import Article
from data.miniweb.plant_articles import pieces
from data.miniweb.render import TEMPLATES, page_of
from webtext.pretokens import PRETOKENS

# Phrases of the templates' furniture: none of them may come back as main text.
FURNITURE = (
    "Accept all cookies", "About this blog", "Share this post", "tidy desk", "rainy island", "paper crane",
    "Subscribe now", "too much tea", "general index", "Installing on a toaster", "Quick search",
    "Created using",
    "privacy settings", "one penny a week", "Advertisement", "pigeon post", "More stories", "harbour master",
    "curious seals", "recycled electrons", "Board index", "Register an account", "Post a reply",
    "Keeper of the teapot", "Who is online", "elderly board program",
)  # fmt: skip
TRACES = (
    "From Wikipedia, the free encyclopedia",
    "[edit]",
    "This article needs additional citations for verification",
    "Text is available under the Creative Commons Attribution-ShareAlike License",
    "Categories:",
)

Texts = dict[str, str]


def extract(page: str | bytes) -> str:
    return trafilatura.extract(page, favor_recall=True, include_comments=False, include_tables=True) or ""


def shingles(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[i : i + 5]) for i in range(len(words) - 4)}


def jaccard(a: str, b: str) -> float:
    left, right = shingles(a), shingles(b)
    return len(left & right) / len(left | right)


def shown(article: Article, template: str) -> str:
    site = {"url": "http://www.a-site.com/a", "site": "A Site", "author": "mossy", "date": "2014-03-02"}
    return extract(page_of(article, template, **site))


@pytest.fixture(scope="module")
def texts(web: MiniWeb) -> Texts:
    """The extracted text behind every link to an HTML page that is answered in the end, by the link's URL."""
    found: Texts = {}
    for planted in web.planted:
        if planted.state == "unfetched":
            continue
        url = planted.url
        while location := dict(web.pages[url].headers).get("Location"):
            url = urljoin(url, location)
        headers = dict(web.pages[url].headers)
        if headers["Content-Type"].startswith("text/html") and "Content-Encoding" not in headers:
            found[planted.url] = extract(web.pages[url].body)
    return found


@pytest.fixture(scope="module")
def of_kind(web: MiniWeb, texts: Texts) -> Callable[[str], list[Planted]]:
    return lambda kind: [p for p in web.planted if p.kind == kind and p.url in texts]


@pytest.fixture(scope="module")
def similarities(web: MiniWeb, texts: Texts) -> list[tuple[set[str], float]]:
    """The kinds and the Jaccard similarity of every two kept texts that share a shingle."""
    kept = [p for p in web.planted if p.state == "kept" and p.url in texts]
    sets = [shingles(texts[p.url]) for p in kept]
    places = defaultdict(list)
    for number, found in enumerate(sets):
        for shingle in found:
            places[shingle].append(number)
    shared = Counter(pair for numbers in places.values() for pair in combinations(numbers, 2))
    return [
        ({kept[a].kind, kept[b].kind}, common / (len(sets[a]) + len(sets[b]) - common))
        for (a, b), common in shared.items()
    ]


@pytest.mark.parametrize("template", TEMPLATES)
def test_the_words_of_an_article_come_back(template: str, articles: list[Article]) -> None:
    for article in articles[::10]:
        words = Counter(f"{article.title} {article.text}".split())
        found = words & Counter(shown(article, template).split())
        assert found.total() >= 0.95 * words.total(), article.title


def test_the_furniture_of_a_site_does_not_come_back(texts: Texts) -> None:
    assert not [(url, phrase) for url, text in texts.items() for phrase in FURNITURE if phrase in text]


def test_every_template_gives_the_same_text(articles: list[Article]) -> None:
    for article in articles[::20]:
        assert len({" ".join(shown(article, template).split()) for template in TEMPLATES}) == 1


def test_an_exact_mirror_has_the_same_text(texts: Texts, of_kind: Callable[[str], list[Planted]]) -> None:
    mirrors = of_kind("exact mirror")
    assert len(mirrors) >= 3
    assert all(texts[p.url].split() == texts[p.of or ""].split() for p in mirrors)


def test_a_near_duplicate_is_safely_above_the_threshold(
    texts: Texts, of_kind: Callable[[str], list[Planted]]
) -> None:
    similarities = [jaccard(texts[p.url], texts[p.of or ""]) for p in of_kind("near duplicate")]
    assert len(similarities) >= 3
    assert all(0.87 <= similarity < 1 for similarity in similarities)


def test_texts_that_are_not_planted_as_copies_are_safely_below_the_threshold(
    similarities: list[tuple[set[str], float]],
) -> None:
    assert all(similarity < (0.7 if "cousin" in kinds else 0.6) for kinds, similarity in similarities)


def test_cousins_share_much(similarities: list[tuple[set[str], float]]) -> None:
    close = [similarity for kinds, similarity in similarities if "cousin" in kinds]
    assert sum(similarity > 0.4 for similarity in close) >= 3


def test_pages_in_another_language_are_surely_in_it(
    texts: Texts, of_kind: Callable[[str], list[Planted]]
) -> None:
    DetectorFactory.seed = 0
    best = [detect_langs(texts[p.url])[0] for p in of_kind("other language")]
    assert Counter(guess.lang for guess in best) == {"de": 3, "fr": 3, "es": 3}
    assert all(guess.prob > 0.99 for guess in best)


def test_pages_in_another_language_are_long_enough_for_the_other_filters(
    texts: Texts, of_kind: Callable[[str], list[Planted]]
) -> None:
    assert all(len(texts[p.url].split()) >= 200 for p in of_kind("other language"))


def test_kept_pages_are_surely_english(web: MiniWeb, texts: Texts) -> None:
    DetectorFactory.seed = 0
    kept = [texts[p.url] for p in web.planted if p.state == "kept" and p.url in texts]
    for text in kept[::8]:
        best = detect_langs(text[:1500])[0]
        assert (best.lang, best.prob > 0.8) == ("en", True), text[:200]


def test_short_pages_are_short_and_have_some_text(
    texts: Texts, of_kind: Callable[[str], list[Planted]]
) -> None:
    for planted in of_kind("short page"):
        assert 40 <= len(texts[planted.url].split()) <= 80
        assert len(PRETOKENS.findall(texts[planted.url])) < 120


@given(st.text(st.sampled_from("aZé19_-.'(\n \u00a0\u2028½") | st.characters(), max_size=40))
def test_the_pieces_of_a_short_page_are_counted_on_the_safe_side(text: str) -> None:
    assert pieces(text) >= len(PRETOKENS.findall(text))


def test_a_page_without_text_gives_nothing(texts: Texts, of_kind: Callable[[str], list[Planted]]) -> None:
    assert [texts[p.url] for p in of_kind("page without text")] == [""] * 3


def test_a_wikipedia_mirror_shows_where_it_comes_from(
    texts: Texts, of_kind: Callable[[str], list[Planted]]
) -> None:
    mirrors = of_kind("Wikipedia mirror")
    assert len(mirrors) == 3
    assert all(trace in texts[p.url] for p in mirrors for trace in TRACES)


def test_no_other_text_looks_like_a_wikipedia_mirror(web: MiniWeb, texts: Texts) -> None:
    others = [texts[p.url] for p in web.planted if p.state == "kept" and p.url in texts]
    assert not [trace for text in others for trace in TRACES if trace in text]


def test_a_page_in_another_character_set_is_read_to_the_letter(
    texts: Texts, of_kind: Callable[[str], list[Planted]]
) -> None:
    pages = of_kind("other character set")
    assert len(pages) >= 6
    assert all(p.contains and p.contains in texts[p.url] for p in pages)
