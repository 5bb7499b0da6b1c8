"""The page: one self-contained HTML file, made of the report's numbers and nothing else."""

import base64
import hashlib
from importlib import resources
from typing import Any

import tomli_w

from webtext.audit.blocks import Figure, folded, prose, render
from webtext.audit.figures import number, percent
from webtext.audit.markup import Child, Markup, element, foreign, join
from webtext.audit.section import Numbers, Section
from webtext.audit.sections import SECTIONS


def page(numbers: Numbers) -> tuple[str, dict[str, str]]:
    """The HTML page, and every chart of it as the text of an SVG file, by name."""
    shown = [section for section in SECTIONS if section.name in numbers]
    bodies: list[Markup] = []
    charts: dict[str, str] = {}
    for section in shown:
        blocks = section.view(numbers[section.name])
        charts |= {block.name: standalone(block) for block in blocks if isinstance(block, Figure)}
        bodies.append(_section(section, join(render(block) for block in blocks)))
    main = element("main", _missing(numbers["missing"]), bodies, _recipe(numbers["recipe"]), id="main")
    body = element(
        "body",
        element("a", "Skip to the report", href="#main", class_="skip"),
        _header(numbers),
        element("div", _contents(shown), main, class_="columns"),
        element("script", _own("report.js")),
    )
    title = f"{numbers['corpus']}: webtext audit"
    return f"<!doctype html>\n{element('html', _head(title), body, lang='en')}\n", charts


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


def _contents(shown: list[Section]) -> Markup:
    links = [element("li", element("a", section.title, href=f"#{section.name}")) for section in shown]
    links.append(element("li", element("a", "Recipe", href="#recipe")))
    return element("nav", element("ul", links), aria_label="Sections")


def _missing(missing: list[dict[str, str]]) -> Child:
    if not missing:
        return None
    lines = [element("li", prose(row["sentence"])) for row in missing]
    return element(
        "aside", element("strong", "Not in this report yet"), element("ul", lines), class_="missing"
    )


def _section(section: Section, blocks: Markup) -> Markup:
    heading = element("h2", section.title, id=f"{section.name}-heading")
    grid = element("div", blocks, class_="grid")
    return element("section", heading, grid, id=section.name, aria_labelledby=f"{section.name}-heading")


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
