"""Evaluation speed: `webtext eval` beside lm-evaluation-harness, with the same random-weight GPT-2 on this
CPU.

python -m benchmarks.bench_eval --peer VENV/bin/python [--task lambada] [--examples 32] [--rounds 3]

VENV has lm-eval and torch. The model is GPT-2's smallest with random weights and GPT-2's vocabulary (gpt2-bpe
of the shared data, see WEBTEXT_SHARED), written once as a Hugging Face directory that both open; the text is
the first examples of LAMBADA or HellaSwag, or 400 characters of WikiText an
example read through windows side by side. Both have loaded the model before the clock starts and then
tokenise, compute and sum up, each in a process of its own with the same number of threads; ours and the peer
with several batch sizes take turns; the median counts. Where both have a metric of the same definition, the
values are printed side by side.
"""

import argparse
import bz2
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SHARED = Path(os.environ.get("WEBTEXT_SHARED", Path(__file__).parents[2] / "shared" / "data"))
BATCHES = (1, 8, 32)  # of the peer; ours chooses by itself
SAME = {
    "lambada": {"perplexity": "perplexity", "accuracy_word": "acc"},
    "hellaswag": {"accuracy": "acc", "accuracy_per_char": "acc_norm"},
    "rolling": {"bits_per_byte_stride_1024": "bits_per_byte"},
}


def make_model(folder: Path, layers: int) -> None:
    """Random weights as wide as GPT-2's smallest, and its tokenizer."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    torch.manual_seed(1)
    transformers.GPT2LMHeadModel(transformers.GPT2Config(n_layer=layers)).save_pretrained(folder)
    vocabulary = SHARED / "gpt2-bpe"
    tokenizer = Tokenizer(
        models.BPE.from_file(str(vocabulary / "encoder.json"), str(vocabulary / "vocab.bpe"))
    )
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<|endoftext|>"])
    special = dict.fromkeys(("bos_token", "eos_token", "unk_token"), "<|endoftext|>")
    transformers.PreTrainedTokenizerFast(tokenizer_object=tokenizer, **special).save_pretrained(folder)


def make_data(folder: Path, examples: int) -> dict[str, str]:
    """The first examples of each task, in the layout that both read."""
    lambada = (SHARED / "evals" / "lambada" / "lambada_test.jsonl").read_text(encoding="utf-8").splitlines()
    (folder / "lambada.jsonl").write_text("\n".join(lambada[:examples]) + "\n", encoding="utf-8")
    raw = (SHARED / "evals" / "hellaswag" / "hellaswag_val_full.txt.bz2").read_bytes()
    lines = bz2.decompress(raw).decode().splitlines()
    with (folder / "hellaswag.jsonl").open("w", encoding="utf-8") as out:
        for at in range(0, 6 * examples, 6):
            label, _, rest = lines[at].partition(": ")
            first, _, second = rest.rpartition(". ")
            row: dict[str, object] = {"activity_label": label, "ctx_a": f"{first}.", "ctx_b": second}
            row |= {"endings": lines[at + 2 : at + 6], "label": lines[at + 1]}
            out.write(json.dumps(row) + "\n")
    wikitext = (SHARED / "evals" / "wikitext-2-raw" / "wiki.test.raw").read_text(encoding="utf-8")
    (folder / "rolling.jsonl").write_text(json.dumps({"text": wikitext[: 400 * examples]}) + "\n")
    return {task: str(folder / f"{task}.jsonl") for task in SAME}


def evaluate(model: Any, name: str, path: Path) -> dict[str, float | None]:
    from train.evals import language, tasks

    if name != "rolling":
        task = tasks.TASKS[name]
        return task.evaluate(model, task.read(path), (), _deaf)[0]
    text = json.loads(path.read_text())["text"]
    whole = language.Text(text, {"byte": len(text.encode())})
    return language.stream(model, whole, (model.room,), _deaf)[0]


def _deaf(_done: int, _total: int) -> None:
    pass


def ours() -> None:
    """What the child process of ours does; the protocol is lmeval_peer's."""
    import torch

    from train.evals import subject

    asked = json.loads(sys.stdin.readline())
    torch.set_num_threads(asked["threads"])
    model = subject.load(asked["model"])
    print(json.dumps("ready"), flush=True)
    for line in sys.stdin:
        name = json.loads(line)["task"]
        cpu, wall = time.process_time(), time.perf_counter()
        metrics = evaluate(model, name, Path(asked["data"][name]))
        took = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
        print(json.dumps(took | {"metrics": metrics}), flush=True)


class Child:
    """A process that has loaded the model and evaluates when asked."""

    def __init__(self, command: list[str], about: dict[str, Any]) -> None:
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": str(about["threads"]), "TOKENIZERS_PARALLELISM": "false"},
        )
        self.ask(about)

    def ask(self, question: dict[str, Any]) -> Any:
        assert self.process.stdin and self.process.stdout
        print(json.dumps(question), file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--peer", required=True, help="the Python of an environment that has lm-eval")
    parser.add_argument("--task", choices=sorted(SAME), default="lambada")
    parser.add_argument("--examples", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary), arguments)


def measure(folder: Path, arguments: argparse.Namespace) -> None:
    make_model(folder / "model", arguments.layers)
    about = {"model": str(folder / "model"), "data": make_data(folder, arguments.examples)}
    about["threads"] = arguments.threads
    here = [sys.executable, "-c", "from benchmarks.bench_eval import ours; ours()"]
    mine = Child(here, about)
    peer = Child([arguments.peer, str(Path(__file__).with_name("lmeval_peer.py"))], about)
    ways = {"ours": (mine, 0)} | {f"lm-eval, batch {size}": (peer, size) for size in BATCHES}
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, (child, size) in ways.items():
            found[name].append(child.ask({"task": arguments.task, "batch": size}))
    print("| | examples/s | examples per CPU-s | CPU-s, ours = 1 |\n| --- | --- | --- | --- |")
    median = {
        name: [statistics.median(run[key] for run in runs) for key in ("wall_s", "cpu_s")]
        for name, runs in found.items()
    }
    for name, (wall, cpu) in median.items():
        rates = f"{arguments.examples / wall:.2f} | {arguments.examples / cpu:.2f}"
        print(f"| {name} | {rates} | {cpu / median['ours'][1]:.2f} |")
    for metric, theirs in SAME[arguments.task].items():
        values = [
            found[name][0]["metrics"][key] for name, key in (("ours", metric), ("lm-eval, batch 1", theirs))
        ]
        print(f"{metric}: {values[0]:.6g}, lm-eval's {theirs}: {values[1]:.6g}")


if __name__ == "__main__":
    main()
