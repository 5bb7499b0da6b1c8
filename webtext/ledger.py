"""The ledger: what became of each link, in exactly one row.

A link's state is decided by the last table that has it: no page, an unusable text, a refused document, a
duplicate, a kept one; where the next table has not been made yet the link is pending there.
"""

import pyarrow as pa

from webtext import schemas
from webtext.reasons import FETCHED, KEEP, UNEXTRACTABLE, State

Row = dict[str, object]


def entries(
    links: pa.Table,
    pages: pa.Table | None,
    documents: pa.Table | None,
    clusters: pa.Table | None,
    paragraphs: pa.Table | None = None,
    contaminated: pa.Table | None = None,
    *,
    published: bool,
) -> pa.Table:
    """One ledger row per row of `links`, in their order. A table that was not made yet is None, and so are
    `paragraphs` and `contaminated` where the recipe asks for neither; `published` says whether the shards
    hold the kept documents. All tables are of one partition."""
    page_of, document_of, cluster_of = _by_id(pages), _by_id(documents), _by_id(clusters)
    changed, left_out = _by_id(paragraphs), _by_id(contaminated)
    rows = []
    for link in links.select(["id", "url"]).to_pylist():
        page, document = page_of.get(link["id"]), document_of.get(link["id"])
        cluster = cluster_of.get(link["id"])
        last = changed.get(link["id"]), left_out.get(link["id"])
        rows.append(link | _fate(page, document, cluster, *last, published))
    return pa.Table.from_pylist(rows, schema=schemas.LEDGER)


def _fate(
    page: Row | None,
    document: Row | None,
    cluster: Row | None,
    changed: Row | None,
    left_out: Row | None,
    published: bool,
) -> Row:
    if page is None:
        return _row(State.PENDING, "pages", "pending")
    if page["state"] == State.REMOVED:
        return _row(State.REMOVED, "pages", State.REMOVED, page["detail"])
    if page["state"] != FETCHED:
        return _row(State.UNFETCHED, "pages", page["state"], page["detail"])
    if document is None:
        return _row(State.PENDING, "documents", "pending")
    if document["verdict"] != KEEP:
        state = State.UNEXTRACTABLE if document["verdict"] in UNEXTRACTABLE else State.FILTERED
        return _row(state, "documents", document["verdict"], document["detail"])
    if cluster is None:
        return _row(State.PENDING, "clusters", "pending")
    if not cluster["kept"]:
        detail = f"of {cluster['cluster']}, similarity {cluster['similarity']:.3f}"
        return _row(State.DUPLICATE, "clusters", cluster["duplicate"], detail)
    if changed and not changed["kept"]:
        return _row(
            State.FILTERED, "clusters/paragraphs", "boilerplate", f"{changed['words']} words are left"
        )
    if left_out:
        detail = (
            f"{left_out['shared']} 8-grams of example {left_out['example']} of {left_out['file']}, "
            f"overlap {left_out['overlap']:.3f}"
        )
        return _row(State.FILTERED, "shards", "contaminated", detail)
    if not published:
        return _row(State.PENDING, "shards", "pending")
    return _row(State.KEPT, "shards", None)


def _row(state: State, stage: str, reason: object, detail: object = None) -> Row:
    return {"state": str(state), "stage": stage, "reason": reason, "detail": detail}


def _by_id(table: pa.Table | None) -> dict[object, Row]:
    return {} if table is None else {row["id"]: row for row in table.to_pylist()}
