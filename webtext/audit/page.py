"""The page: one self-contained HTML file, made of the report's numbers and nothing else."""

import base64
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from typing import Any

import tomli_w

from webtext.audit.blocks import Block, Figure, folded, prose, render
from webtext.audit.figures import number, percent
from webtext.audit.markup import Child, Markup, element, foreign, join
from webtext.audit.section import Numbers
from webtext.audit.sections import SECTIONS


def page(numbers: Numbers) -> tuple[str, dict[str, str]]:
    """The HTML page, and every chart of it as the text of an SVG file, by name."""
    shown = [section for section in SECTIONS if section.name in numbers]
    bodies: list[Child] = [_missing(numbers["missing"])]
    charts: dict[str, str] = {}
    for section in shown:
        blocks = section.view(numbers[section.name])
        charts |= {block.name: standalone(block) for block in blocks if isinstance(block, Figure)}
        bodies.append(titled(section.name, section.title, blocks))
    bodies.append(_recipe(numbers["recipe"]))
    contents = {section.name: section.title for section in shown} | {"recipe": "Recipe"}
    return document(f"{numbers['corpus']}: webtext audit", _header(numbers), contents, bodies), charts


def document(title: str, header: Markup, contents: Mapping[str, str], bodies: Sequence[Child]) -> str:
    """A whole page; `contents` are the titles of its sections by their anchors."""
    links = [element("li", element("a", title, href=f"#{name}")) for name, title in contents.items()]
    nav = element("nav", element("ul", links), aria_label="Sections")
    body = element(
        "body",
        element("a", "Skip to the report", href="#main", class_="skip"),
        header,
        element("div", nav, element("main", bodies, id="main"), class_="columns"),
        element("script", _own("report.js")),
    )
    return f"<!doctype html>\n{element('html', _head(title), body, lang='en')}\n"


def titled(name: str, title: str, blocks: Iterable[Block]) -> Markup:
    """A section of a page."""
    heading = element("h2", title, id=f"{name}-heading")
    grid = element("div", join(render(block) for block in blocks), class_="grid")
    return element("section", heading, grid, id=name, aria_labelledby=f"{name}-heading")


def _head(title: str) -> Markup:
    style, script = _own("chart.css", "report.css"), _own("report.js")
    # The page may run its own script and style and load nothing at all, whatever a crawled text contains.
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", style),
    )


def _header(numbers: Numbers) -> Markup:
    tiles = [
        element(
            "div", element("dt", row["name"]), element("dd", number(row["count"]), _of(row)), class_="tile"
        )
        for row in numbers["summary"]
    ]
    return element(
        "header",
        element(
            "p", "webtext audit · recipe ", element("b", foreign(numbers["recipe"]["name"])), class_="kicker"
        ),
        element("h1", foreign(numbers["corpus"])),
        element("dl", tiles, class_="tiles"),
    )


def _of(row: dict[str, Any]) -> Child:
    return element("small", percent(row["share"]), f" of {row['of']}") if row["of"] else None


def _missing(missing: list[dict[str, str]]) -> Child:
    if not missing:
        return None
    lines = [element("li", prose(row["sentence"])) for row in missing]
    return element(
        "aside", element("strong", "Not in this report yet"), element("ul", lines), class_="missing"
    )


def _recipe(recipe: dict[str, Any]) -> Markup:
    known = {
        name: {key: value for key, value in section.items() if value is not None}
        if isinstance(section, dict)
        else section
        for name, section in recipe.items()
    }
    toml = element("pre", tomli_w.dumps(known), tabindex=0, aria_label="The recipe as TOML")
    return element(
        "section", element("h2", "Recipe"), folded("What the corpus was made with", toml), id="recipe"
    )


def standalone(figure: Figure) -> str:
    """The chart as a file of its own: its style goes with it."""
    style = element("style", _own("chart.css"))
    head, body = figure.svg.split(">", 1)
    return f"{head}>{style}{body}\n"


def _own(*names: str) -> Markup:
    """A style or script that ships beside this file; nothing else may go into the page unescaped."""
    folder = resources.files("webtext.audit")
    return Markup("\n".join(folder.joinpath(name).read_text("utf-8") for name in names))


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
