import hashlib
import json
import math
import os
import re
import resource
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from train import census, token_index
from train.census import Census, take_census
from train.corpus import TokenFile, find_corpus
from train.errors import TrainError
from train.evaluate import bits_per_byte
from train.settings import DataSettings

OWN = DataSettings()


@pytest.fixture
def copy(corpus: Path, tmp_path: Path) -> Path:
    """A corpus to break."""
    return shutil.copytree(corpus, tmp_path / "tokens")


def test_a_corpus_is_found_by_its_directory_or_its_tokens(corpus: Path) -> None:
    assert find_corpus(corpus.parent, OWN, 0) == find_corpus(corpus, OWN, 0)
    assert find_corpus(corpus, OWN, 0).vocab_size == find_corpus(corpus, OWN, 300).vocab_size == 300


def test_the_index_says_how_many_bytes_of_text_a_split_is(corpus: Path) -> None:
    found = find_corpus(corpus, OWN, 0)
    known = take_census(found).validation_bytes
    assert known is not None
    assert known == found.validation.utf8_bytes
    assert bits_per_byte(math.log(2), 500, known) == pytest.approx(500 / known)


def bare(corpus: Path, folder: Path) -> DataSettings:
    """The corpus's first files as nanoGPT has them, without an index."""
    shutil.copy(corpus / "train-00000.bin", folder / "train.bin")
    shutil.copy(corpus / "validation-00000.bin", folder / "val.bin")
    return DataSettings(train=str(folder / "tr*.bin"), validation=str(folder / "val.bin"))


def test_bare_files_are_read_but_their_bytes_are_not_known(corpus: Path, tmp_path: Path) -> None:
    found = find_corpus(tmp_path, bare(corpus, tmp_path), 300)
    assert found.train.tokens == (tmp_path / "train.bin").stat().st_size // 2
    assert found.tokenizer is None
    assert take_census(found).validation_bytes is None
    assert bits_per_byte(1.0, 500, None) is None


def test_with_their_tokenizer_the_bytes_of_bare_files_are_those_that_the_index_has(
    corpus: Path, tmp_path: Path
) -> None:
    shutil.copy(corpus / "tokenizer.json", tmp_path)
    indexed = find_corpus(corpus, OWN, 0)
    assert len(indexed.validation.files) == 1
    counted = take_census(find_corpus(tmp_path, bare(corpus, tmp_path), 320)).validation_bytes
    assert counted == indexed.validation.utf8_bytes


def test_bytes_that_one_file_does_not_know_are_not_known_of_the_split(copy: Path) -> None:
    index = json.loads((copy / "index.json").read_text())
    del index["splits"]["train"]["files"][1]["bytes"]
    (copy / "index.json").write_text(json.dumps(index))
    assert find_corpus(copy, OWN, 0).train.utf8_bytes is None


def test_an_index_says_nothing_of_a_file_that_it_does_not_list(copy: Path) -> None:
    index = json.loads((copy / "index.json").read_text())
    (copy / "index.json").write_text(json.dumps(index | {"dtype": "uint32"}))
    np.array([7, 8, 9], dtype="<u2").tofile(copy / "bare.bin")
    asked = DataSettings(train=str(copy / "bare.bin"), validation=str(copy / "bare.bin"))
    assert list(find_corpus(copy, asked, 0).train.read(0, 3)) == [7, 8, 9]


def test_a_vocabulary_of_65536_has_tokens_of_two_bytes(tmp_path: Path) -> None:
    np.array([65_535, 3, 5], dtype="<u2").tofile(tmp_path / "full.bin")
    found = find_corpus(tmp_path, DataSettings(train=str(tmp_path / "full.bin")), 65_536)
    assert list(found.train.read(0, 3)) == [65_535, 3, 5]


def test_a_vocabulary_above_65536_has_tokens_of_four_bytes(tmp_path: Path) -> None:
    np.array([70_000, 3, 5], dtype="<u4").tofile(tmp_path / "big.bin")
    found = find_corpus(tmp_path, DataSettings(train=str(tmp_path / "big.bin")), 80_000)
    assert list(found.train.read(0, 3)) == [70_000, 3, 5]


def test_the_unigram_entropy_is_that_of_the_counts(tmp_path: Path) -> None:
    np.array([0, 0, 1, 2], dtype="<u2").tofile(tmp_path / "few.bin")
    few = find_corpus(tmp_path, DataSettings(train=str(tmp_path / "few.bin")), 3)
    assert take_census(few).unigram_entropy == pytest.approx(1.5 * math.log(2))


@pytest.mark.parametrize("change", [lambda whole: whole[:-2], lambda whole: whole + b"\0\0"])
def test_a_file_of_another_length_is_an_error_that_says_what_to_do(
    copy: Path, change: Callable[[bytes], bytes]
) -> None:
    path = copy / "train-00001.bin"
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(TrainError, match=r"train-00001\.bin has .* bytes, not .* tokens: delete it, and "):
        find_corpus(copy, OWN, 0)


def test_a_bare_file_cut_inside_a_token_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "odd.bin").write_bytes(b"abc")
    with pytest.raises(TrainError, match=r"odd\.bin has 3 bytes, not a whole number of uint16 tokens"):
        find_corpus(tmp_path, DataSettings(train=str(tmp_path / "odd.bin")), 300)


@pytest.mark.parametrize(
    ("whose", "rest"),
    [("llm.c", b"\x88\xd8\x34\x01\1"), ("llm.c", b"\xa1\xd9\x34\x01\7"), ("NumPy", b"\x93NUMPY\1")],
)
def test_a_file_with_a_header_is_an_error_that_says_whose(tmp_path: Path, whose: str, rest: bytes) -> None:
    (tmp_path / "x.bin").write_bytes(rest.ljust(1024, b"\0"))
    with pytest.raises(TrainError, match=rf"x\.bin begins with {whose}'s header, without which"):
        find_corpus(tmp_path, DataSettings(train=str(tmp_path / "x.bin")), 300)


@pytest.mark.parametrize("byte", [100, 101], ids=["within the vocabulary", "beyond it"])
def test_a_corrupt_file_is_an_error_that_names_it(copy: Path, byte: int) -> None:
    path = copy / "train-00001.bin"
    content = bytearray(path.read_bytes())
    content[byte] ^= 2
    path.write_bytes(content)
    with pytest.raises(TrainError, match=r"train-00001\.bin is corrupt"):
        take_census(find_corpus(copy, OWN, 0))


def test_a_token_beyond_the_vocabulary_is_an_error(tmp_path: Path) -> None:
    np.array([1, 300], dtype="<u2").tofile(tmp_path / "x.bin")
    found = find_corpus(tmp_path, DataSettings(train=str(tmp_path / "x.bin")), 300)
    with pytest.raises(TrainError, match=r"x\.bin holds token 300, but the vocabulary ends at 299"):
        take_census(found)


@pytest.mark.parametrize(("wide", "vocab_size"), [("<u4", 300), ("<i8", 300), ("<i8", 70_000)])
def test_tokens_in_wider_numbers_are_an_error_that_says_so(
    tmp_path: Path, wide: str, vocab_size: int
) -> None:
    np.array([1, 299, 7] * 11, dtype=wide).tofile(tmp_path / "x.bin")
    found = find_corpus(tmp_path, DataSettings(train=str(tmp_path / "x.bin")), vocab_size)
    with pytest.raises(
        TrainError, match=r"x\.bin has 0 in every second place: it holds numbers wider than uint"
    ):
        take_census(found)


def test_a_file_is_read_piece_by_piece_as_it_is_read_whole(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> Census:
        return take_census(find_corpus(corpus, OWN, 0))

    whole = found()
    monkeypatch.setattr(census, "CHUNK_TOKENS", 64)
    assert found() == whole


@pytest.mark.parametrize("at", [0, 100, 199])
def test_a_token_beyond_the_vocabulary_is_found_in_any_piece(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "CHUNK_TOKENS", 64)
    tokens = np.ones(200, dtype="<u2")
    tokens[at] = 300
    tokens.tofile(tmp_path / "x.bin")
    with pytest.raises(TrainError, match=r"x\.bin holds token 300"):
        take_census(find_corpus(tmp_path, DataSettings(train=str(tmp_path / "x.bin")), 300))


def test_a_ctrl_c_does_not_wait_for_the_end_of_a_file(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    to_press = iter([signal.SIGINT])  # once: a second one would not wait for the threads

    def pieces(file: TokenFile) -> Iterator[np.ndarray[Any, Any]]:
        for at in range(200):
            if at == 10:  # all threads have been started and are waited for
                for pressed in to_press:
                    os.kill(os.getpid(), pressed)
            read.append(at)
            yield file.read(at, 1)
            time.sleep(0.01)

    monkeypatch.setattr(census, "_chunks", pieces)
    with pytest.raises(KeyboardInterrupt):
        take_census(find_corpus(corpus, OWN, 0))
    assert max(read) < 199


@pytest.mark.parametrize("tokens", [[7, 0] * 31, [7] * 64 + [7, 0] * 32], ids=["few", "a piece"])
def test_zeros_that_may_be_tokens_are_no_error(
    tokens: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(census, "CHUNK_TOKENS", 64)
    np.array(tokens, dtype="<u2").tofile(tmp_path / "x.bin")
    found = find_corpus(tmp_path, DataSettings(train=str(tmp_path / "x.bin")), 300)
    assert take_census(found).unigram_entropy > 0


def test_another_tokenizer_beside_the_tokens_is_an_error(copy: Path) -> None:
    path = copy / "tokenizer.json"
    path.write_text(path.read_text() + "\n")
    with pytest.raises(TrainError, match=r"tokenizer\.json is not the tokenizer that .*index\.json names"):
        find_corpus(copy, OWN, 0)


def test_a_file_of_another_vocabulary_is_an_error_that_names_it(corpus: Path, copy: Path) -> None:
    index = json.loads((copy / "index.json").read_text())
    index["tokenizer"]["sha256"] = "0" * 64
    (copy / "index.json").write_text(json.dumps(index))
    asked = DataSettings(validation=str(copy / "validation-00000.bin"))
    with pytest.raises(TrainError, match=r"validation-00000\.bin was made with another tokenizer than"):
        find_corpus(corpus, asked, 0)


def test_a_model_with_too_small_a_vocabulary_is_an_error(corpus: Path) -> None:
    with pytest.raises(TrainError, match=r"model\.vocab_size = 200 is below the 300 entries"):
        find_corpus(corpus, OWN, 200)


@pytest.mark.parametrize(
    ("remove", "message"),
    [
        ("train-00000.bin", r"train-00000\.bin is missing"),
        ("index.json", r"has no index\.json that names train files"),
        ("tokenizer.json", r"tokenizer\.json is missing"),
    ],
)
def test_a_missing_file_is_an_error_that_names_it(copy: Path, remove: str, message: str) -> None:
    (copy / remove).unlink()
    with pytest.raises(TrainError, match=message):
        find_corpus(copy, OWN, 0)


def test_a_pattern_that_matches_nothing_is_an_error(corpus: Path) -> None:
    with pytest.raises(TrainError, match=r"data\.validation = 'no/such\*\.bin' matches no file"):
        find_corpus(corpus, DataSettings(validation="no/such*.bin"), 0)


@pytest.mark.parametrize("pattern", ["a**b/*.bin", "a" * 300])
def test_a_pattern_that_no_file_can_have_is_an_error(corpus: Path, pattern: str) -> None:
    said = rf"data\.train = '{re.escape(pattern)}' (names no files \(.+\): mend it|matches no file)"
    with pytest.raises(TrainError, match=said):  # Python 3.13 takes `**` beside letters for `*`
        find_corpus(corpus, DataSettings(train=pattern), 0)


def test_a_corpus_without_tokens_is_told_what_makes_them(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"tokenizer.json is missing: `webtext build-shards`"):
        find_corpus(tmp_path, OWN, 0)
    with pytest.raises(TrainError, match="`webtext build-shards`"):
        find_corpus(tmp_path, OWN, 50257)


def test_a_corpus_that_does_not_exist_is_said_not_to(tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"absent does not exist; name a corpus"):
        find_corpus(tmp_path / "absent", OWN, 0)


@pytest.mark.parametrize("text", ["{", "[" * 100_000])
def test_an_index_that_is_not_json_is_an_error(copy: Path, text: str) -> None:
    (copy / "index.json").write_text(text)
    with pytest.raises(TrainError, match=r"cannot read .*index\.json"):
        find_corpus(copy, OWN, 0)


@pytest.mark.parametrize(
    ("keys", "value", "named"),
    [
        (["splits"], [], "its splits"),
        (["splits", "train"], [], "its split train"),
        (["splits", "train", "files"], {}, "its split train"),
        (["splits", "train", "files", 1], "train-00001.bin", "file 1 of its split train"),
        (["splits", "train", "files", 1, "file"], None, "file 1 of its split train"),
        (["splits", "train", "files", 1, "file"], "/etc/hostname", "file 1 of its split train"),
        (["splits", "train", "files", 1, "file"], "../train.bin", "file 1 of its split train"),
        (["splits", "validation", "files", 0, "tokens"], "x", "file 0 of its split validation"),
        (["splits", "train", "files", 0, "bytes"], 1.5, "file 0 of its split train"),
        (["splits", "train", "files", 0, "sha256"], 5, "file 0 of its split train"),
        (["tokenizer"], None, "its tokenizer"),
        (["tokenizer", "sha256"], 5, "its tokenizer"),
        (["dtype"], "bogus", "its dtype"),
    ],
)
def test_an_index_of_another_shape_is_an_error_that_names_its_place(
    copy: Path, keys: list[Any], value: object, named: str
) -> None:
    index = json.loads((copy / "index.json").read_text())
    reduce(getitem, keys[:-1], index)[keys[-1]] = value
    (copy / "index.json").write_text(json.dumps(index))
    with pytest.raises(TrainError, match=rf"index\.json is not .* by {named}; .* webtext build-shards"):
        find_corpus(copy, OWN, 0)


def test_a_file_whose_name_no_file_can_have_is_missing(copy: Path) -> None:
    index = (copy / "index.json").read_text()
    (copy / "index.json").write_text(index.replace("train-00000.bin", "train\\u0000.bin"))
    with pytest.raises(TrainError, match=r"train.*\.bin is missing; `webtext build-shards` makes it anew"):
        find_corpus(copy, OWN, 0)


def test_an_index_that_is_a_list_is_an_error(copy: Path) -> None:
    (copy / "index.json").write_text("[]")
    with pytest.raises(TrainError, match=r"index\.json is not an index of token files"):
        find_corpus(copy, OWN, 0)


def test_a_corpus_without_validation_files_has_an_empty_split(copy: Path) -> None:
    index = json.loads((copy / "index.json").read_text())
    del index["splits"]["validation"]
    (copy / "index.json").write_text(json.dumps(index))
    assert find_corpus(copy, OWN, 0).validation.tokens == 0


def test_a_vocabulary_with_holes_ends_at_its_highest_id(copy: Path) -> None:
    words = json.loads((copy / "tokenizer.json").read_text())
    words["model"]["vocab"]["far"] = 309
    (copy / "tokenizer.json").write_text(json.dumps(words))
    sha256 = hashlib.sha256((copy / "tokenizer.json").read_bytes()).hexdigest()
    index = json.loads((copy / "index.json").read_text())
    (copy / "index.json").write_text(json.dumps(index | {"tokenizer": {"sha256": sha256}}))
    assert find_corpus(copy, OWN, 0).vocab_size == 310


def test_a_files_own_name_is_no_pattern(copy: Path) -> None:
    named = (copy / "train-00000.bin").rename(copy / "train [v1].bin")
    assert find_corpus(copy, DataSettings(train=str(named)), 0).train.files[0].path == named


def test_folders_are_no_token_files(copy: Path) -> None:
    with pytest.raises(TrainError, match="matches no file"):
        find_corpus(copy, DataSettings(train=str(copy)), 0)


def test_a_corpus_of_more_files_than_may_be_open_is_read(tmp_path: Path) -> None:
    for number in range(300):
        np.array([number], dtype="<u2").tofile(tmp_path / f"{number:03}.bin")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        split = find_corpus(tmp_path, DataSettings(train=f"{tmp_path}/*.bin"), 300).train
        assert list(split.read(0, 300)) == list(range(300))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_the_index_is_not_read_anew_for_each_file(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, reads = token_index.read, list[Path]()

    def told(folder: Path) -> dict[str, Any]:
        reads.append(folder)
        return read(folder)

    monkeypatch.setattr(token_index, "read", told)
    for number in range(50):
        shutil.copy(corpus / "train-00000.bin", tmp_path / f"{number}.bin")
    assert len(find_corpus(tmp_path, DataSettings(train=str(tmp_path / "*.bin")), 300).train.files) == 50
    assert len(reads) < 10


def test_a_token_file_in_place_of_its_directory_is_told_where_it_belongs(corpus: Path) -> None:
    path = corpus / "train-00000.bin"
    with pytest.raises(TrainError, match=r"00000\.bin is a file: .* --set data\.train=/.*00000\.bin"):
        find_corpus(path, OWN, 300)
