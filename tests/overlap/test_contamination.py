"""Which example of some test sets a document overlaps most, against plain sets of 8-grams."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from webtext.overlap.contamination import Match, TestSets

Grams = set[tuple[str, ...]]

# of pieces of one text, so that 8-grams are repeated, shared by examples, and overlaps are equal
WORDS = "abcdefghijklmnop"
pieces = st.builds(lambda begin, size: WORDS[begin : begin + size], st.integers(0, 5), st.integers(8, 11))
texts = st.lists(
    st.lists(pieces, max_size=3).map(lambda some: " ".join("".join(some))), min_size=1, max_size=4
)


def grams(text: str) -> Grams:
    words = text.split()
    return {tuple(words[at : at + 8]) for at in range(len(words) - 7)}


def best(document: Grams, examples: list[Grams]) -> Match | None:
    """The highest share, of equal ones the one with more in common, of those the first."""
    found: Match | None = None
    for number, one in enumerate(examples, 1):
        shared = len(document & one)
        if not shared:
            continue
        overlap = round(shared / min(len(document), len(one)), 4)
        if found is None or (overlap, shared) > (found.overlap, found.shared):
            found = Match("t.jsonl", number, shared, overlap)
    return found


@given(texts, texts)
@example([" ".join(WORDS[:8]), " ".join(WORDS[:9])], [" ".join(WORDS)])  # both whole: more in common
def test_it_agrees_with_sets(
    tmp_path_factory: pytest.TempPathFactory, examples: list[str], documents: list[str]
) -> None:
    path = tmp_path_factory.getbasetemp() / "t.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in examples))
    expected = [best(grams(text), list(map(grams, examples))) for text in documents]
    assert list(TestSets([path]).matches(documents)) == expected
