"""The page: every number is in the JSON, nothing from the web acts, a machine can read its structure."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from pipelines import audit
from webtext.corpus import Corpus
from webtext.progress import Progress

EVIL = (
    "<script>alert(1)</script>",
    "</title></style><img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus='alert(1)",
    "\u202ecod.exe\u2066<b>",
    "]]><!--",
    "&lt;script&gt;",
)
OUR_TAGS = """html head meta title style body a header p b bdi h1 dl div dt dd data small nav ul li main
    section h2 h3 figure figcaption span svg desc g rect path text tspan circle line details summary table
    caption thead tbody tr th td code article h4 pre script aside strong"""


class _Page(HTMLParser):
    """Tags with their attributes, and the text of each kind of tag."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, list[str]] = {}
        self._open = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.text.setdefault(self._open, []).append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def report(planted: Corpus) -> Path:
    return Path(audit.run(planted, None, Progress(quiet=True))["report"])


@pytest.fixture(scope="module")
def hostile(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report over a corpus in which every string is an attack."""
    links = []
    for number, evil in enumerate(EVIL):
        url = f"http://evil.example/{number}?{evil}"
        strings: dict[str, object] = {
            "title": evil,
            "text": evil * 9,
            "detail": evil,
            "language": evil,
            "domain": f"{evil}.example",
        }
        strings |= {"subreddits": (evil,), "content_type": evil, "charset": evil, "source": evil}
        links.append(plant.link(url, **strings))
        links.append(plant.link(f"{url}copy", "near", of=url, **strings))
        links.append(plant.link(f"javascript:alert({number})//{evil}", "language", **strings))
        links.append(plant.link(f"data:text/html,{evil}", "not_found", **strings))
    root = tmp_path_factory.mktemp("hostile") / "<script>alert(1)<"
    return Path(audit.run(plant.corpus(root, links), None, Progress(quiet=True))["report"])


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from _numbers(inner)
    elif isinstance(value, int | float):
        yield value


def test_every_number_of_the_page_is_in_the_json(report: Path) -> None:
    known = set(_numbers(json.loads(report.with_suffix(".json").read_text("utf-8"))))
    shown = [float(data["value"] or "") for data in _Page(report.read_text("utf-8")).all("data")]
    assert len(shown) > 200
    assert {value for value in shown if value not in known} == set()


def test_no_string_from_the_web_becomes_a_tag_or_a_script(hostile: Path) -> None:
    html = hostile.read_text("utf-8")
    page = _Page(html)
    assert {tag for tag, _ in page.tags} <= set(OUR_TAGS.split())
    assert len(page.all("script")) == 1
    assert "alert" not in "".join(page.text["script"])
    names = {name for _, attributes in page.tags for name in attributes}
    assert not {name for name in names if name.startswith("on") or name in ("style", "src", "autofocus")}


def test_only_web_addresses_are_links_and_they_give_nothing_away(hostile: Path) -> None:
    anchors = [a for a in _Page(hostile.read_text("utf-8")).all("a") if not str(a["href"]).startswith("#")]
    assert anchors
    assert all(str(a["href"]).startswith("http://evil.example/") for a in anchors)
    assert {a["rel"] for a in anchors} == {"noopener noreferrer nofollow"}


def test_no_character_that_turns_the_direction_of_text_is_in_the_page(hostile: Path) -> None:
    html = hostile.read_text("utf-8")
    assert "\\u202ecod.exe" in html
    assert not re.search("[\u202a-\u202e\u2066-\u2069]", html)


def test_the_charts_of_a_hostile_corpus_are_well_formed_and_hold_no_script(hostile: Path) -> None:
    charts = sorted(hostile.parent.glob("*.svg"))
    assert len(charts) == 9
    for chart in charts:
        tags = {node.tag for node in ElementTree.parse(chart).iter()}
        assert not tags & {"{http://www.w3.org/2000/svg}script", "{http://www.w3.org/2000/svg}a"}


def test_the_page_may_run_its_own_style_and_script_and_load_nothing(report: Path) -> None:
    html = report.read_text("utf-8")
    page = _Page(html)
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "url(" not in html
    assert not page.all("link") + page.all("img") + page.all("iframe")


def test_tables_and_charts_have_names_that_a_screen_reader_says(report: Path) -> None:
    page = _Page(report.read_text("utf-8"))
    assert len(page.all("caption")) == len(page.all("table"))
    assert {th.get("scope") for th in page.all("th")} == {"col", "row"}
    ids = {attributes["id"] for _, attributes in page.tags if attributes.get("id")}
    for svg in (svg for svg in page.all("svg") if svg.get("role") == "img"):
        assert set(str(svg["aria-labelledby"]).split()) <= ids
    assert all(svg.get("aria-hidden") == "true" for svg in page.all("svg") if svg.get("role") != "img")


def test_ids_are_unique_and_every_inner_link_leads_somewhere(report: Path) -> None:
    page = _Page(report.read_text("utf-8"))
    ids = [attributes["id"] for _, attributes in page.tags if attributes.get("id")]
    assert len(ids) == len(set(ids))
    assert {str(a["href"])[1:] for a in page.all("a") if str(a["href"]).startswith("#")} <= set(ids)


def test_headings_are_nested_without_a_gap(report: Path) -> None:
    levels = [int(tag[1]) for tag, _ in _Page(report.read_text("utf-8")).tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
