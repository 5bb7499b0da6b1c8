"""Attrition: what became of every submission on its way to the published corpus, and why."""

import heapq
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise, takewhile
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import BARS, Block, Figure, folded, heading, numeric, prose, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent, share
from webtext.audit.markup import Child, Markup, element, foreign, link
from webtext.audit.sankey import Loss, Node, grouped, sankey
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import add_values
from webtext.reasons import SENTENCES

EXAMPLES = 3  # a reason
# Each stage that may lose rows: what goes in, and what comes out of the last one.
CHAIN = {
    "links": "Submissions",
    "pages": "Links",
    "documents": "Pages fetched",
    "clusters": "Texts passed",
    "clusters/paragraphs": "Unique texts, whole",
    "shards": "Unique texts",
}
OPTIONAL = "clusters/paragraphs"  # there only where repeated paragraphs are taken out
END = "Published"
MERGED = "same URL again"


def measure(source: Source) -> Numbers:
    examples, states = _ledger(source)
    examples |= _broken_submissions(source)
    chain = [name for name in CHAIN if name != OPTIONAL or source.has(name)]
    stages = [_stage(source, name, examples) for name in takewhile(source.has, chain)]
    return {
        "stages": stages,
        "states": dict(sorted(states.items())),
        "sources": [_source(facts) for facts in _sources(source)],
        "broken": list(_broken(source, stages, sum(states.values()))),
    }


def view(numbers: Numbers) -> list[Block]:
    nodes = _nodes(numbers["stages"])
    title = "What became of every submission"
    chart = Figure("attrition", sankey("attrition", title, nodes), title, wide=True)
    blocks: list[Block] = [*(wide(_warning(line)) for line in numbers["broken"]), chart]
    if numbers["sources"]:
        blocks.append(wide(folded("Where the submissions came from", _origins(numbers["sources"]))))
    return [*blocks, *(wide(_reasons(stage)) for stage in numbers["stages"] if stage["dropped"])]


def _ledger(source: Source) -> tuple[dict[str, list[Any]], Counter[str]]:
    """Per reason the links with the smallest ids; how many links are in which state."""
    smallest: dict[str, list[Any]] = {}
    states: Counter[str] = Counter()
    for some, counts in source.scan("ledger", _of_ledger):
        states.update(counts)
        for reason, rows in some.items():
            smallest[reason] = _smallest(smallest.get(reason, []) + rows)
    return smallest, states


def _of_ledger(source: Source, file: str) -> tuple[dict[str, list[Any]], Counter[str]]:
    smallest: dict[str, list[Any]] = {}
    states: Counter[str] = Counter()
    for batch in source.partition("ledger", file, ["id", "url", "state", "reason", "detail"]):
        add_values(states, batch.column("state"))
        dropped = pa.Table.from_batches([batch]).filter(pc.field("reason").is_valid())
        for reason in dropped.column("reason").unique().to_pylist():
            rows = dropped.filter(pc.field("reason") == reason).select(["id", "url", "detail"])
            first = pc.select_k_unstable(rows, EXAMPLES, [("id", "ascending")])
            found = [(row["id"], row["url"], row["detail"]) for row in rows.take(first).to_pylist()]
            smallest[reason] = _smallest(smallest.get(reason, []) + found)
    return smallest, states


def _smallest(rows: list[Any]) -> list[Any]:
    return heapq.nsmallest(EXAMPLES, rows, key=lambda row: row[0])


def _sources(source: Source) -> list[dict[str, Any]]:
    """What the links' manifest remembers of each source."""
    manifest = source.manifest("links")
    found: list[dict[str, Any]] = manifest.extra.get("sources", []) if manifest else []
    return found


def _broken_submissions(source: Source) -> dict[str, list[Any]]:
    """Per reason the first broken line or URL of each source: those have no link to be found by."""
    examples: dict[str, list[Any]] = {}
    for facts in _sources(source):
        for reason, text in facts.get("examples", {}).items():
            examples.setdefault(reason, []).append((None, text, None))
    return {reason: found[:EXAMPLES] for reason, found in examples.items()}


def _source(facts: dict[str, Any]) -> dict[str, Any]:
    """A source by its file's name; where that file was is nobody's business."""
    name = facts["source"]
    dropped = sum(facts["dropped"].values())
    return {
        "source": name if name.startswith("reddit:") else name.rsplit("/", 1)[-1],
        "submissions": facts["in"],
        "dropped": dropped,
        "dropped_share": share(dropped, facts["in"]),
        "broken": facts.get("broken"),
    }


def _stage(source: Source, name: str, examples: dict[str, list[Any]]) -> dict[str, Any]:
    manifest = source.manifest(name)
    assert manifest is not None
    counts = manifest.counts
    order = sorted(counts.dropped.items(), key=lambda item: (-item[1], item[0]))
    dropped = [
        {
            "reason": reason,
            "sentence": SENTENCES.get(reason, reason),
            "count": count,
            "share": share(count, counts.into),
            "examples": [{"id": i, "url": u, "detail": d} for i, u, d in examples.get(reason, [])],
        }
        for reason, count in order
        if count
    ]
    head = {"table": name, "in": counts.into, "out": counts.out, "merged": counts.merged}
    return head | {"dropped_count": sum(counts.dropped.values()), "dropped": dropped}


def _broken(source: Source, stages: list[dict[str, Any]], ledger_rows: int) -> Iterator[str]:
    """What an honest corpus never shows: a sentence each."""
    for stage in stages:
        left = stage["out"] + stage["merged"] + stage["dropped_count"]
        if stage["in"] != left:
            yield f"{stage['table']} does not balance: {stage['in']:,} went in, {left:,} are accounted for."
    for before, after in pairwise(stages):
        if before["out"] != after["in"]:
            yield (
                f"{after['table']} was made from {after['in']:,} rows, but {before['table']} now gives "
                f"{before['out']:,}: {after['table']} is stale, run its stage again."
            )
    if source.has("ledger") and ledger_rows != stages[0]["out"]:
        yield f"The ledger has {ledger_rows:,} rows for {stages[0]['out']:,} links: run the last stage again."


def _nodes(stages: list[dict[str, Any]]) -> list[Node]:
    """The chain up to its end, or to the first stage that was made from something else."""
    nodes: list[Node] = []
    for stage, after in zip(stages, [*stages[1:], None], strict=True):
        losses = [Loss(drop["reason"], drop["count"]) for drop in stage["dropped"]]
        merged = (Loss(MERGED, stage["merged"], merged=True),) if stage["merged"] else ()
        nodes.append(Node(CHAIN[stage["table"]], stage["in"], (*merged, *grouped(losses))))
        if after is None or after["in"] != stage["out"]:
            break
    paragraphs = any(stage["table"] == OPTIONAL for stage in stages)
    labels = [label for name, label in CHAIN.items() if name != OPTIONAL or paragraphs]
    return [*nodes, Node([*labels, END][len(nodes)], stage["out"], ())]


def _origins(sources: list[dict[str, Any]]) -> Markup:
    headings = [
        heading("Source"),
        numeric("Submissions"),
        numeric("Dropped"),
        numeric("Share"),
        heading("Note"),
    ]
    rows = [
        (
            foreign(row["source"]),
            number(row["submissions"]),
            number(row["dropped"]),
            percent(row["dropped_share"]),
            foreign(row["broken"]) if row["broken"] else None,
        )
        for row in sources
    ]
    return table("Sources of submissions", headings, rows)


def _reasons(stage: dict[str, Any]) -> Markup:
    headings = [
        heading("Reason"),
        numeric("Count"),
        numeric("Share"),
        BARS,
        heading("What it means"),
    ]
    caption = f"{CHAIN[stage['table']]}: {stage['dropped_count']:,} of {stage['in']:,} dropped"
    most = stage["dropped"][0]["share"]
    rows = [
        (
            element("code", drop["reason"]),
            number(drop["count"]),
            percent(drop["share"]),
            bar(drop["share"] / most if most else 0, "lost"),
            _meaning(drop),
        )
        for drop in stage["dropped"]
    ]
    return table(caption, headings, rows)


def _meaning(drop: dict[str, Any]) -> Markup:
    examples = [
        element("div", link(row["url"], 90), _detail(row["detail"]), class_="example")
        for row in drop["examples"]
    ]
    meaning = element("span", prose(drop["sentence"]))
    return folded(meaning, examples) if examples else meaning


def _detail(detail: str | None) -> Child:
    return (" ", element("small", foreign(detail, 120))) if detail else None


def _warning(line: str) -> Markup:
    return element("p", element("strong", "Does not add up. "), line, class_="warning")


SECTION = Section("attrition", "Attrition", ("links",), measure, view, ("attrition",))
