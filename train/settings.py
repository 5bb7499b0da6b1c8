"""What a run is asked to do: frozen dataclasses, and which of their values can be.

`configs/gpt2-124m.toml` comments every key and holds the same values as the defaults here.
"""

import dataclasses
import math
from dataclasses import dataclass, field

from train.errors import TrainError

ATTENTION_KERNELS = ("auto", "flash", "efficient", "cudnn", "math")
DTYPES = ("auto", "float32", "bfloat16", "float16")
ON_SPIKE = ("log", "skip", "stop")
TENSORBOARD = ("auto", "on", "off")
OPTIMIZERS = ("adamw", "muon")


@dataclass(frozen=True)
class ModelSettings:
    """The shape of a GPT-2. `vocab_size` 0 means: as many as the token files' tokenizer has."""

    n_layer: int = 12
    n_head: int = 12
    n_embd: int = 768
    n_positions: int = 1024
    vocab_size: int = 0

    @property
    def matrix_weights(self) -> int:
        """How many weights there are without biases and norms."""
        return (self.vocab_size + self.n_positions + 12 * self.n_layer * self.n_embd) * self.n_embd


@dataclass(frozen=True)
class DataSettings:
    """Paths or globs of token files; empty means the corpus's own split."""

    train: str = ""
    validation: str = ""


@dataclass(frozen=True)
class TrainSettings:
    """How the model is trained; `batch_size` counts sequences a step over all ranks.

    With `init_from`, a Hugging Face GPT-2 (directory or hub name), training starts from that model's weights
    and the shape is that model's.
    """

    init_from: str = ""
    steps: int = 19_073
    batch_size: int = 512
    micro_batch_size: int = 16
    lr: float = 6e-4
    min_lr: float = 6e-5
    warmup_steps: int = 700
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    grad_clip: float = 1.0
    optimizer: str = "adamw"
    dtype: str = "auto"
    compile: bool = True
    attention: str = "auto"
    seed: int = 1337
    log_every: int = 10
    eval_every: int = 250
    save_every: int = 1000
    keep_last: int = 3
    keep_best: int = 1
    on_spike: str = "log"
    spike_z: float = 6.0
    shard: bool = False
    deterministic: bool = True
    tensorboard: str = "auto"


@dataclass(frozen=True)
class Settings:
    """Everything a run depends on, beside the token files themselves."""

    model: ModelSettings = field(default_factory=ModelSettings)
    data: DataSettings = field(default_factory=DataSettings)
    train: TrainSettings = field(default_factory=TrainSettings)


MOST_WEIGHTS = 10**13  # the largest GPT-2 has 1.6e9

MAY_BE_ZERO = frozenset({"model.vocab_size", "train.warmup_steps", "train.seed", "train.keep_best"})

# A run may be continued with other values of these: they change how long and how closely it is watched, not
# what an ordinary step computes (`steps` also stretches the schedule's end).
MAY_CHANGE = frozenset(
    (
        *("data.train", "data.validation"),  # where they lie: the tokens themselves are compared
        *(f"train.{key}" for key in ("steps", "log_every", "eval_every", "save_every", "tensorboard")),
        *("train.keep_last", "train.keep_best", "train.on_spike", "train.spike_z"),
        # how a run that met trouble goes on, or one on another machine
        *(f"train.{key}" for key in ("shard", "attention", "compile", "micro_batch_size")),
    )
)


def check(settings: Settings, source: str) -> None:
    """Raises TrainError, which says where the settings are from, for values that cannot be."""
    m, t = settings.model, settings.train
    for key, value in _flat(settings).items():
        least = 0 if key in MAY_BE_ZERO else 1
        if type(value) is int and value < least:
            raise TrainError(f"{source}: {key} must be at least {least}, not {value}")
        if type(value) is int and value >= 1 << 63:
            raise TrainError(f"{source}: {key} = {value} has more than 63 bits")
    rules = (
        (m.n_embd % m.n_head == 0, f"model.n_embd = {m.n_embd} must be a multiple of n_head = {m.n_head}"),
        (
            t.batch_size % t.micro_batch_size == 0,
            f"train.batch_size = {t.batch_size} must be a multiple of micro_batch_size {t.micro_batch_size}",
        ),
        (m.vocab_size <= 1 << 32, f"model.vocab_size = {m.vocab_size} has ids that no 32 bits hold"),
        (m.matrix_weights <= MOST_WEIGHTS, f"[model] has {m.matrix_weights:,} weights: that is no GPT-2"),
        (0 < t.lr < math.inf, f"train.lr must be above 0, not {t.lr}"),
        (0 <= t.min_lr <= t.lr, f"train.min_lr must lie between 0 and lr = {t.lr}, not be {t.min_lr}"),
        (0 <= t.weight_decay < math.inf, f"train.weight_decay must be 0 or more, not {t.weight_decay}"),
        (0 <= t.beta1 < 1 and 0 <= t.beta2 < 1, "train.beta1 and beta2 must lie in [0, 1)"),
        (t.grad_clip > 0, f"train.grad_clip must be above 0, not {t.grad_clip}"),
        (t.optimizer in OPTIMIZERS, f"train.optimizer must be one of {', '.join(OPTIMIZERS)}"),
        (t.dtype in DTYPES, f"train.dtype must be one of {', '.join(DTYPES)}"),
        (t.on_spike in ON_SPIKE, f"train.on_spike must be one of {', '.join(ON_SPIKE)}"),
        (t.spike_z > 0, f"train.spike_z must be above 0, not {t.spike_z}"),
        (t.tensorboard in TENSORBOARD, f"train.tensorboard must be one of {', '.join(TENSORBOARD)}"),
        (t.attention in ATTENTION_KERNELS, f"train.attention must be one of {', '.join(ATTENTION_KERNELS)}"),
    )
    for holds, message in rules:
        if not holds:
            raise TrainError(f"{source}: {message}")


def differing(old: Settings, new: Settings) -> list[tuple[str, object, object]]:
    """Keys whose values differ: (`section.key`, old value, new value)."""
    before, after = _flat(old), _flat(new)
    return [(key, before[key], after[key]) for key in before if before[key] != after[key]]


def _flat(settings: Settings) -> dict[str, object]:
    tables = dataclasses.asdict(settings)
    return {f"{section}.{key}": value for section, table in tables.items() for key, value in table.items()}
