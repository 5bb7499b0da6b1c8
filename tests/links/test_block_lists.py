"""Block lists: names, files, and those that come with the product."""

from pathlib import Path

import pytest

from webtext.errors import UserError
from webtext.links.blocklists import resolve
from webtext.sections import Links


def test_builtin_lists_hold_what_their_names_say() -> None:
    assert {"reddit.com", "redd.it"} <= resolve(["builtin:reddit"], "domains")
    assert {"imgur.com", "youtube.com"} <= resolve(["builtin:media"], "domains")
    assert "wikipedia.org" in resolve(["builtin:wikipedia"], "domains")
    assert {".jpg", ".mp4", ".pdf"} <= resolve(["builtin:media"], "extensions")
    for name in ("adult", "automated", "offensive"):
        assert resolve([f"builtin:{name}"], "subreddits")


def test_the_default_recipes_lists_exist() -> None:
    links = Links()
    assert resolve(links.domains_blocked, "domains") and resolve(links.extensions_blocked, "extensions")


def test_none_of_webtexts_published_domains_is_a_builtin_media_domain(shared: Path) -> None:
    lines = (shared / "webtext" / "domains.txt").read_text("utf-8").splitlines()
    published = {line.split()[-1] for line in lines}
    blocked = {name.split(".")[0] for name in resolve(["builtin:media"], "domains") if name.count(".") == 1}
    assert not blocked & published


def test_no_list_blocks_everything_or_nothing_by_mistake() -> None:
    assert resolve([], "domains") == frozenset()


def test_an_unknown_builtin_list_is_an_error_that_names_those_there_are() -> None:
    with pytest.raises(UserError, match="builtin:media, builtin:reddit"):
        resolve(["builtin:nonsense"], "domains")


def test_a_file_is_a_name_a_line_with_comments(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text("# my list\nExample.COM  # with a comment\n\n*.bücher.example\n")
    assert resolve([str(file)], "domains") == {"example.com", "xn--bcher-kva.example"}


def test_names_are_compared_in_one_spelling() -> None:
    assert resolve(["*.Imgur.com", "127.1"], "domains") == {"imgur.com", "127.0.0.1"}
    assert resolve(["/r/AskReddit", "r/Pics", "funny"], "subreddits") == {"askreddit", "pics", "funny"}
    assert resolve(["JPG", ".Mp4", "*.pdf"], "extensions") == {".jpg", ".mp4", ".pdf"}


@pytest.mark.parametrize(
    ("entry", "kind"),
    [("no/such/file", "domains"), ("lists.txt", "subreddits"), ("a b", "domains"), ("tar.gz", "extensions")],
)
def test_what_is_neither_name_nor_file_is_an_error_that_names_it(entry: str, kind: str) -> None:
    with pytest.raises(UserError, match=entry):
        resolve([entry], kind)  # type: ignore[arg-type]
