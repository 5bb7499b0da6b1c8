"""How validation computes, whatever it finds."""

from pathlib import Path

import pytest
import torch

from train import evaluate
from train.corpus import find_corpus
from train.device import Device
from train.model import GPT2, NextTokenLoss
from train.ranks import Ranks
from train.settings import DataSettings, ModelSettings

SHAPE = ModelSettings(n_layer=1, n_head=1, n_embd=8, n_positions=32, vocab_size=300)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_validation_computes_in_the_precision_of_training_and_keeps_nothing_for_gradients(
    precision: torch.dtype, corpus: Path
) -> None:
    heard = set[tuple[torch.dtype, bool]]()
    model = GPT2(SHAPE)
    model.transformer.register_forward_hook(
        lambda _module, _given, hidden: heard.add(
            (torch.mm(hidden[0], hidden[0].T).dtype, hidden.requires_grad)
        )
    )
    split = find_corpus(corpus, DataSettings(), 300).validation
    device = Device(torch.device("cpu"), "CPU", precision)
    found = evaluate.loss(NextTokenLoss(model), split, 32, 2, device, Ranks())
    assert found == pytest.approx(torch.tensor(300.0).log().item(), rel=0.05)  # of a model that knows nothing
    assert heard == {(precision, False)}
