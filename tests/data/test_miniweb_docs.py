"""Documentation is read from a Python without running it, and becomes prose."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from data.miniweb.articles import Article
from data.miniweb.assembly import TooLittleDocumentation, build
from data.miniweb.prose import Block, blocks_of
from data.miniweb.pydocs import Doc, library_docs

HONEST = '''"""A module."""
class Kind:
    """A class."""
    def do(self):
        """A method."""
'''
QUIET = """NAME = "no docstring"
class Kind:
    x = "none here"
    def do(self):
        return "none"
"""
LIBRARY = {
    "honest.py": HONEST,
    "quiet.py": QUIET,
    "violent.py": '"""Not to be run."""\nraise SystemExit("it was run")\n',
    "broken.py": "def (:\n",
    "package/__init__.py": '"""A package."""\n',
    "package/inner.py": '"""A module in a package."""\n',
    "test/regression.py": '"""A test."""\n',
}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, source in LIBRARY.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(source)
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr("data.miniweb.pydocs.COMPILED", ("no_such_module",))


@pytest.mark.usefixtures("library")
def test_docstrings_of_modules_classes_and_methods_are_found() -> None:
    docs = [doc for doc in library_docs() if doc.module == "honest"]
    assert docs == [
        Doc("honest", "", "A module."),
        Doc("honest", "Kind", "A class."),
        Doc("honest", "Kind.do", "A method."),
    ]


@pytest.mark.usefixtures("library")
def test_strings_that_are_no_docstrings_are_not_taken_for_any() -> None:
    assert not [doc for doc in library_docs() if doc.module == "quiet"]


@pytest.mark.usefixtures("library")
def test_a_module_is_read_without_being_run() -> None:
    assert Doc("violent", "", "Not to be run.") in list(library_docs())


@pytest.mark.usefixtures("library")
def test_packages_are_read_and_tests_are_not() -> None:
    modules = {doc.module for doc in library_docs()}
    assert modules == {"honest", "violent", "package", "package.inner"}


def test_building_imports_no_module_that_could_open_a_window_or_a_browser() -> None:
    program = (
        "import sys; from data.miniweb import build; build();"
        "feared = ('antigravity', 'this', 'turtle', 'tkinter', 'idlelib', 'webbrowser');"
        "print([name for name in feared if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_python_without_documentation_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.miniweb.assembly.all_docs", lambda: iter(()))
    with pytest.raises(TooLittleDocumentation, match="use a complete Python, without -OO"):
        build()


def test_a_paragraph_is_one_line_of_prose_without_markup() -> None:
    assert blocks_of("Return the ``value`` that\n    :func:`open` has *given* to us.\n") == [
        Block("paragraph", "Return the value that open has given to us.")
    ]


def test_an_example_stays_code_with_its_lines() -> None:
    assert blocks_of(">>> 1 +\\\n... 1\n2\n") == [Block("code", ">>> 1 +\\\n... 1\n2")]


def test_a_list_becomes_items() -> None:
    assert blocks_of("- the first of them\n- the second one\n  goes on") == [
        Block("item", "the first of them"),
        Block("item", "the second one goes on"),
    ]


def test_tables_rulers_and_signatures_are_left_out() -> None:
    table = "name      what it is for\nother     what else it does\n"
    docstring = f"{table}\n=====\n\nopen(file, mode) -> the file object\n"
    assert blocks_of(docstring) == []


def test_articles_are_of_a_length_that_people_read(articles: list[Article]) -> None:
    assert all(200 <= article.words <= 3000 for article in articles)


def test_there_are_some_four_hundred_articles_of_two_megabytes(articles: list[Article]) -> None:
    assert 350 <= len(articles) <= 550
    assert sum(len(article.text) for article in articles) >= 1_800_000


def test_articles_are_mostly_prose(articles: list[Article]) -> None:
    words = sum(article.words for article in articles)
    code = sum(block.words for article in articles for block in article.blocks if block.kind == "code")
    assert code <= 0.1 * words


def test_no_two_articles_have_one_title(articles: list[Article]) -> None:
    assert len({article.title for article in articles}) == len(articles)


def test_no_paragraph_is_in_two_articles(articles: list[Article]) -> None:
    paragraphs = [b.text for a in articles for b in a.blocks if b.kind == "paragraph" and b.words >= 20]
    assert len(set(paragraphs)) == len(paragraphs)
