"""Duplicates: how many texts repeat another one, in how large clusters, and which are the largest."""

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import Block, Figure, folded, heading, numeric, sentence, table, wide
from webtext.audit.charts import Column, columns
from webtext.audit.figures import number, percent, plain, share
from webtext.audit.histograms import as_columns, as_table
from webtext.audit.markup import Child, Markup, element, foreign, link
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import Sums, add_values, histogram, ones

LARGEST = 10  # clusters
MEMBERS = 12  # of each, shown
STEPS = 50  # of similarity between 0 and 1
ROUNDING = 1e-9  # far less than what parts two similarities


def measure(source: Source) -> Numbers:
    kinds: Counter[Any] = Counter()
    near: Counter[Any] = Counter()
    dropped = Sums("cluster", ("dropped",))
    for of_kind, of_similarity, of_cluster in source.scan("clusters", _of_clusters):
        kinds.update(of_kind)
        near.update(of_similarity)
        dropped.add(of_cluster)
    clusters = dropped.table()
    sizes: Counter[Any] = Counter()
    add_values(sizes, pc.add(clusters.column("dropped"), 1))
    documents = sum(kinds.values())
    return {
        "documents": documents,
        "kept": kinds["none"],
        "kinds": {kind: kinds[kind] for kind in ("exact", "near")},
        "shares": {kind: share(kinds[kind], documents) for kind in ("exact", "near")},
        "clusters": clusters.num_rows,
        "sizes": histogram(sizes),
        "similarity": _similarities(near),
        "largest": _largest(source, clusters),
    }


def _of_clusters(source: Source, file: str) -> tuple[Counter[Any], Counter[Any], pa.Table]:
    kinds: Counter[Any] = Counter()
    near: Counter[Any] = Counter()
    dropped = Sums("cluster", ("dropped",))
    for batch in source.partition("clusters", file, ["cluster", "duplicate", "kept", "similarity"]):
        add_values(kinds, batch.column("duplicate"))
        rows = pa.Table.from_batches([batch]).filter(~pc.field("kept"))
        dropped.add(pa.table([rows.column("cluster"), ones(rows.num_rows)], names=["cluster", "dropped"]))
        similar = rows.filter(pc.field("duplicate") == "near").column("similarity")
        steps = pc.add(pc.multiply(similar, STEPS), ROUNDING)  # 0.58 * 50 is less than 29
        add_values(near, pc.cast(pc.floor(steps), pa.int64()))
    return kinds, near, dropped.table()


def view(numbers: Numbers) -> list[Block]:
    blocks: list[Block] = [wide(_said(numbers))]
    if numbers["sizes"]:
        layers = {"clusters": numbers["sizes"]}
        title = "Documents per cluster of two or more"
        bars = as_columns(layers, "documents")
        chart = columns(
            "clusters", title, bars, parts=["clusters"], axis="documents in the cluster (log scale)"
        )
        blocks.append(Figure("clusters", chart, title, as_table(title, layers, "documents")))
    if numbers["similarity"]:
        blocks.append(_similarity(numbers["similarity"]))
    if numbers["largest"]:
        largest = [_cluster(cluster) for cluster in numbers["largest"]]
        blocks.append(wide(element("h3", "The largest clusters"), largest))
    return blocks


def _similarities(near: Counter[Any]) -> list[dict[str, Any]]:
    known = [step for step in near if step is not None]
    if not known:
        return []
    steps = range(min(known), max(known) + 1)
    return [{"from": step / STEPS, "below": (step + 1) / STEPS, "count": near[step]} for step in steps]


def _largest(source: Source, clusters: pa.Table) -> list[dict[str, Any]]:
    order = clusters.sort_by([("dropped", "descending"), ("cluster", "ascending")]).slice(0, LARGEST)
    wanted: list[str] = order.column("cluster").to_pylist()
    shown: dict[str, list[dict[str, Any]]] = {cluster: [] for cluster in wanted}
    for members in source.scan("clusters", _members, wanted):
        shown = {cluster: _first(rows + members[cluster]) for cluster, rows in shown.items()}
    urls = source.urls({*shown, *(row["id"] for found in shown.values() for row in found)})
    return [
        {
            "cluster": row["cluster"],
            "size": row["dropped"] + 1,
            "url": urls.get(row["cluster"]),
            "dropped": [member | {"url": urls.get(member["id"])} for member in shown[row["cluster"]]],
        }
        for row in order.to_pylist()
    ]


def _members(source: Source, file: str, clusters: list[str]) -> dict[str, list[dict[str, Any]]]:
    """What a partition dropped for these clusters: the first MEMBERS of each."""
    columns_, wanted = ["id", "cluster", "duplicate", "similarity"], pa.array(clusters, pa.string())
    rows: dict[str, list[dict[str, Any]]] = {cluster: [] for cluster in clusters}
    for batch in source.partition("clusters", file, [*columns_, "kept"]):
        mask = pc.and_(pc.is_in(batch.column("cluster"), wanted), pc.invert(batch.column("kept")))
        for row in batch.filter(mask).select(columns_).to_pylist():
            rows[row.pop("cluster")].append(row)
        rows = {cluster: _first(found) for cluster, found in rows.items()}  # a cluster may have millions
    return rows


def _first(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: row["id"])[:MEMBERS]


def _said(numbers: Numbers) -> Markup:
    kinds, shares = numbers["kinds"], numbers["shares"]
    return sentence(
        "Of ", number(numbers["documents"]), " texts that passed the filters, ",
        number(kinds["exact"]), " (", percent(shares["exact"]), ") repeat another one exactly and ",
        number(kinds["near"]), " (", percent(shares["near"]), ") nearly. They form ",
        number(numbers["clusters"]), " clusters of two or more; one document of each is kept.",
    )  # fmt: skip


def _similarity(buckets: list[dict[str, Any]]) -> Figure:
    title = "Similarity of near duplicates to the document that is kept"
    ranges = [_range(bucket["from"], bucket["below"]) for bucket in buckets]
    ticks = [f"{b['from']:.2f}" if n % 5 == 0 or len(buckets) < 12 else "" for n, b in enumerate(buckets)]
    bars = [Column(r, (b["count"],), t) for r, b, t in zip(ranges, buckets, ticks, strict=True)]
    chart = columns(
        "similarity", title, bars, parts=["documents"], axis="Jaccard similarity of word shingles"
    )
    headings = [heading("Similarity"), numeric("Documents")]
    cells = [(r, number(bucket["count"])) for r, bucket in zip(ranges, buckets, strict=True)]
    return Figure("similarity", chart, title, table(title, headings, cells))


def _range(start: float, below: float) -> str:
    return f"{start:.2f}" if start == 1 else f"{start:.2f}–{below:.2f}"  # nothing is more alike than alike


def _cluster(cluster: dict[str, Any]) -> Markup:
    shown, size = cluster["dropped"], cluster["size"]
    headings = [heading("Dropped"), heading("Duplicate"), numeric("Similarity")]
    rows = [(_url(row["url"]), row["duplicate"], number(row["similarity"])) for row in shown]
    more = size - 1 - len(shown)
    rest = element("p", f"and {plain(more)} more") if more else None
    summary = (number(size), " documents, of which this one is kept: ", foreign(cluster["url"] or "unknown"))
    return folded(
        summary,
        element("p", "Kept: ", _url(cluster["url"])),
        table(f"Dropped in favour of {cluster['cluster']}", headings, rows),
        rest,
    )


def _url(url: str | None) -> Child:
    return link(url) if url else "unknown"


SECTION = Section("duplicates", "Duplicates", ("clusters",), measure, view, ("clusters", "similarity"))
