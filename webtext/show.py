"""Results for a person at a terminal; `--json` prints the same results for programs."""

import time
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from webtext.tally import duration, slowest

Result = dict[str, Any]
REMOVED_SHOWN = 20  # links, on a terminal
console = Console(highlight=False, soft_wrap=True)


def crawl(result: Result) -> None:
    _counts({name: result[name] for name in ("links", "pages", "ledger")})
    console.print(f"Next: webtext build-shards {result['corpus']}", markup=False)


def crawl_plan(result: Result) -> None:
    times: Result = {name: duration(value) for name, value in result.items() if "_seconds" in name}
    _facts("What a crawl would do", result | times)


def build(result: Result) -> None:
    _counts({name: counts for name, counts in result.items() if name not in ("corpus", "duplicates")})
    if found := result["duplicates"]:
        _duplicates(found)
    console.print(
        f"Next: webtext train {result['corpus']} --out RUN, webtext audit {result['corpus']}", markup=False
    )


def status(result: Result) -> None:
    table = _table(
        f"{result['corpus']} (recipe {result['recipe']})",
        "stage",
        "state",
        ">in",
        ">out",
        "dropped",
        ">rows/s",
    )
    for row in result["stages"]:
        counts, last = row["counts"] or {}, row["last_run"] or {}
        rate = f"{last['rows'] / max(last['seconds'], 0.001):,.0f}" if last else ""
        state = f"{row['state']}: {row['why']}" if row["why"] else row["state"]
        table.add_row(
            row["stage"],
            escape(state),
            _number(counts.get("in")),
            _number(counts.get("out")),
            _drops(counts),
            rate,
        )
    console.print(table)
    for row in result["stages"]:
        for line in _told(row):
            console.print(f"{row['stage']}: {line}", markup=False)


def _told(row: Result) -> Iterator[str]:
    """What the terminal showed of a run that has not ended, and what its last run waited for."""
    if now := row["now"]:
        left = f", {duration(now['seconds_left'])} left" if now["seconds_left"] is not None else ""
        waits = f"; slowest: {slowest(now['slowest_left_s'])}" if now["slowest_left_s"] else ""
        drops = f" ({_drops(now)})" if now["dropped"] else ""
        yield (
            f"{duration(max(time.time() - now['at'], 0))} ago {now['rows']:,} of {now['total']:,}, "
            f"{now['rows_per_s']:,.0f}/s{left}{drops}{waits}"
        )
    elif waited := (row["last_run"] or {}).get("slowest_s"):
        yield f"the last run waited longest for {slowest(waited)}"


def training(result: Result) -> None:
    _facts("Training", result)
    console.print(f"Next: webtext sample {result['run']}", markup=False)


def samples(result: Result) -> None:
    console.print("\n\n---\n\n".join(result["prompt"] + text for text in result["texts"]), markup=False)


def piece(text: str) -> None:
    print(text, end="", flush=True)


def exported(result: Result) -> None:
    console.print(f"Step {result['step']:,} as a Hugging Face GPT-2: {result['out']}", markup=False)


def removal(result: Result) -> None:
    would = "would go" if result["dry_run"] else "are gone"
    console.print(f"{result['links']:,} links of the corpus {would}")
    for row in result["removed"][:REMOVED_SHOWN]:
        console.print(f"  {row['url']}: {row['why']}", markup=False)
    if (more := result["links"] - REMOVED_SHOWN) > 0:
        console.print(f"  and {more:,} more (--json names all)")
    for what in result["not_found"]:
        console.print(f"not in the corpus, and kept out from now on: {what}", markup=False)
    if result["dry_run"]:
        return
    archive = result["archive"]
    console.print(f"{archive['records']:,} records of the archive emptied ({archive['bytes']:,} bytes)")
    if archive["shared"]:
        console.print(f"{archive['shared']:,} records stay: pages that stay have the same content")
    table = _table("", "what", ">before", ">after")
    for name, count in result["before"].items():
        table.add_row(name, _number(count), _number(result["after"][name]))
    table.add_row("shard files changed", "", _number(result["shard_files_changed"]))
    console.print(table)
    if result["crawl_unfinished"]:
        console.print("The crawl has not ended: what it fetched lately goes when it does.")


def comparison(result: Result) -> None:
    names = [f">{name}" for name in result["corpora"]]
    table = _table("", "what", *names)
    for row in result["counts"]:
        table.add_row(row["name"], _number(row["a"]), _number(row["b"]))
    for row in result["shared"]:
        table.add_row(f"{row['what']} in both", f"{row['a_share']:.1%}", f"{row['b_share']:.1%}")
    console.print(table)
    console.print(f"Report: {result['report']}", markup=False)


def audit(result: Result) -> None:
    if found := result.get("overlap"):
        table = _table("8-grams of test sets", "file", ">8-grams", ">in corpus %", ">in own %", ">paper %")
        for name, row in found.items():
            own, paper = row["own"] or {}, row["paper"] or {}
            table.add_row(
                escape(name),
                *map(_number, (row["ngrams"], row["percent"], own.get("percent"), paper.get("webtext"))),
            )
        console.print(table)
    console.print(f"Report: {result['report']}", markup=False)


def explanation(story: Result) -> None:
    ledger, link = story["ledger"], story["link"]
    console.print(f"[bold]{escape(story['url'])}[/bold]  (id {story['id']})")
    if ledger:
        reason = f", {ledger['reason']}" if ledger["reason"] else ""
        console.print(f"{ledger['state']}{reason} at stage {ledger['stage']}: {escape(story['sentence'])}")
        if ledger["detail"]:
            console.print(escape(ledger["detail"]), style="dim")
    posts = _table(
        f"posted as {link['url_as_posted']}", "submission", "subreddit", ">score", ">created", "title"
    )
    for post in link["submissions"]:
        posts.add_row(
            *(escape(str(post[key])) for key in ("id", "subreddit", "score", "created_utc", "title"))
        )
    console.print(posts)
    told = {"id", "url", "text", *(row["measure"] for row in story.get("measures", ()))}
    for name in ("page", "document", "cluster", "paragraphs", "contaminated", "shard"):
        if story.get(name):
            _facts(name, {key: value for key, value in story[name].items() if key not in told})
    if story.get("measures"):
        measures = _table("measures and thresholds", "measure", ">value", "rule", ">threshold", "says")
        for row in story["measures"]:
            style = "bold red" if row["says"] == "refuses" else "dim" if not row["says"] else ""
            cells = (escape(str(row[key])) for key in ("measure", "value", "rule", "threshold", "says"))
            measures.add_row(*cells, style=style)
        console.print(measures)
    if story.get("kept"):
        similarity = f"similarity {story['cluster']['similarity']:.3f}"
        console.print(f"kept instead: {story['kept']['url']}, {similarity}", markup=False)
        _difference(story["difference"])
    if text := (story["document"] or {}).get("text"):
        console.print(f"\n{text[:600]}{'…' if len(text) > 600 else ''}", markup=False)


def evaluation(result: Result) -> None:
    sizes = next((list(row["paper"]) for row in result["rows"] if row["paper"]), [])
    title = f"{result['model']}, {result['parameters']:,} parameters, beside the paper's models"
    table = _table(title, "task", "metric", ">here", *(f">{size}" for size in sizes))
    told = ""
    for row in result["rows"]:
        published = (_number(row["paper"].get(size)) for size in sizes)
        name = (
            ""
            if row["task"] == told
            else row["task"] + (" (kept)" if row["task"] in result["reused"] else "")
        )
        told = row["task"]
        cells = (name, row["metric"].replace("_", " "), _number(row["value"]), *published)
        table.add_row(*cells, style="bold" if row["paper"] else "")
    console.print(table)
    console.print(f"every example: {result['results']}; against size: {result['plot']}", markup=False)


def evaluation_plan(result: Result) -> None:
    table = _table(f"{result['model']} would be evaluated, into {result['out']}", "task", "file", ">bytes")
    for row in result["tasks"]:
        table.add_row(row["task"], escape(row["file"]), _number(row["bytes"]))
    console.print(table)


def demo(result: Result) -> None:
    table = _table("Planted in the mini web, and found", "what", ">planted", ">found", "became")
    for row in result["planted"]:
        style = "" if row["found"] == row["planted"] else "bold red"
        table.add_row(row["kind"], str(row["planted"]), str(row["found"]), row["expected"], style=style)
    console.print(table)
    console.print("\n[bold]A sample of the model[/bold]")
    console.print(result["sample"], markup=False)
    _facts("\nThe model", result["training"])
    console.print("\n[bold]What to look at[/bold]")
    for what, where in result["look_at"].items():
        console.print(f"  {what}: {where}", markup=False)


def _duplicates(found: Result) -> None:
    """The recall curve, the pairs, clusters by size, and the largest clusters."""
    if banding := found["banding"]:
        curve = ", ".join(f"{similarity} {share:.1%}" for similarity, share in banding["curve"].items())
        console.print(
            f"\nNear duplicates: {banding['bands']} bands × {banding['rows']} rows find "
            f"{banding['recall_above']:.1%} of the pairs from similarity {banding['threshold']:g} on "
            f"({curve})"
        )
        if banding["warning"]:
            console.print(banding["warning"], style="bold red", markup=False)
        pairs = {name: f"{count:,}" for name, count in found["pairs"].items()}
        console.print(
            f"Pairs: {pairs['compared']} compared, {pairs['verified']} verified, {pairs['refused']} refused"
        )
    if taken := found.get("paragraphs"):
        console.print(
            f"Paragraphs that a domain repeats: {taken['paragraphs']:,} taken out of {taken['documents']:,} "
            f"documents ({taken['chars']:,} characters); {taken['dropped']:,} documents had too little left"
        )
    if not found["clusters"]:
        return
    sizes = _table(f"{found['clusters']:,} clusters of two or more, by size", ">documents in it", ">clusters")
    for step in found["sizes"]:
        span = f"{step['from']:,}" if step["from"] == step["to"] else f"{step['from']:,}–{step['to']:,}"
        sizes.add_row(span, _number(step["clusters"]))
    console.print(sizes)
    largest = _table("The largest clusters", ">documents", "kept")
    for cluster in found["largest"]:
        largest.add_row(_number(cluster["documents"]), escape(cluster["url"] or cluster["id"]))
    console.print(largest)


def _difference(lines: list[str] | None) -> None:
    if lines is None:
        return
    console.print(
        "[-only in the kept one-] {+only in this one+}" if lines else "word for word the same", markup=False
    )
    for line in lines:
        text = Text(f"  {line}")
        text.highlight_regex(r"\[-.*?-\]", "red")
        text.highlight_regex(r"\{\+.*?\+\}", "green")
        console.print(text)


def _counts(tables: dict[str, Result]) -> None:
    table = _table("", "table", ">in", ">out", ">merged", "dropped")
    for name, counts in tables.items():
        table.add_row(name, *(_number(counts[key]) for key in ("in", "out", "merged")), _drops(counts))
    console.print(table)


def _facts(title: str, facts: Result) -> None:
    table = _table(title, "", "", header=False)
    for key, value in facts.items():
        table.add_row(
            key.replace("_", " "), escape(_number(value) if isinstance(value, int | float) else str(value))
        )
    console.print(table)


def _drops(counts: Result) -> str:
    most = sorted(counts.get("dropped", {}).items(), key=lambda item: -item[1])
    return ", ".join(f"{reason} {count:,}" for reason, count in most)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}"


def _table(title: str, *columns: str, header: bool = True) -> Table:
    """Columns whose name starts with ">" are numbers, set to the right."""
    table = Table(
        title=escape(title) or None, title_justify="left", box=None, show_header=header, pad_edge=False
    )
    for column in columns:
        table.add_column(column.removeprefix(">"), justify="right" if column.startswith(">") else "left")
    return table
