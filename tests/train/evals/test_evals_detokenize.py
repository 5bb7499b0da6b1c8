from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from train.evals.detokenize import ONE_BILLION, PTB, TREEBANK, WIKITEXT, Detokenizer

ALL = {"ptb": PTB, "wikitext": WIKITEXT, "1bw": ONE_BILLION, "treebank": TREEBANK}
MARKS = "'s n't ' '' `` ` \" ( ) -LRB- -RRB- @-@ @,@ @.@ , . : ; ! ? $ % # / -"
TOKENS = st.sampled_from(f"{MARKS} the cat 1,000 U.S. Mr. 3 <unk> can't a-b".split())


@pytest.mark.parametrize(
    ("detokenizer", "line", "text"),
    [
        (PTB, " it was n't the <unk> 's $ N ", "it wasn't the <unk>'s $N"),
        (
            WIKITEXT,
            ' He had a 1 @,@ 000 m guest @-@ star ( 3 @.@ 5 % ) role as " Craig " in " Teddy \'s Story " . ',
            'He had a 1,000 m guest-star (3.5%) role as "Craig" in "Teddy\'s Story".',
        ),
        (
            ONE_BILLION,
            'Mr Barofsky said the lawsuit wouldn \'t send a " powerful message " .',
            'Mr Barofsky said the lawsuit wouldn\'t send a "powerful message".',
        ),
        (
            TREEBANK,
            "`` ` I do n't see , ' said Udea -LRB- loudly -RRB- . ''",
            "\"'I don't see,' said Udea (loudly).\"",
        ),
        (WIKITEXT, " ", ""),
        (WIKITEXT, " the U.S. can't a-b ", "the U.S.  can't  a-b"),  # a second space: not taken apart
        (PTB, "no frame", "\tno frame"),
    ],
)
def test_a_line_reads_as_people_write_it(detokenizer: Detokenizer, line: str, text: str) -> None:
    assert detokenizer.detokenise(line) == text
    assert detokenizer.tokenise(text) == line


@pytest.mark.parametrize("name", ALL)
@given(st.lists(TOKENS, max_size=25))
def test_any_list_of_tokens_comes_back(name: str, tokens: list[str]) -> None:
    line = f"{ALL[name].frame}{' '.join(tokens)}{ALL[name].frame}"
    assert ALL[name].tokenise(ALL[name].detokenise(line)) == line


@pytest.mark.parametrize("name", ALL)
@given(st.text(st.characters(exclude_characters="\n")))
def test_any_line_at_all_comes_back(name: str, line: str) -> None:
    assert ALL[name].tokenise(ALL[name].detokenise(line)) == line


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("end", ["", "x"])
@pytest.mark.timeout(10)
def test_a_word_of_quotes_takes_time_by_its_length(name: str, end: str) -> None:
    line = ALL[name].frame + "'" * 200_000 + end + ALL[name].frame
    assert ALL[name].tokenise(ALL[name].detokenise(line)) == line


@pytest.mark.parametrize(
    ("detokenizer", "file", "joined"),
    [
        (PTB, "ptb/ptb.test.txt", 1_900),
        pytest.param(WIKITEXT, "wikitext-2/test.txt", 34_000, marks=pytest.mark.slow),
        (WIKITEXT, "wikitext-103/wiki.test.tokens", 34_000),
    ],
)
def test_a_whole_real_file_comes_back(shared: Path, detokenizer: Detokenizer, file: str, joined: int) -> None:
    lines = (shared / "evals" / file).read_text(encoding="utf-8").removesuffix("\n").split("\n")
    texts = [detokenizer.detokenise(line) for line in lines]
    assert [detokenizer.tokenise(text) for text in texts] == lines
    assert not any(text.startswith("\t") for text in texts)
    words = [sum(len(line.split()) for line in found) for found in (lines, texts)]
    assert words[0] - words[1] > joined  # tokens that no longer stand alone
