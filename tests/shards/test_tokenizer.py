"""Vocabularies: trained, GPT-2's own, or the user's; and what they make of texts."""

import io
import json
import logging
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError
from tokenizers import Tokenizer, decoders, models, normalizers

from tests.shards.corpora import prose
from webtext.errors import UserError
from webtext.shards import tokenizer
from webtext.shards.encode import Encoder, Fast, Reference

TEXTS = [prose(n) for n in range(100)]
ODD = [
    "",
    "<|endoftext|>",
    "a<|endoftext|>b <|endoftext|>\n",
    "I've DON'T 'tis ''' s's 'S",
    " \t\r\n\x00\u00a0\u2028\ufeff",
    "   spaces\n\n\n end ",
    "e\u0301 ﬁ ①",
    "🇺🇸👩\u200d⚕️",
    "\U0010ffff\ue000",
    " " * 300 + "a" * 5000 + "\n" * 300 + "'" * 300 + "1" * 300,
    "".join(map(chr, range(0xD800))),
]


@pytest.fixture(scope="module", params=[Reference, Fast])
def gpt2(request: pytest.FixtureRequest, shared: Path) -> Encoder:
    encoder: Encoder = request.param(tokenizer.load(shared / "gpt2-bpe").to_str())
    return encoder


@pytest.fixture(scope="module")
def ordinary(shared: Path) -> Callable[[str], list[int]]:
    """tiktoken's r50k_base, built from GPT-2's own files."""
    tiktoken = pytest.importorskip("tiktoken")
    from tiktoken.load import data_gym_to_mergeable_bpe_ranks
    from tiktoken_ext.openai_public import r50k_pat_str

    folder = shared / "gpt2-bpe"
    ranks = data_gym_to_mergeable_bpe_ranks(str(folder / "vocab.bpe"), str(folder / "encoder.json"))
    encoding = tiktoken.Encoding("gpt2", pat_str=r50k_pat_str, mergeable_ranks=ranks, special_tokens={})
    return encoding.encode_ordinary  # type: ignore[no-any-return]


def encoded(encoder: Encoder, text: str) -> list[int]:
    (ids,) = encoder.encode([text])
    return ids.tolist()  # type: ignore[no-any-return]


def test_a_trained_vocabulary_has_gpt2s_order() -> None:
    made = tokenizer.train(iter(TEXTS), 300, threads=1)
    ids = made.get_vocab()
    assert tokenizer.size(made) == 300
    assert ids[tokenizer.END_OF_TEXT] == 299
    assert [made.id_to_token(n) for n in (0, 1, 188, 255)] == ["!", '"', "Ā", "Ń"]
    merged = made.id_to_token(256)
    assert merged is not None and len(merged) == 2


def test_the_bytes_have_gpt2s_ids(shared: Path) -> None:
    gpt2 = json.loads((shared / "gpt2-bpe" / "encoder.json").read_text("utf-8"))
    trained = tokenizer.train(iter(TEXTS), 300, threads=1).get_vocab()
    assert {token: id for token, id in trained.items() if id < 256} == {
        t: i for t, i in gpt2.items() if i < 256
    }


def test_training_gives_the_same_bytes_for_any_order_and_number_of_threads() -> None:
    program = (
        "import sys; from webtext.shards import tokenizer; from tests.shards.corpora import prose\n"
        "texts = [prose(n) for n in range(100)]\n"
        "sys.stdout.write(tokenizer.train(iter(texts), 400, threads=4).to_str())"
    )
    root, expected = Path(__file__).parents[2], tokenizer.train(iter(TEXTS), 400, threads=1).to_str()
    assert tokenizer.train(reversed(TEXTS), 400, threads=1).to_str() == expected
    ran = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, check=True)
    assert ran.stdout.decode() == expected


def test_endless_runs_do_not_hold_the_training_up() -> None:
    program = (
        "from webtext.shards import tokenizer\n"
        "runs = ['a' * 500_000, ' ' * 500_000, 'ab' * 250_000, '!' * 500_000, '7' * 500_000]\n"
        "tokenizer.train(iter(runs), 1000, threads=1)"
    )
    subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], timeout=60, check=True)


def test_a_small_corpus_gives_a_smaller_vocabulary_that_still_ends_texts() -> None:
    made = tokenizer.train(iter(["one two", "one two"]), 5000, threads=1)
    assert tokenizer.size(made) < 300
    assert made.token_to_id(tokenizer.END_OF_TEXT) == tokenizer.size(made) - 1


@pytest.mark.parametrize("kind", [Reference, Fast])
@pytest.mark.parametrize("text", ODD)
def test_every_text_decodes_to_itself(text: str, kind: Callable[[str], Encoder]) -> None:
    made = tokenizer.train(iter(TEXTS), 300, threads=1)
    encoder = kind(made.to_str())
    ids = encoded(encoder, text)
    assert made.decode(ids, skip_special_tokens=False) == text
    assert encoder.eot not in ids


@pytest.mark.parametrize("text", ODD)
def test_ids_of_odd_texts_are_tiktokens(
    text: str, gpt2: Encoder, ordinary: Callable[[str], list[int]]
) -> None:
    assert encoded(gpt2, text) == ordinary(text)


def test_ids_are_those_of_the_published_test_plan(shared: Path, gpt2: Encoder) -> None:
    plan = (shared / "gpt2-bpe" / "TestPlans.txt").read_text("utf-8")
    cases = [case.split("\nSample: ", 1) for case in plan.split("EncodingName: ")[1:]]
    pairs = [rest.rsplit("\nEncoded: ", 1) for name, rest in cases if name == "r50k_base"]
    assert len(pairs) == 64
    for sample, ids in pairs:
        assert encoded(gpt2, sample) == json.loads(ids)


def test_ids_are_the_known_ones_but_special_tokens_are_text(shared: Path, gpt2: Encoder) -> None:
    for known in json.loads((shared / "gpt2-bpe" / "known_encodings.json").read_text("utf-8")):
        if known["text"] == tokenizer.END_OF_TEXT:
            assert encoded(gpt2, known["text"]) == [27, 91, 437, 1659, 5239, 91, 29]
        else:
            assert encoded(gpt2, known["text"]) == known["ids"]


def test_ids_of_naughty_strings_and_shakespeare_are_tiktokens(
    shared: Path, gpt2: Encoder, ordinary: Callable[[str], list[int]]
) -> None:
    with tarfile.open(shared / "hostile" / "naughty-strings.tar.xz") as archive:
        members = [archive.extractfile(member) for member in archive if member.isfile()]
        texts = [file.read().decode("utf-8", "replace") for file in members if file]
    texts.append((shared / "text" / "tinyshakespeare.txt").read_text("utf-8"))
    for text in texts:
        assert encoded(gpt2, text) == ordinary(text)


@pytest.mark.parametrize(
    "names",
    [
        {"vocab.json": "encoder.json", "merges.txt": "vocab.bpe"},
        {"encoder.json": "encoder.json", "merges.txt": "vocab.bpe"},
        {"merges.txt": "vocab.bpe"},
        {"vocab.bpe": "vocab.bpe"},
    ],
)
def test_gpt2s_files_may_be_a_pair_or_its_merges_given_as_a_folder_or_a_file(
    shared: Path, tmp_path: Path, names: dict[str, str]
) -> None:
    original = tokenizer.load(shared / "gpt2-bpe")
    for name, theirs in names.items():
        (tmp_path / name).write_bytes((shared / "gpt2-bpe" / theirs).read_bytes())
    for place in (tmp_path, *(tmp_path / name for name in names)):
        assert tokenizer.load(place).to_str() == original.to_str()


def test_gpt2s_vocabulary_may_be_a_tokenizer_json(shared: Path, tmp_path: Path) -> None:
    original = tokenizer.load(shared / "gpt2-bpe")
    original.save(str(tmp_path / "tokenizer.json"))
    assert tokenizer.load(tmp_path / "tokenizer.json").to_str() == original.to_str()
    assert (tokenizer.size(original), tokenizer.end_of_text(original)) == (50_257, 50_256)


def test_merges_alone_of_another_model_are_refused(tmp_path: Path) -> None:
    (tmp_path / "merges.txt").write_text("#version: 0.2\nt h\nth e\n")
    with pytest.raises(UserError, match=r"only GPT-2's own merges .* put the vocab.json"):
        tokenizer.load(tmp_path)


def hub_cache(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An offline cache of the hub with room for gpt2's tokenizer.json, whose path is returned."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    model = folder / "models--gpt2"
    (model / "refs").mkdir(parents=True)
    (model / "refs" / "main").write_text("607a30d")
    (model / "snapshots" / "607a30d").mkdir(parents=True)
    return model / "snapshots" / "607a30d" / "tokenizer.json"


def test_gpt2_is_taken_from_the_hubs_cache(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tokenizer.load(shared / "gpt2-bpe")
    original.save(str(hub_cache(tmp_path, monkeypatch)))
    assert tokenizer.gpt2().to_str() == original.to_str()


def test_another_vocabulary_under_gpt2s_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer.train(iter(TEXTS), 300, threads=1).save(str(hub_cache(tmp_path, monkeypatch)))
    with pytest.raises(UserError, match="not GPT-2's vocabulary"):
        tokenizer.gpt2()


def test_gpt2_without_cache_and_network_says_which_files_to_bring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_cache(tmp_path, monkeypatch)
    with pytest.raises(UserError, match=r"download GPT-2's encoder.json and vocab.bpe"):
        tokenizer.gpt2()


def test_a_hub_out_of_reach_is_told_by_the_error_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub_cache(tmp_path, monkeypatch)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr("time.sleep", lambda _: None)  # between the library's tries
    logger, shown = logging.getLogger("huggingface_hub"), io.StringIO()
    handler = logging.StreamHandler(shown)
    logger.addHandler(handler)
    with pytest.raises(UserError, match="nor the Hugging Face hub has it"):
        tokenizer.gpt2()
    logger.removeHandler(handler)
    assert shown.getvalue() == ""
    assert logger.isEnabledFor(logging.WARNING)


def test_truncation_and_padding_of_a_users_file_are_ignored(tmp_path: Path) -> None:
    made = tokenizer.train(iter(TEXTS), 300, threads=1)
    made.enable_truncation(5)
    made.enable_padding(length=9)
    made.save(str(tmp_path / "tokenizer.json"))
    encoder = Reference(tokenizer.load(tmp_path).to_str())
    assert len(encoded(encoder, TEXTS[0])) > 9
    assert len(encoded(encoder, "!")) == 1


def test_a_users_file_that_drops_merges_at_random_gives_a_text_one_encoding(tmp_path: Path) -> None:
    made = tokenizer.train(iter(TEXTS), 300, threads=1)
    original = made.to_str()
    made.model.dropout = 0.5
    made.save(str(tmp_path / "tokenizer.json"))
    assert tokenizer.load(tmp_path).to_str() == original


def without_end_of_text(made: Tokenizer) -> str:
    return json.dumps(json.loads(made.to_str()) | {"added_tokens": []})


def lowering(made: Tokenizer) -> str:
    made.normalizer = normalizers.Lowercase()
    return str(made.to_str())


def stripping(made: Tokenizer) -> str:
    made.normalizer = normalizers.Strip()
    return str(made.to_str())


def straightening_quotes(made: Tokenizer) -> str:
    made.normalizer = normalizers.Replace("``", '"')
    return str(made.to_str())


def of_one_word(_: Tokenizer) -> str:
    """It has no entry for other words, and none that stands for them."""
    return str(Tokenizer(models.WordLevel({"word": 0, tokenizer.END_OF_TEXT: 1})).to_str())


def with_short_pieces(made: Tokenizer) -> str:
    """Its merges would have to begin with a prefix that is longer than they are: the library panics."""
    parts = json.loads(made.to_str())
    parts["model"]["continuing_subword_prefix"] = "##"
    return json.dumps(parts)


def with_an_id_twice(made: Tokenizer) -> str:
    """Its longest entry, which few texts have, gets the id of another."""
    parts = json.loads(made.to_str())
    entries = parts["model"]["vocab"]
    entries[max(entries, key=len)] = entries["Q"]
    return json.dumps(parts)


def in_chunks_of_nothing(made: Tokenizer) -> str:
    """The library panics at the first text."""
    parts = json.loads(made.to_str()) | {"pre_tokenizer": {"type": "FixedLength", "length": 0}}
    return json.dumps(parts)


def sentencepiece(_: Tokenizer) -> str:
    """Llama's kind, where U+2581 stands for a space; Phi-3's has `<|endoftext|>` too."""
    entries = ["<unk>", "\u2581", *(f"<0x{byte:02X}>" for byte in range(256))]
    vocabulary = {entry: id for id, entry in enumerate(entries)}
    made = Tokenizer(models.BPE(vocabulary, [], unk_token="<unk>", byte_fallback=True))
    made.normalizer = normalizers.Sequence(
        [normalizers.Prepend("\u2581"), normalizers.Replace(" ", "\u2581")]
    )
    back = [decoders.Replace("\u2581", " "), decoders.ByteFallback(), decoders.Fuse()]
    made.decoder = decoders.Sequence([*back, decoders.Strip(" ", 1, 0)])
    made.add_special_tokens([tokenizer.END_OF_TEXT])
    return str(made.to_str())


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (without_end_of_text, r"has no <\|endoftext\|> entry"),
        (lowering, "changes texts"),
        (stripping, "changes texts"),
        (straightening_quotes, "changes texts"),
        (sentencepiece, "changes texts"),
        (of_one_word, "changes texts"),
        (with_an_id_twice, "changes texts"),
        (in_chunks_of_nothing, "changes texts"),
        (with_short_pieces, "cannot be read as a vocabulary"),
        (lambda made: made.to_str()[:100], "cannot be read as a vocabulary"),
    ],
)
def test_a_users_vocabulary_that_will_not_do_is_refused(
    change: Callable[[Tokenizer], str], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(change(tokenizer.train(iter(TEXTS), 300, threads=1)), "utf-8")
    with pytest.raises(UserError, match=complaint):
        tokenizer.load(path)


def test_a_place_without_a_vocabulary_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds no vocabulary; expected \"train\", \"gpt2\""):
        tokenizer.load(tmp_path)
    with pytest.raises(UserError, match="does not exist"):
        tokenizer.load(tmp_path / "gpt-2")


def test_a_hub_that_fails_without_a_word_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, local_files_only: bool = False) -> str:
        raise LocalEntryNotFoundError("not here") if local_files_only else TimeoutError

    monkeypatch.setattr("huggingface_hub.hf_hub_download", fail)
    with pytest.raises(UserError, match=r"nor the Hugging Face hub has it \(TimeoutError\)"):
        tokenizer.gpt2()
