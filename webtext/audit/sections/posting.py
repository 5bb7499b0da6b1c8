"""Posting: how much karma the links had, when they were first posted, and in which subreddits."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import Block, Figure, heading, legend, numeric, sentence, table
from webtext.audit.charts import LAYERS, WHOLE, Column, columns
from webtext.audit.figures import number, percent, share
from webtext.audit.histograms import as_columns, as_table
from webtext.audit.markup import foreign
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import Sums, add_all, add_values, distribution, flags, ones
from webtext.reasons import State

TOP = 30  # subreddits
SUBREDDIT = "submissions.list.element.subreddit"
MOST_MONTHS, MOST_YEARS = 216, 60  # columns that a chart can show
KEPT = str(State.KEPT)
COUNTED = ("karma", "months", "months_kept")
BY_SUBREDDIT = ("submissions", "links", "kept")


def measure(source: Source) -> Numbers:
    counts: dict[str, Counter[Any]] = {name: Counter() for name in COUNTED}
    subreddits = Sums("subreddit", BY_SUBREDDIT)
    for of_links, of_subreddits in source.scan("links", _of_links):
        add_all(counts, of_links)
        subreddits.add(of_subreddits)
    karma, months, kept = counts.values()
    found = subreddits.table().sort_by([("submissions", "descending"), ("subreddit", "ascending")])
    submissions = pc.sum(found.column("submissions")).as_py() or 0
    top = found.slice(0, TOP).to_pylist()
    return {
        "karma": distribution(karma) | {"unknown": karma[None]},
        "published": source.has("shards", "ledger"),
        "months": [
            {"month": _name(m), "links": months[m], "kept": kept[m]} for m in sorted(filter(None, months))
        ],
        "undated": months[None],
        "submissions": submissions,
        "subreddits": found.num_rows - found.column("subreddit").null_count,
        "top_subreddits": [row | {"share": share(row["submissions"], submissions)} for row in top],
    }


def _of_links(source: Source, file: str) -> tuple[dict[str, Counter[Any]], pa.Table]:
    counts: dict[str, Counter[Any]] = {name: Counter() for name in COUNTED}
    subreddits = Sums("subreddit", BY_SUBREDDIT)
    for batch, fates in source.links(file, ["karma", "first_posted", SUBREDDIT]):
        month = _months(batch.column("first_posted"))
        keeps = pc.fill_null(pc.equal(fates.field("state"), KEPT), False)
        for counter, values in zip(
            counts.values(), (batch.column("karma"), month, month.filter(keeps)), strict=True
        ):
            add_values(counter, values)
        subreddits.add(_by_subreddit(batch.column("submissions"), keeps))
    return counts, subreddits.table()


def view(numbers: Numbers) -> list[Block]:
    blocks: list[Block] = []
    if numbers["months"]:
        blocks.append(_timeline(numbers))
    karma = numbers["karma"]
    if karma["count"]:
        layers = {"links": karma["histogram"]}
        title = "Karma of the links"
        chart = columns(
            "karma", title, as_columns(layers, "karma"), parts=["links"], axis="karma (log scale)"
        )
        caption = (title, ", the highest score of each: median ", number(karma["percentiles"]["p50"]), ".")
        blocks.append(Figure("karma", chart, caption, as_table(title, layers, "karma")))
    if karma["unknown"]:
        blocks.append(sentence(number(karma["unknown"]), " links come from sources without scores."))
    if numbers["top_subreddits"]:
        blocks.append(_subreddits(numbers))
    return blocks


def _months(times: pa.Array) -> pa.Array:
    """Months since year 0; computed on naive times, which need no time zone database."""
    naive = times.cast(pa.timestamp("us"))
    return pc.add(pc.multiply(pc.year(naive), 12), pc.subtract(pc.month(naive), 1))


def _name(month: int) -> str:
    return f"{month // 12:04d}-{month % 12 + 1:02d}"


def _by_subreddit(posts: pa.ListArray, keeps: pa.Array) -> pa.Table:
    """A row per link and subreddit: its submissions there, the link itself, whether it was kept."""
    names = pc.list_flatten(posts).field("subreddit")
    parents = pc.list_parent_indices(posts)
    pairs = pa.table([names, parents, ones(len(names))], names=["subreddit", "link", "submissions"])
    grouped = pairs.group_by(["subreddit", "link"], use_threads=False).aggregate([("submissions", "sum")])
    kept = flags(keeps.take(grouped.column("link").combine_chunks()))
    return pa.table(
        [grouped.column("subreddit"), grouped.column("submissions_sum"), ones(grouped.num_rows), kept],
        names=["subreddit", *BY_SUBREDDIT],
    )


def _timeline(numbers: Numbers) -> Figure:
    rows = _continuous(numbers["months"])
    unit = "year" if len(rows[0][0]) == 4 else "month"
    layers = ["published", "not published"] if numbers["published"] else ["links"]
    bars = [
        Column(when, (kept, links - kept) if numbers["published"] else (links,), _tick(when))
        for when, links, kept in rows
    ]
    title = f"Links by {unit} of their first submission"
    chart = columns("months", title, bars, parts=layers, axis=f"{unit} (UTC)", width=WHOLE)
    colours = legend(**dict(zip(LAYERS, layers, strict=False)))
    headings = [heading("Month"), numeric("Links"), numeric("Published")]
    cells = [(row["month"], number(row["links"]), number(row["kept"])) for row in numbers["months"]]
    return Figure("months", chart, (title, colours), table(title, headings, cells), wide=True)


def _continuous(months: list[dict[str, Any]]) -> list[tuple[str, int, int]]:
    """(when, links, kept) for every month from the first to the last, or every year if those are too many."""
    by_month = {_index(row["month"]): (row["links"], row["kept"]) for row in months}
    first, last = min(by_month), max(by_month)
    if last - first < MOST_MONTHS:
        return [(_name(month), *by_month.get(month, (0, 0))) for month in range(first, last + 1)]
    by_year: Counter[int] = Counter()
    kept: Counter[int] = Counter()
    for month, counts in by_month.items():
        by_year[month // 12] += counts[0]
        kept[month // 12] += counts[1]
    # Dates are what the sources say: a few absurd ones must not make a chart of 8,000 empty years.
    years = range(min(by_year), max(by_year) + 1)
    shown = years if len(years) <= MOST_YEARS else sorted(by_year)[-MOST_YEARS:]
    return [(f"{year:04d}", by_year[year], kept[year]) for year in shown]


def _index(month: str) -> int:
    year, number_ = month.split("-")
    return int(year) * 12 + int(number_) - 1


def _tick(when: str) -> str:
    return when.removesuffix("-01") if when.endswith("-01") or len(when) == 4 else ""


def _subreddits(numbers: Numbers) -> Block:
    headings = [heading("Subreddit"), numeric("Submissions"), numeric("Share"), numeric("Links")]
    headings += [numeric("Published")] if numbers["published"] else []
    rows = [
        [
            foreign(row["subreddit"] or "none", 40),
            number(row["submissions"]),
            percent(row["share"]),
            number(row["links"]),
            *([number(row["kept"])] if numbers["published"] else []),
        ]
        for row in numbers["top_subreddits"]
    ]
    return table(f"The subreddits with the most submissions, of {numbers['subreddits']:,}", headings, rows)


SECTION = Section("posting", "Karma, dates, subreddits", ("links",), measure, view, ("months", "karma"))
