"""Two small models under evaluation: one with random weights that transformers opens too, one whose
logits are known."""

import os
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer

from train.evals.subject import Subject, load
from train.model import GPT2
from train.settings import ModelSettings

os.environ["HF_HUB_OFFLINE"] = "1"


@pytest.fixture(scope="session")
def theirs() -> Any:
    """A GPT-2 of transformers with random weights, biases and norms too."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    shape = {"n_layer": 2, "n_head": 2, "n_embd": 16, "n_positions": 32, "vocab_size": 300}
    model = transformers.GPT2LMHeadModel(transformers.GPT2Config(**shape, bos_token_id=0, eos_token_id=0))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


@pytest.fixture(scope="session")
def folder(theirs: Any, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That model as a Hugging Face directory."""
    path = tmp_path_factory.mktemp("evaluated") / "tiny"
    theirs.save_pretrained(path)
    (path / "tokenizer.json").write_bytes((corpus / "tokenizer.json").read_bytes())
    return path


@pytest.fixture(scope="session")
def subject(folder: Path) -> Subject:
    return load(str(folder))


class Bigram:
    """A model whose next token depends on the last one alone, by a table of log-likelihoods that is computed
    here from the embeddings, without the model."""

    def __init__(self, corpus: Path, sharpness: float = 1.0) -> None:
        torch.manual_seed(3)
        model = GPT2(ModelSettings(n_layer=1, n_head=1, n_embd=16, n_positions=64, vocab_size=300)).eval()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.zero_()
            model.transformer.ln_f.weight.fill_(sharpness)
            model.transformer.wte.weight.normal_()
        embeddings = model.transformer.wte.weight.detach().double()
        centred = embeddings - embeddings.mean(1, keepdim=True)
        hidden = centred / (centred.pow(2).mean(1, keepdim=True) + 1e-5).sqrt()
        self.table = (sharpness * hidden @ embeddings.T).log_softmax(1)
        tokenizer = Tokenizer.from_file(str(corpus / "tokenizer.json"))
        self.subject = Subject("bigram", "bigram", model, tokenizer, load_device(), "digest", 0)

    def ids(self, text: str) -> list[int]:
        return list(self.subject.tokenizer.encode(text).ids)

    def nats(self, ids: list[int], first: int = 1) -> float:
        """Log-likelihood of ids[first:], each after the one before."""
        return sum(float(self.table[ids[at - 1], ids[at]]) for at in range(first, len(ids)))


def load_device() -> Any:
    from train.device import choose
    from train.ranks import Ranks

    return choose("float32", False, Ranks())


@pytest.fixture(scope="session")
def bigram(corpus: Path) -> Bigram:
    return Bigram(corpus)
