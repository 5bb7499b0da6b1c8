"""The page in a real browser: silent console, sortable tables, no sideways scrolling on a phone."""

import re
import shutil
import subprocess
from html import escape
from importlib import resources
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import audit
from webtext.audit.blocks import heading, numeric, table
from webtext.audit.figures import number
from webtext.progress import Progress

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Nothing but the page itself may be fetched, from anywhere.
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --dump-dom"
)
ACT = "document.title='broken in'"
EVIL = f'<img src=x onerror="{ACT}"></style></script><script>{ACT}</script>'


@pytest.fixture(scope="module")
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: install one of {', '.join(BROWSERS)} to run this test")
    return found


@pytest.fixture(scope="module")
def page(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the planted corpus and some hostile links."""
    evil = [
        plant.link(
            f"http://evil.example/{n}?{EVIL}", title=EVIL, text=EVIL * 9, charset=EVIL, subreddits=(EVIL,)
        )
        for n in range(12)
    ]
    folder = tmp_path_factory.mktemp("browser")
    corpus = plant.corpus(folder / "planted", [*plant.links(), *evil], karma=30)
    test, listed = folder / "test<b>.txt", folder / "domains.txt"
    test.write_text(EVIL * 9)
    listed.write_text("600 site\n400 nytimes\n")
    against = audit.Against((str(test),), listed)
    audit.compare(corpus, corpus, None, Progress(quiet=True))
    return Path(audit.run(corpus, None, Progress(quiet=True), against)["report"])


def _rendered(browser: str, page: Path, profile: Path, *flags: str) -> tuple[str, list[str]]:
    """The page's DOM after its script ran, and what was said on the console."""
    command = [browser, *FLAGS.split(), f"--user-data-dir={profile}", *flags, page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def _framed(page: Path, folder: Path, width: int, script: str) -> Path:
    """The page in a frame, beside a script: a window cannot be as narrow as a phone; a frame in it can."""
    html = escape(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text("utf-8")))
    frame = f'<iframe style="border: 0; width: {width}px; height: 9000px" srcdoc="{html}"></iframe>'
    trial = folder / "trial.html"
    trial.write_text(f"<!doctype html>{frame}<script>{script}</script>", "utf-8")
    return trial


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_renders_without_a_word_on_the_console_and_no_hostile_string_acts(
    browser: str, page: Path, tmp_path: Path, scheme: str
) -> None:
    flags = ["--blink-settings=preferredColorScheme=0"] if scheme == "dark" else []
    dom, said = _rendered(browser, page, tmp_path / "profile", *flags)
    assert said == []
    assert "<title>planted: webtext audit</title>" in dom
    assert dom.count("<script") == 1
    assert "</html>" in dom


def test_a_chart_opens_as_a_file_of_its_own(browser: str, page: Path, tmp_path: Path) -> None:
    dom, said = _rendered(browser, page.with_name("attrition.svg"), tmp_path / "profile")
    assert said == []
    assert "What became of every submission" in dom
    assert "parsererror" not in dom


def test_the_script_gives_every_table_buttons_that_sort(browser: str, page: Path, tmp_path: Path) -> None:
    dom, _ = _rendered(browser, page, tmp_path / "profile")
    assert dom.count('<button type="button">') > 40


CLICK_AND_TELL = """
for (const column of [1, 1, 0]) {
  document.querySelectorAll("button")[column].click();
  const order = [...document.querySelectorAll("tbody th")].map((cell) => cell.textContent).join("");
  const sorted = [...document.querySelectorAll("thead th")].map((head) => head.ariaSort);
  document.documentElement.lang += `${order} ${sorted.join(" ")};`;
}
"""


def test_a_click_sorts_numbers_from_the_largest_and_names_from_a(browser: str, tmp_path: Path) -> None:
    rows = [("b", number(9)), ("c", number(1000)), ("a", number(None))]
    script = resources.files("webtext.audit").joinpath("report.js").read_text("utf-8")
    trial = tmp_path / "trial.html"
    body = table("Trial", [heading("Name"), numeric("Count")], rows)
    trial.write_text(f"<!doctype html>{body}<script>{script}{CLICK_AND_TELL}</script>", "utf-8")
    dom, said = _rendered(browser, trial, tmp_path / "profile")
    assert said == []
    assert re.findall(r'lang="([^"]*)"', dom) == ["cba  descending;abc  ascending;abc ascending ;"]


MEASURE = """
addEventListener("load", () => {
  const inner = document.querySelector("iframe").contentDocument.documentElement;
  document.documentElement.lang = `${inner.scrollWidth} in ${inner.clientWidth}`;
});
"""


def test_two_corpora_side_by_side_say_nothing_on_the_console(
    browser: str, page: Path, tmp_path: Path
) -> None:
    dom, said = _rendered(browser, page.with_name("compare.html"), tmp_path / "profile")
    assert said == []
    place = page.parents[1]
    assert place.name == "planted"
    assert f"<title>{place} and {place}: webtext audit</title>" in dom


# The smallest text that a chart shows, in the page's pixels.
SMALLEST = """
addEventListener("load", () => {
  const inner = document.querySelector("iframe").contentDocument;
  const sizes = [...inner.querySelectorAll(".chart text")].map((text) => {
    const svg = text.ownerSVGElement;
    return parseFloat(getComputedStyle(text).fontSize) * svg.clientWidth / svg.viewBox.baseVal.width;
  });
  document.documentElement.lang = Math.min(...sizes).toFixed(1);
});
"""


@pytest.mark.parametrize("width", [360, 800, 1400])
def test_a_charts_text_can_be_read(browser: str, page: Path, tmp_path: Path, width: int) -> None:
    trial = _framed(page, tmp_path, width, SMALLEST)
    dom, _ = _rendered(browser, trial, tmp_path / "profile")
    assert float(re.findall(r'lang="([\d.]+)"', dom)[0]) >= 9


@pytest.mark.parametrize(
    ("name", "width"),
    [("report.html", 320), ("report.html", 1600), ("compare.html", 320)],
)
def test_the_page_never_scrolls_sideways(
    browser: str, page: Path, tmp_path: Path, name: str, width: int
) -> None:
    trial = _framed(page.with_name(name), tmp_path, width, MEASURE)
    dom, _ = _rendered(browser, trial, tmp_path / "profile", "--hide-scrollbars")
    needed, has = re.findall(r'lang="(\d+) in (\d+)"', dom)[0]
    assert has == str(width)
    assert needed == has
