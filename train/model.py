"""GPT-2, with the parameter names and layouts of Hugging Face's `GPT2LMHeadModel`.

Radford et al. 2019, §2.3: a pre-norm Transformer decoder with learned positions and a tied output head.
Weights of OpenAI's 124M…1558M load as they are; logits agree within 1e-4 in float32.

Shapes in comments: B sequences, T tokens, C = n_embd, H heads of D = C / H, V vocabulary entries.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from train.settings import ModelSettings

IGNORED = -1  # a target that is not scored


class Conv1D(nn.Module):
    """A linear layer whose weight is (inputs, outputs): the transpose of nn.Linear's, as GPT-2 stores it."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(inputs, outputs))
        self.bias = nn.Parameter(torch.zeros(outputs))

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight.t(), self.bias)


class LayerCache:
    """Keys and values of the tokens one layer has read: (B, H, n_positions, D), filled up to `length`."""

    def __init__(self, keys: Tensor, values: Tensor) -> None:
        self.keys, self.values, self.length = keys, values, 0

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Appends new keys and values and returns all of them."""
        end = self.length + keys.size(2)
        self.keys[:, :, self.length : end] = keys
        self.values[:, :, self.length : end] = values
        self.length = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class Attention(nn.Module):
    """Causal self-attention: over all earlier tokens, or over those that a mask (B, 1, T, S) allows."""

    def __init__(self, shape: ModelSettings) -> None:
        super().__init__()
        self.n_head = shape.n_head
        self.c_attn = Conv1D(shape.n_embd, 3 * shape.n_embd)
        self.c_proj = Conv1D(shape.n_embd, shape.n_embd)

    def forward(self, x: Tensor, cache: LayerCache | None = None, mask: Tensor | None = None) -> Tensor:
        batch, length, width = x.shape
        heads = self.c_attn(x).view(batch, length, 3, self.n_head, width // self.n_head)
        query, key, value = heads.permute(2, 0, 3, 1, 4)  # each (B, H, T, D)
        if cache is not None:
            key, value = cache.extend(key, value)
        # One new token sees everything before it; several at once (the cache is then empty) need the mask.
        causal = mask is None and (cache is None or length > 1)
        y = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        out: Tensor = self.c_proj(y.transpose(1, 2).reshape(batch, length, width))
        return out


class MLP(nn.Module):
    """Two layers, four times as wide inside, with GPT-2's tanh approximation of GELU."""

    def __init__(self, shape: ModelSettings) -> None:
        super().__init__()
        self.c_fc = Conv1D(shape.n_embd, 4 * shape.n_embd)
        self.c_proj = Conv1D(4 * shape.n_embd, shape.n_embd)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))
        return out


class Block(nn.Module):
    """Attention, then MLP, each normalised before and added to what came in."""

    def __init__(self, shape: ModelSettings) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(shape.n_embd)
        self.attn = Attention(shape)
        self.ln_2 = nn.LayerNorm(shape.n_embd)
        self.mlp = MLP(shape)

    def forward(self, x: Tensor, cache: LayerCache | None = None, mask: Tensor | None = None) -> Tensor:
        x = x + self.attn(self.ln_1(x), cache, mask)
        out: Tensor = x + self.mlp(self.ln_2(x))
        return out


class Transformer(nn.Module):
    """Token and position embeddings, the blocks, the last normalisation."""

    def __init__(self, shape: ModelSettings) -> None:
        super().__init__()
        self.wte = nn.Embedding(shape.vocab_size, shape.n_embd)
        self.wpe = nn.Embedding(shape.n_positions, shape.n_embd)
        self.h = nn.ModuleList(Block(shape) for _ in range(shape.n_layer))
        self.ln_f = nn.LayerNorm(shape.n_embd)

    def forward(
        self,
        ids: Tensor,
        cache: list[LayerCache] | None = None,
        positions: Tensor | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """The last layer's (B, T, C); with `positions` (B, T) and `mask` (B, 1, T, S tokens read so far, true
        where it may look) a row need not be one text from its start."""
        if positions is None:
            start = cache[0].length if cache else 0
            positions = torch.arange(start, start + ids.size(1), device=ids.device)
        x = self.wte(ids) + self.wpe(positions)  # (B, T, C)
        if torch.is_autocast_enabled(x.device.type):  # what the blocks add to each other, in half the memory
            x = x.to(torch.get_autocast_dtype(x.device.type))
        for layer, block in enumerate(self.h):
            x = block(x, cache[layer] if cache else None, mask)
        out: Tensor = self.ln_f(x)
        return out


class GPT2(nn.Module):
    """The language model. Its state dict has exactly the tensors `GPT2LMHeadModel.save_pretrained` writes."""

    def __init__(self, shape: ModelSettings) -> None:
        super().__init__()
        self.shape = shape
        self.transformer = Transformer(shape)
        self._initialise()

    def forward(self, ids: Tensor, cache: list[LayerCache] | None = None) -> Tensor:
        """Logits (B, T, V) of the token after each of ids (B, T).

        With a cache, ids continue what the cache has read: either the first T tokens or one more.
        """
        return F.linear(self.transformer(ids, cache), self.transformer.wte.weight)

    def new_cache(self, batch: int) -> list[LayerCache]:
        """An empty cache for `batch` sequences of up to n_positions tokens."""
        head = self.shape.n_embd // self.shape.n_head
        room = (batch, self.shape.n_head, self.shape.n_positions, head)
        weight = self.transformer.wte.weight
        return [LayerCache(weight.new_empty(room), weight.new_empty(room)) for _ in range(self.shape.n_layer)]

    def parameter_count(self) -> int:
        """All parameters, the tied head once: 124,439,808 for the smallest GPT-2."""
        return sum(parameter.numel() for parameter in self.parameters())

    def _initialise(self) -> None:
        """Normal(0, 0.02); projections back into the residual stream scaled by 1/√(2·n_layer) (§2.3)."""
        scale = 1 / math.sqrt(2 * self.shape.n_layer)
        for name, parameter in self.named_parameters():
            if parameter.dim() >= 2:
                nn.init.normal_(parameter, std=0.02 * (scale if name.endswith("c_proj.weight") else 1))


class NextTokenLoss(nn.Module):
    """The model and its loss as one module, so that both are compiled and synchronised together.

    A large vocabulary is padded to a size that matrix products like (50,257 → 50,304); the pads exist only
    in here, with a bias of −∞ that leaves them no part in the softmax.
    """

    def __init__(self, model: GPT2, vocab_multiple: int = 1) -> None:
        super().__init__()
        self.model = model
        self.pads = -model.shape.vocab_size % vocab_multiple

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:
        """Summed cross-entropy, in nats, of targets (B, T) after ids (B, T); IGNORED ones count nothing."""
        x, head = self.model.transformer(ids).flatten(0, 1), self.model.transformer.wte.weight
        bias = None
        if self.pads:
            head = F.pad(head, (0, 0, 0, self.pads))
            bias = F.pad(head.new_zeros(len(head) - self.pads), (0, self.pads), value=-math.inf)
        logits = F.linear(x, head, bias).float()
        return F.cross_entropy(logits, targets.flatten(), ignore_index=IGNORED, reduction="sum")
