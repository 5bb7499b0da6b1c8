"""Results for a person at a terminal; `--json` prints the same results for programs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from shlex import quote

from rich.markup import escape
from rich.text import Text

from webtext.tally import counted, duration, slowest
from webtext.terminal import Result, console, known, new_table, print_facts


def crawl(result: Result) -> None:
    _counts({name: result[name] for name in ("links", "pages", "ledger")})
    if result["pages"]["out"]:
        console.print(f"Next: webtext build-shards {quote(result['corpus'])}", markup=False)


def build(result: Result) -> None:
    _counts({name: counts for name, counts in result.items() if name not in ("corpus", "duplicates")})
    if found := result["duplicates"]:
        _duplicates(found)
    corpus = quote(result["corpus"])
    console.print(f"Next: webtext train {corpus} --out RUN, webtext audit {corpus}", markup=False)


def status(result: Result) -> None:
    title = f"{result['corpus']} (recipe {result['recipe']})"
    table = new_table(title, "stage", "state", ">in", ">out", "dropped", ">rows/s")
    for row in result["stages"]:
        counts, last = row["counts"] or {}, row["last_run"] or {}
        rate = f"{last['rows'] / max(last['seconds'], 0.001):,.0f}" if last else ""
        state = f"{row['state']}: {row['why']}" if row["why"] else row["state"]
        table.add_row(
            row["stage"],
            escape(state),
            known(counts.get("in")),
            known(counts.get("out")),
            _left(counts),
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


def comparison(result: Result) -> None:
    names = [f">{name}" for name in result["corpora"]]
    table = new_table("", "what", *names)
    for row in result["counts"]:
        table.add_row(row["name"], known(row["a"]), known(row["b"]))
    for row in result["shared"]:
        table.add_row(f"{row['what']} in both", f"{row['a_share']:.1%}", f"{row['b_share']:.1%}")
    console.print(table)
    console.print(f"Report: {result['report']}", markup=False)


def audit(result: Result) -> None:
    if found := result.get("overlap"):
        table = new_table("8-grams of test sets", "file", ">8-grams", ">in corpus %", ">in own %", ">paper %")
        for name, row in found.items():
            own, paper = row["own"] or {}, row["paper"] or {}
            table.add_row(
                escape(name),
                *map(known, (row["ngrams"], row["percent"], own.get("percent"), paper.get("webtext"))),
            )
        console.print(table)
    console.print(f"Report: {result['report']}", markup=False)


def explanation(story: Result) -> None:
    ledger = story["ledger"]
    if story["found"]:
        console.print(f"{story['asked']}: {story['found']}:", markup=False)
    console.print(f"[bold]{escape(story['url'])}[/bold]  (id {story['id']})")
    if ledger:
        reason = f", {ledger['reason']}" if ledger["reason"] else ""
        console.print(f"{ledger['state']}{reason} at stage {ledger['stage']}: {escape(story['sentence'])}")
        if ledger["detail"]:
            console.print(escape(ledger["detail"]), style="dim")
    _posts(story["link"])
    told = {"id", "url", "text", *(row["measure"] for row in story.get("measures", ()))}
    for name in ("page", "document", "cluster", "paragraphs", "contaminated", "shard"):
        if story.get(name):
            print_facts(name, {key: value for key, value in story[name].items() if key not in told})
    if story.get("measures"):
        measures = new_table("measures and thresholds", "measure", ">value", "rule", ">threshold", "says")
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


def demo(result: Result) -> None:
    table = new_table("Planted in the mini web, and found", "what", ">planted", ">found", "became")
    for row in result["planted"]:
        style = "" if row["found"] == row["planted"] else "bold red"
        table.add_row(row["kind"], str(row["planted"]), str(row["found"]), row["expected"], style=style)
    console.print(table)
    console.print("\n[bold]A sample of the model[/bold]")
    console.print(result["sample"], markup=False)
    print_facts("\nThe model", result["training"])
    console.print("\n[bold]What to look at[/bold]")
    for what, where in result["look_at"].items():
        console.print(f"  {what}: {where}", markup=False)


def _posts(link: Result) -> None:
    title = f"posted as {link['url_as_posted']}"
    if not link["submissions"]:
        console.print(f"{title}, by a source without submissions", markup=False)
        return
    table = new_table(title, "submission", "subreddit", ">score", "created", "title")
    for post in link["submissions"]:
        seconds = post["created_utc"]
        created = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
        cells = (post["id"], post["subreddit"], post["score"], created, post["title"])
        table.add_row(*("" if cell is None else escape(str(cell)) for cell in cells))
    console.print(table)


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
    title = f"{counted(found['clusters'], 'cluster')} of two or more, by size"
    sizes = new_table(title, ">documents in it", ">clusters")
    for step in found["sizes"]:
        span = f"{step['from']:,}" if step["from"] == step["to"] else f"{step['from']:,}–{step['to']:,}"
        sizes.add_row(span, known(step["clusters"]))
    console.print(sizes)
    largest = new_table("The largest clusters", ">documents", "kept")
    for cluster in found["largest"]:
        largest.add_row(known(cluster["documents"]), escape(cluster["url"] or cluster["id"]))
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
    table = new_table("", "table", ">in", ">out", ">merged", "dropped")
    for name, counts in tables.items():
        table.add_row(name, *(known(counts[key]) for key in ("in", "out", "merged")), _drops(counts))
    console.print(table)


def _left(counts: Result) -> str:
    """Why there is less out than in, all of it."""
    merged = f"{counts['merged']:,} merged" if counts.get("merged") else ""
    return "; ".join(filter(None, (_drops(counts), merged)))


def _drops(counts: Result) -> str:
    most = sorted(counts.get("dropped", {}).items(), key=lambda item: -item[1])
    return ", ".join(f"{reason} {count:,}" for reason, count in most)
