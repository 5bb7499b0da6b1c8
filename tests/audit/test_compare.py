"""`webtext audit --compare A B`: two corpora side by side, in one page and its JSON."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines import audit
from tests.audit.conftest import Planted
from tests.pipelines.chains import refused
from webtext import show
from webtext.audit import compare
from webtext.audit.rank_correlation import spearman
from webtext.audit.source import Source
from webtext.corpus import Corpus
from webtext.progress import Progress

QUIET = Progress(quiet=True)
LINK = Planted("")


@pytest.fixture(scope="module")
def pair(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Corpus]:
    """The planted corpus, and one without its news, but with another text of site 1 and a new domain."""
    folder, links = tmp_path_factory.mktemp("pair"), plant.links()
    other = [
        link for link in links if link.domain != "news.example" and not link.url.endswith("site.example/1")
    ]
    other += [plant.link("http://site.example/1", domain="site.example", text="Another. " * 50)]
    other += [plant.link(f"http://new.example/{n}", domain="new.example", language="de") for n in range(4)]
    return plant.corpus(folder / "one", links, karma=3), plant.corpus(folder / "two", other)


@pytest.fixture(scope="module")
def numbers(pair: tuple[Corpus, Corpus]) -> dict[str, Any]:
    return audit.compare(*pair, None, QUIET)


def row(rows: list[dict[str, Any]], **where: object) -> dict[str, Any]:
    (found,) = [row for row in rows if where.items() <= row.items()]
    return found


def test_totals_stand_side_by_side(numbers: dict[str, Any]) -> None:
    assert numbers["corpora"] == ["one", "two"]
    assert row(numbers["counts"], name="links") == {"name": "links", "a": 26, "b": 25}
    assert row(numbers["counts"], name="documents published") | {"name": ""} == {"name": "", "a": 12, "b": 14}
    assert row(numbers["counts"], name="tokens")["a"] == 2 * (550 + 2000)
    words, text = 2 * (550 + 2000), len(LINK.text)
    totals: dict[str, float] = {"submissions": 39, "pages fetched": 22, "texts passed": 16, "duplicates": 4}
    totals |= {"bytes of text": 12 * text, "tokens per document": words / 12}
    assert {name: row(numbers["counts"], name=name)["a"] for name in totals} == totals
    assert row(numbers["counts"], name="bytes per token")["a"] == round(12 * text / words, 3)


def test_corpora_of_one_name_are_told_apart_by_their_paths(plant: SimpleNamespace, tmp_path: Path) -> None:
    pair = [plant.corpus(tmp_path / year / "corpus", plant.links()[:3]) for year in ("2015", "2016")]
    found = audit.compare(pair[0], pair[1], None, QUIET)
    assert found["corpora"] == [str(tmp_path / "2015" / "corpus"), str(tmp_path / "2016" / "corpus")]


def test_links_and_documents_that_both_have_are_counted(numbers: dict[str, Any]) -> None:
    links = row(numbers["shared"], what="links")
    assert (links["both"], links["a_share"], links["b_share"]) == (21, round(21 / 26, 6), 0.84)
    assert row(numbers["shared"], what="published documents")["both"] == 10
    texts = row(numbers["shared"], what="texts")
    assert (texts["a"], texts["b"], texts["both"], texts["b_share"]) == (1, 2, 1, 0.5)


def test_every_reason_has_its_share_on_both_sides(numbers: dict[str, Any]) -> None:
    language = row(numbers["attrition"], reason="language")
    assert (language["table"], language["a"], language["b"]) == ("documents", 3, 3)
    assert language["a_share"] == round(3 / 22, 6)
    assert row(numbers["attrition"], reason="karma")["b"] == 0
    assert row(numbers["attrition"], reason="exact") | {"table": ""} == {
        "table": "",
        "reason": "exact",
        "a": 3,
        "b": 0,
        "a_share": round(3 / 16, 6),
        "b_share": 0.0,
    }


def test_domains_of_either_are_listed_for_both(numbers: dict[str, Any]) -> None:
    domains = numbers["domains"]
    assert (domains["of"], domains["distinct"], domains["in_both"]) == ("documents", [2, 2], 1)
    assert [(each["domain"], each["a"], each["b"]) for each in domains["top"]] == [
        ("site.example", 10, 10),
        ("new.example", 0, 4),
        ("news.example", 2, 0),
    ]
    assert row(domains["top"], domain="news.example")["a_share"] == round(2 / 12, 6)


def test_of_domains_the_largest_of_each_are_listed(
    pair: tuple[Corpus, Corpus], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare, "TOP", 1)
    links = compare.MEASURES["domains"](*(Source(corpus) for corpus in pair))
    assert [each["domain"] for each in links["top"]] == ["site.example"]
    assert (links["top"][0]["a_share"], links["distinct"]) == (round(10 / 12, 6), [2, 2])


def test_languages_and_lengths_are_compared_too(numbers: dict[str, Any]) -> None:
    assert row(numbers["languages"], language="de")["a"] == 0
    assert row(numbers["lengths"], measure="words_published", point="documents") | {"a": 0} == {
        "measure": "words_published",
        "point": "documents",
        "a": 0,
        "b": 14,
    }


def test_a_rare_language_of_one_corpus_is_not_missing_from_it(plant: SimpleNamespace, tmp_path: Path) -> None:
    """However many others are more frequent there."""
    rare = [plant.link("http://a.example/0", language="zu")]
    others = [plant.link(f"http://a.example/{n}", language=f"x{n // 2:02}") for n in range(2, 122)]
    one, two = plant.corpus(tmp_path / "one", rare), plant.corpus(tmp_path / "two", rare + others)
    zulu = row(audit.compare(one, two, None, QUIET)["languages"], language="zu")
    assert (zulu["a"], zulu["b"]) == (1, round(1 / 121, 6))


def test_the_page_and_the_json_are_files_and_say_the_same(
    pair: tuple[Corpus, Corpus], numbers: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    page = Path(numbers["report"])
    assert page == pair[0].root / "audit" / "compare.html"
    written = json.loads((page.parent / "compare.json").read_text())
    assert written | {"report": str(page)} == json.loads(json.dumps(numbers))
    html = page.read_text()
    assert all(title in html for title in ("What both have", "new.example", "Totals"))
    show.comparison(numbers)
    assert "documents published" in capsys.readouterr().out


def test_a_corpus_that_is_not_built_yet_has_no_numbers_there(
    plant: SimpleNamespace, pair: tuple[Corpus, Corpus], tmp_path: Path
) -> None:
    crawled = plant.corpus(tmp_path / "crawled", plant.links(), until="pages")
    numbers = audit.compare(pair[0], crawled, tmp_path / "out", QUIET)
    assert row(numbers["counts"], name="documents published")["b"] is None
    assert row(numbers["counts"], name="tokens")["b"] is None
    assert numbers["domains"]["of"] == "links"
    exact = row(numbers["attrition"], reason="exact")
    assert (exact["a"], exact["b"], exact["b_share"]) == (3, None, None)
    assert [each["what"] for each in numbers["shared"]] == ["links"]
    assert (tmp_path / "out" / "compare.html").exists()


def test_a_corpus_beside_itself_is_the_same(pair: tuple[Corpus, Corpus], tmp_path: Path) -> None:
    numbers = audit.compare(pair[0], pair[0], tmp_path, QUIET)
    assert all(each["a"] == each["b"] for each in numbers["counts"])
    assert all(each["a_share"] == 1 for each in numbers["shared"] if each["a"])
    assert numbers["domains"]["rank_correlation"] == 1
    assert numbers["recipes"] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "which CORPUS"),
        (("x", "--compare", "a", "b"), "names both corpora itself"),
        (("--compare", "a", "b", "--bloom"), "goes without"),
        (("--compare", "a", "b", "--webtext-domains", "f"), "goes without"),
        (("--compare", "a", "b"), "a: does not exist"),
        (("--compare", "a"), "--compare"),
    ],
)
def test_a_mistake_is_told(arguments: tuple[str, ...], said: str) -> None:
    assert said in refused("audit", *arguments)


def test_spearmans_correlation_gives_equal_values_their_mean_rank() -> None:
    assert spearman([1, 2, 3], [10, 20, 30]) == 1
    assert spearman([1, 2, 3], [3, 2, 1]) == -1
    assert spearman([1, 2, 2, 4], [1, 3, 2, 4]) == 0.9487
    assert spearman([1, 1], [1, 2]) is None and spearman([1], [1]) is None
