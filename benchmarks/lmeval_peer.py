"""lm-evaluation-harness as a process that evaluates when told to; started by bench_eval.py with another
Python.

Reads a JSON line {"model", "data": {task: file}, "threads"}, loads the model, answers "ready"; then for each
line {"task", "batch"} evaluates and answers {"cpu_s", "wall_s", "metrics"}.
"""

import json
import os
import sys
import time
from typing import Any

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

import torch
from lm_eval import simple_evaluate
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
from lm_eval.tasks.hellaswag import utils as hellaswag

Answer = dict[str, Any]


def task(name: str, file: str) -> dict[str, Any]:
    """Its own definition of a task, on a local file."""
    config: dict[str, Any] = {
        "task": f"{name}_local",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": file}},
        "test_split": "test",
    }
    if name == "lambada":
        return config | {
            "output_type": "loglikelihood",
            "doc_to_text": "{{text.split(' ')[:-1]|join(' ')}}",
            "doc_to_target": "{{' '+text.split(' ')[-1]}}",
            "metric_list": [
                {"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False},
                {"metric": "acc", "aggregation": "mean", "higher_is_better": True},
            ],
        }
    if name == "rolling":
        return config | {
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "{{text}}",
            "metric_list": [{"metric": "bits_per_byte"}],
        }
    return config | {
        "output_type": "multiple_choice",
        "process_docs": hellaswag.process_docs,
        "doc_to_text": "{{query}}",
        "doc_to_target": "{{gold}}",
        "doc_to_choice": "choices",
        "metric_list": [
            {"metric": metric, "aggregation": "mean", "higher_is_better": True}
            for metric in ("acc", "acc_norm")
        ],
    }


def evaluate(model: Any, manager: Any, config: dict[str, Any], batch: int) -> Answer:
    model.batch_size_per_gpu = batch
    cpu, wall = time.process_time(), time.perf_counter()
    found = simple_evaluate(model=model, tasks=[config], task_manager=manager, bootstrap_iters=0)
    took = {"cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - wall}
    metrics = {key.partition(",")[0]: value for key, value in found["results"][config["task"]].items()}
    return took | {"metrics": {key: value for key, value in metrics.items() if isinstance(value, float)}}


def main() -> None:
    answers, sys.stdout = sys.stdout, sys.stderr  # what the library prints is no answer
    asked = json.loads(sys.stdin.readline())
    torch.set_num_threads(asked["threads"])
    model = HFLM(pretrained=asked["model"], device="cpu", dtype="float32", batch_size=1)
    manager = TaskManager()
    print(json.dumps("ready"), file=answers, flush=True)
    for line in sys.stdin:
        wanted = json.loads(line)
        name = wanted["task"]
        answer = evaluate(model, manager, task(name, asked["data"][name]), wanted["batch"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
