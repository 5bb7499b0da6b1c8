"""Captures: how long after its first submission each published page was fetched, by source.

What was fetched years later is often not what was linked to; archives come closer.
"""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import Block, Figure, heading, legend, numeric, sentence, table
from webtext.audit.charts import columns
from webtext.audit.figures import number, percent, share
from webtext.audit.histograms import as_columns, as_table
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import add_all, add_values, distribution, histogram
from webtext.reasons import LIVE

SHOWN = ("p10", "p50", "p90")
DAY_S = 86_400


def measure(source: Source) -> Numbers:
    """Days by source; `before` were captured before the link was first posted, `undated` lack either time."""
    days: dict[str, Counter[Any]] = {}
    counts: Counter[str] = Counter()
    for some, of_shard in source.scan("shards", _of_shard):
        add_all(days, some)
        counts.update(of_shard)
    return {
        **{name: counts[name] for name in ("documents", "before", "undated")},
        "days": {name: distribution(days[name]) for name in sorted(days)},
        "live": histogram(days.get(LIVE, Counter())),
        "archives": histogram(sum((days[name] for name in days if name != LIVE), Counter())),
    }


def _of_shard(source: Source, file: str) -> tuple[dict[str, Counter[Any]], Counter[str]]:
    days: dict[str, Counter[Any]] = {}
    counts: Counter[str] = Counter()
    for batch in source.partition("shards", file, ["source", "first_posted", "captured_at"]):
        counts["documents"] += batch.num_rows
        posted, captured = (_seconds(batch.column(name)) for name in ("first_posted", "captured_at"))
        rows = pa.table([batch.column("source"), pc.subtract(captured, posted)], names=["source", "s"])
        counts["undated"] += rows.column("s").null_count
        rows = rows.filter(pc.field("s").is_valid())
        counts["before"] += pc.sum(pc.less(rows.column("s"), 0)).as_py() or 0
        rows = rows.filter(pc.field("s") >= 0)
        for name in rows.column("source").unique().to_pylist():
            found = rows.filter(pc.field("source") == name).column("s")
            add_values(days.setdefault(name, Counter()), pc.divide(found, DAY_S))
    return days, counts


def view(numbers: Numbers) -> list[Block]:
    said = sentence(
        number(numbers["before"]), " of ", number(numbers["documents"]),
        " published pages were captured before their link was first posted, ", number(numbers["undated"]),
        " have no date to compare.",
    )  # fmt: skip
    if not numbers["days"]:
        return [said]
    layers = {"live": numbers["live"], "from archives": numbers["archives"]}
    title = "Days from the first submission to the capture"
    chart = columns(
        "captures", title, as_columns(layers, "days"), parts=list(layers), axis="days (log scale)"
    )
    headings = [heading("Source"), numeric("Documents"), numeric("Share")]
    headings += [numeric("Median" if rank == "p50" else rank) for rank in SHOWN]
    rows = [
        (
            name,
            number(found["count"]),
            percent(share(found["count"], numbers["documents"])),
            *(number(found["percentiles"][rank]) for rank in SHOWN),
        )
        for name, found in numbers["days"].items()
    ]
    by_source = table("Days to the capture, by source", headings, rows)
    caption = (title, legend(kept="fetched live", lost="from archives"))
    return [Figure("captures", chart, caption, as_table(title, layers, "days")), by_source, said]


def _seconds(times: pa.Array) -> pa.Array:
    return pc.divide(times.cast(pa.timestamp("us")).cast(pa.int64()), 1_000_000)


SECTION = Section("captures", "Captured and posted", ("shards",), measure, view, ("captures",))
