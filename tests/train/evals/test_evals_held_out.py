import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from train.errors import TrainError
from train.evals.progress import Progress
from train.evals.run import evaluate, request
from train.evals.scoring import Told
from train.loop import train
from train.settings import Settings


def judged(model: Path, *files: Path) -> dict[str, float]:
    """The metrics of a model on the last of the files."""
    asked = request(str(model), ",".join(map(str, files)), Path("no-such-folder"), model.parent / "out", "")
    return {row["metric"]: row["value"] for row in evaluate(asked, Progress())["rows"]}


def test_a_run_is_judged_on_its_validation_tokens_as_in_training(
    corpus: Path, tiny: Callable[..., Settings], tmp_path: Path
) -> None:
    logged = train(corpus, tmp_path / "run", tiny(train__steps=2))
    (file,) = (
        entry["file"]
        for entry in json.loads((corpus / "index.json").read_text())["splits"]["validation"]["files"]
    )
    found = judged(tmp_path / "run", corpus / file)
    assert found["loss"] == pytest.approx(logged["val_loss"], rel=1e-5)
    assert found["bits_per_byte"] == pytest.approx(logged["val_bits_per_byte"], rel=1e-5)
    assert found["perplexity_per_token"] == pytest.approx(np.exp(found["loss"]))


def test_each_window_is_an_example_and_each_token_counts_alike(
    folder: Path, theirs: Any, tmp_path: Path
) -> None:
    np.arange(1, 41, dtype="<u2").tofile(tmp_path / "own.bin")  # a window of 32 tokens to predict, one of 7
    told = list[tuple[int, int]]()

    class Listener(Progress):
        @contextmanager
        def task(self, name: str) -> Iterator[Told]:
            del name
            yield lambda done, total: told.append((done, total))

    asked = request(str(folder), str(tmp_path / "own.bin"), Path("no-such-folder"), tmp_path / "out", "")
    found = evaluate(asked, Listener())
    assert told[-1] == (2, 2)
    (result,) = Path(found["results"]).glob("*.json")
    examples = json.loads(result.read_text())["examples"]
    assert [example["tokens"] for example in examples] == [32, 7]
    for example, window in zip(examples, [torch.arange(1, 34), torch.arange(33, 41)], strict=True):
        likelihoods = theirs(input_ids=window[None, :-1]).logits[0].log_softmax(-1)
        nats = -likelihoods.gather(1, window[1:, None]).sum().item()
        assert example["nats"] == pytest.approx(nats, rel=1e-4)
    (loss,) = (row["value"] for row in found["rows"] if row["metric"] == "loss")
    assert loss == pytest.approx(sum(example["nats"] for example in examples) / 39)


def test_bare_tokens_are_judged_too(folder: Path, tmp_path: Path) -> None:
    words = Tokenizer.from_file(str(folder / "tokenizer.json"))
    ids = words.encode("The tokens of a text, näive and bare, without an index.").ids
    np.array(ids, dtype="<u2").tofile(tmp_path / "bare.bin")
    found = judged(folder, tmp_path / "bare.bin")
    size = len(words.decode(ids).encode())
    assert found["bits_per_byte"] == pytest.approx(found["loss"] / np.log(2) * len(ids) / size)


def test_a_folder_or_file_whose_name_looks_like_a_pattern_is_itself(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "part[1]" / "own[a-z].bin"
    path.parent.mkdir()
    np.arange(1, 41, dtype="<u2").tofile(path)
    assert judged(folder, path)["loss"] > 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\x01", "was cut short"),
        (b"\x01\x00", "fewer than two tokens"),
        (b"\xff\xff\x00\x00", "made with another tokenizer"),
    ],
)
def test_what_is_no_token_file_of_the_model_is_refused(
    folder: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "odd.bin").write_bytes(content)
    with pytest.raises(TrainError, match=said):
        judged(folder, tmp_path / "odd.bin")


def test_tokens_of_another_vocabulary_are_refused(folder: Path, corpus: Path, tmp_path: Path) -> None:
    np.arange(100, dtype="<u2").tofile(tmp_path / "other.bin")
    tokenizer = json.loads((corpus / "tokenizer.json").read_text())
    ids = tokenizer["model"]["vocab"]
    ids["a"], ids["b"] = ids["b"], ids["a"]  # as many entries
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(TrainError, match=r"other\.bin was made with .*tokenizer\.json, which is not"):
        judged(folder, tmp_path / "other.bin")


def test_files_that_are_not_there_or_share_a_name_are_refused(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainError, match=r"there is no file .*gone\.bin"):
        judged(folder, tmp_path / "gone.bin")
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        np.arange(100, dtype="<u2").tofile(tmp_path / name / "same.bin")
    with pytest.raises(TrainError, match=r"two files are called same\.bin"):
        judged(folder, tmp_path / "one" / "same.bin", tmp_path / "other" / "same.bin")
