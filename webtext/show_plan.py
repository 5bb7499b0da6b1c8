"""What `--dry-run` says, for a person at a terminal."""

import json

from rich.markup import escape

from webtext import show
from webtext.tally import duration
from webtext.terminal import Result, console, known, new_table, print_facts, size


def crawl(result: Result) -> None:
    times: Result = {name: duration(value) for name, value in result.items() if "_seconds" in name}
    facts = result | times
    for source, columns in facts.pop("columns", {}).items():
        taken = ", ".join(f"{field} from `{column}`" for field, column in columns.items())
        console.print(f"{source}: takes {taken}", markup=False)
    facts["estimated_warc"] = size(facts.pop("estimated_warc_mb") * 1e6)
    facts["assumptions"] = facts.pop("assumptions")
    if not result["archives_links_at_most"]:
        facts = {key: value for key, value in facts.items() if not key.startswith(("archives_", "dead_"))}
    refused = facts.pop("refused")
    print_facts("What a crawl would do", facts)
    if refused:
        console.print(f"It would be refused: {refused}", markup=False)


def demo(result: Result) -> None:
    table = new_table("What the demo would make", "where", "what")
    for where, what in result["steps"].items():
        table.add_row(escape(f"{result['out']}/{where}"), what)
    console.print(table)
    console.print(f"In {result['takes']}; what is there already is not made again", markup=False)


def audit(result: Result) -> None:
    table = new_table("What an audit would read", "what", ">rows", ">bytes")
    for row in result["reads"]:
        table.add_row(escape(row["what"]), known(row["rows"]), known(row["bytes"]))
    console.print(table)
    console.print(f"It would write {', '.join(result['writes'])} to {result['out']}", markup=False)


def build(result: Result) -> None:
    show.status(result)
    plan = result["estimate"]
    if not plan:
        return
    sample, total = plan["sample"], plan["total"]
    measured = f"{sample['pages']:,} pages" if sample["pages"] else f"{sample['texts']:,} texts"
    table = new_table(
        f"What a build would take, measured on {measured} in {sample['seconds']:.0f} s",
        "stage",
        ">rows",
        ">CPU",
        ">memory a task",
        ">disk",
        f">{plan['workers']:,} workers",
        "limit",
    )
    whole = total | {"stage": "all", "rows": None, "cpu_seconds": total["cpu_hours"] * 3600, "limit": ""}
    for row in (*plan["stages"], whole):
        table.add_row(
            row["stage"],
            known(row["rows"]),
            duration(row["cpu_seconds"]),
            size(row["memory_mb"] * 1e6),
            size(row["disk_mb"] * 1e6),
            duration(row["seconds"]),
            row["limit"],
        )
    console.print(table)
    console.print(f"At most {size(total['disk_mb_at_most'] * 1e6)} of disk while it runs", markup=False)
    for line in plan["limits"]:
        console.print(f"Limit: {line}", markup=False)
    console.print(f"Assumed: {plan['assumptions']}", markup=False)


def training(result: Result) -> None:
    """The settings, a section a line, and what they would take."""
    facts = dict(result)
    for section, table in facts.pop("settings").items():
        line = ", ".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
        console.print(f"[{section}] {line}", markup=False)
    facts["ms_per_step"] = facts.pop("seconds_per_step") * 1000
    facts["time_in_steps"] = duration(facts.pop("seconds"))
    known_ones = {key: value for key, value in facts.items() if value is not None}
    print_facts("What a training would take, measured on a part of a step", known_ones)
    needed = result["checkpoint_gb"] * result["checkpoints"]
    if result["free_gb"] < needed:
        console.print(f"Limit: checkpoints take {needed:,.1f} GB, more than is free", markup=False)
