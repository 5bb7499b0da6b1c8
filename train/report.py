"""What a run came to: its summary, loss.svg and report.html, all made from the files in the run directory."""

import dataclasses
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from statistics import fmean, median
from typing import Any

from train import checkpoint, files, rundir, tokenizer
from train.log import Log
from train.plot import loss_svg

SMOOTHED_STEPS = 20
SHOWN = 20  # evaluations
MOST_OF_THE_TIME = 0.01  # that keeping a report up to date between checkpoints takes

# Nats per token of GPT-2's vocabulary that OpenAI's checkpoints reach on OpenWebText's validation text.
OPENAI = {"124M": 3.12, "355M": 2.84, "774M": 2.67, "1558M": 2.54}

STYLE = """
:root { color-scheme: light dark; --line: #d7dbe0; --soft: #6a737d; }
@media (prefers-color-scheme: dark) { :root { --line: #343a42; --soft: #9aa4af; } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 820px; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.1rem; margin-top: 2.2rem; }
p { color: var(--soft); margin: .2rem 0 1.5rem; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; }
dl div { border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; }
dt { color: var(--soft); font-size: .85rem; } dd { margin: 0; font-size: 1.35rem; }
.scroll { overflow-x: auto; }
svg { display: block; width: 100%; min-width: 700px; height: auto; }
@media print { .scroll { overflow: visible; } svg { min-width: 0; } }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
td, th { border-bottom: 1px solid var(--line); padding: 4px 8px; text-align: left; }
"""


def summary(run: Path) -> dict[str, Any]:
    """The run so far: steps and tokens trained, mean loss of the last 20 steps, the last evaluation,
    unigram entropy (nats per token), median tokens/s, and where its newest checkpoint is."""
    return _summary(run, Log(run).read_on(), _saved_state(run))


def _summary(run: Path, log: Log, state: dict[str, Any]) -> dict[str, Any]:
    saved = checkpoint.newest(run)
    last = log.evaluations[-1] if log.evaluations else {}
    losses = log.last_losses(SMOOTHED_STEPS)
    return {
        "steps": state.get("step", 0),
        "tokens": state.get("tokens", 0),
        "parameters": state.get("parameters"),
        "loss": fmean(losses) if losses else None,
        "val_loss": last.get("val_loss"),
        "val_bits_per_byte": last.get("val_bits_per_byte"),
        "unigram_entropy": state.get("unigram_entropy"),
        "tokens_per_s": median(log.tokens_per_s) if log.tokens_per_s else None,
        "run": str(run),
        "checkpoint": str(saved.path) if saved else None,
    }


def _saved_state(run: Path) -> dict[str, Any]:
    saved = checkpoint.newest(run)
    return saved.state if saved else {}


class Kept:
    """A run's report and curve while it trains, brought up to date at a small share of its time."""

    def __init__(self, run: Path) -> None:
        self._run, self._log, self._due = run, Log(run), 0.0

    def write(self, state: dict[str, Any]) -> None:
        """`state` is what a checkpoint of this moment would say."""
        began = time.monotonic()
        write(self._run, state, self._log)
        ended = time.monotonic()
        self._due = ended + (ended - began) / MOST_OF_THE_TIME

    def write_if_due(self, state: dict[str, Any]) -> None:
        """Leaves it for later where the last time took long and is not long ago."""
        if time.monotonic() >= self._due:
            self.write(state)


def write(run: Path, state: dict[str, Any] | None = None, log: Log | None = None) -> None:
    """Brings loss.svg and report.html up to date, with the newest checkpoint's state if no newer is given; a
    `log` that was read before is read on."""
    state = _saved_state(run) if state is None else state
    log = (log or Log(run)).read_on()
    found = _summary(run, log, state)
    svg = loss_svg(
        log.losses(),
        [(row["step"], row["val_loss"]) for row in log.evaluations if row["val_loss"] is not None],
        _references(run, found["unigram_entropy"]),
    )
    files.write(run / "loss.svg", svg)
    files.write(run / "report.html", _page(run, state, found, log, svg))


def _references(run: Path, entropy: float | None) -> list[tuple[str, list[float]]]:
    """What to hold a loss against: frequencies alone, and OpenAI's models where a token means the same."""
    found = [] if entropy is None else [(f"unigram entropy {entropy:.2f}", [entropy])]
    if _has_gpt2s_vocabulary(run):
        names = ", ".join(f"{name} {nats}" for name, nats in OPENAI.items())
        found.append((f"OpenAI's on OpenWebText (if this text is alike): {names}", list(OPENAI.values())))
    return found


def _has_gpt2s_vocabulary(run: Path) -> bool:
    path = run / rundir.TOKENIZER
    if not files.is_file(path):
        return False
    found = tokenizer.load(path)
    ends = {"!": 0, "Ġthe": 262, "<|endoftext|>": 50256}
    return all(found.token_to_id(token) == number for token, number in ends.items())


def _page(run: Path, state: dict[str, Any], found: dict[str, Any], log: Log, svg: str) -> str:
    settings, name = rundir.load(run), escape(run.resolve().name)  # `.` has none
    tiles = [
        ("steps", f"{found['steps']:,} of {settings.train.steps:,}"),
        ("tokens", f"{found['tokens']:,}"),
        ("loss, nats per token", _number(found["loss"])),
        ("validation loss", _number(found["val_loss"])),
        ("bits per byte", _number(found["val_bits_per_byte"])),
        ("unigram entropy, nats", _number(found["unigram_entropy"])),
        ("tokens per second", _number(found["tokens_per_s"], ",.0f")),
        ("time in steps", _duration(log.ms / 1000)),
    ]
    boxes = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in tiles)
    read = state.get("data", {"epoch": 0, "tokens": 0})
    about = (
        f"GPT-2 of {(found['parameters'] or 0) / 1e6:,.1f} M parameters on {state.get('device', '?')}, "
        f"{read['epoch']:g} epochs of {read['tokens']:,} tokens"
    )
    judged = [
        (f"{row['step']:,}", _number(row["val_loss"]), _number(row.get("val_bits_per_byte")))
        for row in log.evaluations[-SHOWN:]
    ]
    which = f", the last {SHOWN} of {len(log.evaluations):,}" if len(log.evaluations) > SHOWN else ""
    asked = [
        (f"{section}.{key}", str(value))
        for section, table in dataclasses.asdict(settings).items()
        for key, value in table.items()
    ]
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{name}: training report</title><style>{STYLE}</style></head><body>
<h1>{name}</h1><p>{escape(about)}</p>
<dl>{boxes}</dl>
<h2>Loss</h2><div class="scroll" tabindex="0" role="group" aria-label="loss curve">{svg}</div>
<h2>Evaluations{which}</h2>{_table(("step", "validation loss", "bits per byte"), judged)}
<h2>Settings</h2>{_table(("key", "value"), asked)}
</body></html>
"""


def _table(head: tuple[str, ...], body: Sequence[tuple[str, ...]]) -> str:
    titles = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in line) for line in body)
    return f"<table><tr>{titles}</tr>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _number(value: float | None, shape: str = ".3f") -> str:
    return "–" if value is None else format(value, shape)


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
