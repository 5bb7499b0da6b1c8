"""What the commands of a model show."""

import sys
from itertools import groupby
from shlex import quote

from rich.markup import escape
from rich.padding import Padding

from webtext.terminal import Result, console, known, new_table, print_facts, size
from webtext.unseen import visible


def training(result: Result) -> None:
    print_facts("Training", result)
    console.print(f"Next: webtext sample {quote(result['run'])}", markup=False)


def samples(result: Result) -> None:
    console.print("\n\n---\n\n".join(result["prompt"] + text for text in result["texts"]), markup=False)


def piece(text: str) -> None:
    print(visible(text) if sys.stdout.isatty() else text, end="", flush=True)


def exported(result: Result) -> None:
    console.print(f"Step {result['step']:,} as a Hugging Face GPT-2: {result['out']}", markup=False)


def export_plan(result: Result) -> None:
    weights = f"{size(result['bytes'])} of weights"
    console.print(
        f"Step {result['step']:,} would be a Hugging Face GPT-2 in {result['out']}: {weights}", markup=False
    )


def evaluation(result: Result) -> None:
    sizes = next((list(row["paper"]) for row in result["rows"] if row["paper"]), [])
    title = f"{result['model']}, {result['parameters']:,} parameters, beside the paper's models"
    table = new_table(title, "task", ">here", *(f">{size}" for size in sizes))
    for task, rows in groupby(result["rows"], key=lambda row: row["task"]):
        table.add_row(task + (" (kept)" if task in result["reused"] else ""))
        for row in rows:
            published = (known(row["paper"].get(size)) for size in sizes)
            metric = Padding(row["metric"].replace("_", " "), (0, 0, 0, 2))
            table.add_row(metric, known(row["value"]), *published, style="bold" if row["paper"] else "")
    console.print(table)
    console.print(f"every example: {result['results']}; against size: {result['plot']}", markup=False)


def evaluation_plan(result: Result) -> None:
    table = new_table(f"{result['model']} would be evaluated, into {result['out']}", "task", "file", ">bytes")
    for row in result["tasks"]:
        table.add_row(row["task"], escape(row["file"]), known(row["bytes"]))
    console.print(table)
