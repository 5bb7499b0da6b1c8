import bz2
import hashlib
import json
import re
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from train.errors import TrainError
from train.evals import examples, questions, texts
from train.evals.questions import Cloze, Ending
from train.evals.tasks import TASKS
from train.evals.texts import Source


def test_a_missing_file_is_named_with_where_to_get_it(tmp_path: Path) -> None:
    source = Source(("cbt/valid.txt", "valid*.txt"), "example.org/cbt")
    with pytest.raises(TrainError, match=r"has no cbt/valid.txt or valid\*.txt: get it from example.org/cbt"):
        source.find(tmp_path)
    (tmp_path / "valid_2000.txt").touch()
    assert source.find(tmp_path).name == "valid_2000.txt"


def test_a_set_of_several_files_has_another_digest_when_one_of_them_changes(tmp_path: Path) -> None:
    (tmp_path / "src.fr").write_text("un")
    (tmp_path / "ref.en").write_text("one")
    alone, both = Source((), ""), Source((), "", together=True)
    before = [source.digest(tmp_path / "src.fr") for source in (alone, both)]
    (tmp_path / "ref.en").write_text("two")
    after = [source.digest(tmp_path / "src.fr") for source in (alone, both)]
    assert before[0] == after[0] and before[1] != after[1]


def test_files_that_changed_their_names_are_another_set_and_the_order_of_a_folder_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "src.fr").write_text("un")
    (tmp_path / "src.en").write_text("one")
    before, listed = texts.digest(tmp_path), Path.rglob
    monkeypatch.setattr(Path, "rglob", lambda folder, name: [*listed(folder, name)][::-1])
    assert texts.digest(tmp_path) == before
    (tmp_path / "src.fr").rename(tmp_path / "x")
    (tmp_path / "src.en").rename(tmp_path / "src.fr")
    (tmp_path / "x").rename(tmp_path / "src.en")
    assert texts.digest(tmp_path) != before


def test_of_the_places_of_a_set_the_first_is_taken_and_of_its_names_the_first_file(tmp_path: Path) -> None:
    source = Source(("set/*.txt", "valid.txt"), "example.org")
    (tmp_path / "set" / "a.txt").mkdir(parents=True)
    (tmp_path / "valid.txt").touch()
    assert source.find(tmp_path).name == "valid.txt"
    for name in ("c.txt", "b.txt"):
        (tmp_path / "set" / name).touch()
    assert source.find(tmp_path).name == "b.txt"


def named(task: str) -> Callable[[Path], Any]:
    """The task's reader, of a file in JSON lines."""
    return lambda path: TASKS[task].read(path.rename(path.with_suffix(".jsonl")))


def winograd_xml(path: Path) -> Any:
    return questions.winograd(path.rename(path.with_suffix(".xml")), 1)


def translations(path: Path) -> Any:
    (path.parent / "newstest2014-fren-ref.en").write_text("one\ntwo\n")
    return examples.parallel(path.rename(path.with_name("newstest2014-fren-src.fr")), "fr", "en")


def schema(answers: int, correct: str) -> str:
    told = "<answer> Ann\n</answer>" * answers
    return f"<c><schema><answers>{told}</answers><correctAnswer>{correct}</correctAnswer></schema></c>"


def talk(story: object = "A", questions: int = 1, answers: int = 1) -> str:
    asked, said = [{"input_text": "Who?"}] * questions, [{"input_text": "He"}] * answers
    return json.dumps({"data": [{"story": story, "questions": asked, "answers": said}]})


def row(**other: object) -> str:
    """A line of hellaswag_val.jsonl."""
    usual = {"activity_label": "Cook", "ctx_a": "He cooks.", "ctx_b": "he", "endings": [*"abcd"], "label": 3}
    return json.dumps(usual | other) + "\n"


@pytest.mark.parametrize(
    ("read", "content", "message"),
    [
        (named("lambada"), '{"text": "a b"}\n{"txt": 2}\n', r"line 2 is not .* with text \(text\)"),
        (named("lambada"), '{"text": 1}\n', "line 1 is not"),
        (named("lambada"), '{"text": " "}\n', "line 1 is not"),
        (named("lambada"), "[1]\n", "line 1 is not"),
        (named("lambada"), "[" * 100_000, "line 1 is not"),
        (named("lambada"), '{"text": "half a character \\ud83d"}\n', "line 1 is not"),
        (examples.coqa, "[" * 100_000, "is not laid out like"),
        (named("lambada"), "", "holds no text"),
        (named("hellaswag"), row(label=""), r"label \(0, 1, 2 or 3\)"),
        (named("hellaswag"), row(endings="abcd"), r"endings \(four texts\)"),
        (named("hellaswag"), row(ctx_b=None), r"ctx_b \(text, even empty\)"),
        (named("nq"), '{"question": "Which?", "answer": "Paris"}\n', r"answer \(a list of texts\)"),
        (named("nq"), '{"question": "Which?", "answer": []}\n', r"answer \(a list of texts\)"),
        (named("wmt14-en-fr"), '{"fr": "un", "en": 1}\n', r"en \(text\), fr \(text\)"),
        (named("cnn-dm"), '{"article": "One.", "highlights": ["One"]}\n', "highlights"),
        (TASKS["ptb"].read, "\n \n", "holds no text"),
        (TASKS["1bw"].read, "", "holds no text"),
        (TASKS["lambada"].read, "", "holds no text"),
        (texts.lines, b"\xff\xfe", "not UTF-8 text"),
        (TASKS["ptb"].read, "\n<!DOCTYPE html><title>404</title>", "is a web page"),
        (questions.cloze, "Once upon a time\n", "line 1 does not start with a number"),
        (questions.cloze, "1 A .\n21 What XXXXX ?\tno\t\ta|b\n", "line 2 is no CBT question"),
        (questions.cloze, "1 A .\n21 What ?\tb\t\ta|b\n", "line 2 is no CBT question"),
        (questions.cloze, "1 A .\n21 What XXXXX ?\tb\ta|b\n", "line 2 is no CBT question"),
        (questions.cloze, "1 A .\n", "holds no examples"),
        (questions.hellaswag, "context\n7\na\nb\nc\nd\n", "six lines an example"),
        (questions.hellaswag, "context\n7\na\nb\nc\n", "six lines an example"),
        (questions.hellaswag, "context\n0\na\nb\nc\nd\nleft over\n", "six lines an example"),
        (questions.hellaswag, "context\n12\na\nb\nc\nd\n", "six lines an example"),
        (winograd_xml, "<collection>", "is not XML"),
        (winograd_xml, '<?xml version="1.0" encoding="nobodys"?><c/>', "is not XML"),
        (winograd_xml, schema(2, "C"), "without two answers and a correct one"),
        (winograd_xml, schema(3, "A"), "without two answers and a correct one"),
        (translations, "un\n", "have 1 and 2 sentences: they do not belong together"),
        (examples.coqa, talk(story=1), "not laid out like coqa"),
        (examples.coqa, talk(story="\ud83d"), "not laid out like coqa"),
        (examples.coqa, talk(questions=2), "not laid out like coqa"),
        (winograd_xml, "<c/>", "has 0 schemas, expected 1"),
        (lambda path: texts.last_bytes(path, 10, 5), "abc", "3 bytes, expected 10"),
        (examples.coqa, "{}", "not laid out like coqa"),
        (examples.coqa, '{"data": []}', "holds no examples"),
        (
            examples.coqa,
            '{"data": [{"story": "A", "questions": [], "answers": []}]}',
            "not laid out like coqa",
        ),
        (examples.stories, "http://a\n", "line 1: [0-9a-f]{40}.story is not in cnn/stories"),
    ],
)
def test_a_wrong_file_says_what_was_expected(
    tmp_path: Path, read: Callable[[Path], Any], content: str | bytes, message: str
) -> None:
    path = tmp_path / "file.txt"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TrainError, match=message) as raised:
        read(path)
    assert "\n" not in str(raised.value)


def test_a_byte_order_mark_is_no_part_of_a_text(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"\xef\xbb\xbf no it was n't \n")
    assert texts.lines(tmp_path / "a.txt") == [" no it was n't "]
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"text": "a b"}\n')
    assert texts.rows(tmp_path / "a.jsonl", {"text": texts.TEXT}) == [{"text": "a b"}]


def test_blank_lines_between_objects_count_for_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n\n{"text": "b"}\n \n\n')
    assert texts.rows(tmp_path / "a.jsonl", {"text": texts.TEXT}) == [{"text": "a"}, {"text": "b"}]


def test_the_end_of_a_file_begins_with_a_whole_character(tmp_path: Path) -> None:
    path = tmp_path / "enwik"
    path.write_bytes("aé".encode() * 3)
    assert texts.last_bytes(path, 9, 4) == "aé"
    assert texts.last_bytes(path, 9, 6) == "aéaé"
    path.write_bytes("éa".encode())
    assert texts.last_bytes(path, 99, 3) == "éa"
    path.write_bytes("a🌍".encode()[:-1])
    assert texts.last_bytes(path, 99, 4) == "a"


def test_cbt_is_read_question_by_question(tmp_path: Path) -> None:
    path = tmp_path / "cbtest_CN_valid_2000ex.txt"
    path.write_text("1 A .\n2 B .\n21 The XXXXX .\tcat\t\tcat|dog\n\n1 C .\n21 XXXXX !\tdog\t\tcat|dog\n")
    assert questions.cloze(path) == [
        Cloze(["A .", "B ."], "The XXXXX .", "cat", ["cat", "dog"]),
        Cloze(["C ."], "XXXXX !", "dog", ["cat", "dog"]),
    ]


def test_hellaswag_is_read_from_its_own_file_and_from_text(tmp_path: Path) -> None:
    endings = ["a.", "b.", "c.", "d."]
    own, text = tmp_path / "hellaswag_val.jsonl", tmp_path / "hellaswag.txt.bz2"
    row = {"activity_label": "Cook", "ctx_a": "He cooks.", "ctx_b": "he", "endings": endings, "label": 3}
    own.write_text(json.dumps(row) + "\n")
    text.write_bytes(bz2.compress("\n".join(["Cook: He cooks. he", "3", *endings, ""]).encode()))
    assert questions.hellaswag(own) == [Ending("Cook: He cooks. He", endings, 3)]
    assert questions.hellaswag(text) == [Ending("Cook: He cooks. he", endings, 3)]


def test_the_right_answer_of_a_schema_is_the_one_that_its_letter_names(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_text(schema(2, "\n A. ").replace("Ann", "the  men", 1))
    (tmp_path / "b.xml").write_text(schema(2, "B"))
    found = [questions.winograd(tmp_path / name, 1)[0] for name in ("a.xml", "b.xml")]
    assert [(one.correct, one.answers) for one in found] == [(0, ["the  men", "Ann"]), (1, ["Ann", "Ann"])]


def test_winograd_is_the_same_from_xml_and_from_json_lines(shared: Path) -> None:
    folder = shared / "evals" / "wsc"
    first, second = (
        questions.winograd(folder / "WSCollection.xml", 273),
        questions.winograd(folder / "wsc285.jsonl", 273),
    )
    assert [(each.before, each.pronoun, each.after, each.correct) for each in first] == [
        (each.before, each.pronoun, each.after, each.correct) for each in second
    ]
    assert len(first) == 273


def test_a_story_of_cnn_dm_is_found_by_its_address(tmp_path: Path) -> None:
    (tmp_path / "cnn" / "stories").mkdir(parents=True)
    name = hashlib.sha1(b"http://a").hexdigest()
    (tmp_path / "cnn" / "stories" / f"{name}.story").write_text(
        " One.\n\nTwo.\n\n@highlight\n\nOne\n\n@highlight\n\nB"
    )
    (tmp_path / "all_test.txt").write_text("http://a\n")
    assert examples.stories(tmp_path / "all_test.txt") == [examples.Story("One.\nTwo.", ["One", "B"])]


def test_translations_come_from_two_files_of_a_language_each(tmp_path: Path) -> None:
    for name, texts_ in (("src.fr", ["un &amp; deux", "trois"]), ("ref.en", ["one & two", "three"])):
        segments = "\n".join(f'<seg id="{at}"> {text} </seg>' for at, text in enumerate(texts_))
        (tmp_path / f"newstest2014-fren-{name}.sgm").write_text(f"<srcset>{segments}</srcset>\n")
    found = examples.parallel(tmp_path / "newstest2014-fren-src.fr.sgm", "en", "fr")
    assert [(pair.source, pair.target) for pair in found] == [("one & two", "un & deux"), ("three", "trois")]
    (tmp_path / "newstest2014-fren-ref.en.sgm").unlink()
    with pytest.raises(TrainError, match="no newstest2014 in 'en'"):
        examples.parallel(tmp_path / "newstest2014-fren-src.fr.sgm", "en", "fr")


@pytest.mark.parametrize("text", ["<seg ", "<seg>"])
def test_segments_that_never_end_take_no_time(tmp_path: Path, text: str) -> None:
    (tmp_path / "newstest2014-fren-src.fr.sgm").write_text(
        text * 100_000
    )  # minutes, where each is looked for
    (tmp_path / "newstest2014-fren-ref.en.sgm").write_text("<seg>one</seg>\n")
    with pytest.raises(TrainError, match="have 1 and 0 sentences"):
        examples.parallel(tmp_path / "newstest2014-fren-src.fr.sgm", "en", "fr")


def test_a_file_that_becomes_too_large_when_decompressed_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "hellaswag.txt.bz2"
    path.write_bytes(bz2.compress(b"x" * 1000))
    monkeypatch.setattr(texts, "MAX_BYTES", 1000)
    assert texts.read_bytes(path) == b"x" * 1000
    monkeypatch.setattr(texts, "MAX_BYTES", 999)
    with pytest.raises(TrainError, match=r"bz2 has more than 999 bytes when decompressed"):
        texts.read_bytes(path)


def test_a_file_is_decompressed_as_far_as_it_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "hellaswag.txt.bz2"
    path.write_bytes(bz2.compress(bytes(50_000_000)))
    monkeypatch.setattr(texts, "MAX_BYTES", 1_000_000)
    tracemalloc.start()
    with pytest.raises(TrainError, match="when decompressed"):
        texts.read_bytes(path)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 10_000_000


def test_a_compressed_file_that_is_cut_short_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "hellaswag.txt.bz2"
    path.write_bytes(bz2.compress(b"x" * 1000)[:-4])
    with pytest.raises(TrainError, match=r"cannot read .*bz2"):
        texts.read_bytes(path)


def test_a_conversation_has_the_main_answer_before_those_of_others(tmp_path: Path) -> None:
    said = {name: [{"input_text": name}] for name in ("main", "first", "second")}
    asked = {"story": "A", "questions": [{"input_text": "Who?"}], "answers": said.pop("main")}
    told = [asked | {"additional_answers": said}, asked]  # the second is of one person alone
    (tmp_path / "coqa.json").write_text(json.dumps({"data": told}))
    found = [talk.answers for talk in examples.coqa(tmp_path / "coqa.json")]
    assert found == [[["main", "first", "second"]], [["main"]]]


def test_rows_of_translations_and_of_stories_have_their_sides_and_sentences(tmp_path: Path) -> None:
    (tmp_path / "wmt.jsonl").write_text('{"fr": "un", "en": "one"}\n')
    assert examples.parallel(tmp_path / "wmt.jsonl", "fr", "en") == [examples.Pair("un", ["one"])]
    (tmp_path / "cnn.jsonl").write_text('{"article": "A.", "highlights": "One.\\nTwo."}\n')
    assert examples.stories(tmp_path / "cnn.jsonl") == [examples.Story("A.", ["One.", "Two."])]


def test_line_ends_of_windows_are_line_ends(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"one\r\n\r\ntwo")
    assert texts.lines(tmp_path / "a.txt") == ["one", "", "two"]


@pytest.mark.parametrize(
    ("archive", "member", "read"),
    [
        ("cbt/dummy/CN/1.1.0", "cbtest_CN_valid_2000ex.txt", questions.cloze),
        ("coqa/dummy/1.0.0", "coqa-dev-v1.0.json", examples.coqa),
    ],
)
def test_the_official_layout_is_read(
    shared: Path, tmp_path: Path, archive: str, member: str, read: Callable[[Path], list[Any]]
) -> None:
    with zipfile.ZipFile(shared / "evals" / "format_samples" / archive / "dummy_data.zip") as zipped:
        name = next(name for name in zipped.namelist() if re.search(rf"/{re.escape(member)}$", name))
        (tmp_path / member).write_bytes(zipped.read(name))
    found = read(tmp_path / member)
    assert found
    if isinstance(found[0], examples.Conversation):
        assert all(len(turn) == 4 for talk in found for turn in talk.answers)  # one person and three more
    else:
        assert all(len(cloze.choices) == 10 and len(cloze.before) == 20 for cloze in found)


@pytest.mark.parametrize(
    ("file", "tokens"),
    [
        ("ptb/ptb.test.txt", 82_430),
        ("wikitext-2/test.txt", 245_569),
        ("wikitext-103/wiki.test.tokens", 245_569),
    ],
)
def test_words_and_line_ends_are_as_many_as_the_literature_counts(
    shared: Path, file: str, tokens: int
) -> None:
    found = texts.lines(shared / "evals" / file)
    assert sum(len(line.split()) for line in found) + len(found) == tokens
