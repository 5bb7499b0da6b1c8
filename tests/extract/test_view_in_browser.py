"""The debugging view in a real browser."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.extract.web import english
from webtext.extract.page import Page
from webtext.extract.view import side_by_side
from webtext.sections import Extract

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


@pytest.fixture
def browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"no browser: install one of {', '.join(BROWSERS)} to run this test")
    return found


def test_all_blocks_of_a_long_page_are_printed(browser: str, tmp_path: Path) -> None:
    body = english().replace(b"<article>", b"<article>" + b"<p>A paragraph of a page that is long.</p>" * 300)
    view = side_by_side((Page(body, "http://a.example.org/"), Extract()), lambda *_: None)
    assert view is not None
    shown, printed = tmp_path / "view.html", tmp_path / "view.pdf"
    shown.write_text(view)
    paper = [f"--print-to-pdf={printed}", f"--user-data-dir={tmp_path / 'profile'}"]
    subprocess.run([browser, *FLAGS.split(), *paper, shown.as_uri()], timeout=60, check=True)
    assert len(re.findall(rb"/Type /Page\b", printed.read_bytes())) > 5
