"""`webtext explain`: one link's whole story, gathered from every table that has it."""

from pathlib import Path
from typing import Any

import pyarrow.compute as pc

from pipelines.finding import HOW, find_link, row_of
from webtext import reasons
from webtext.corpus import Corpus
from webtext.dedup.difference import differences
from webtext.extract.pii import KINDS
from webtext.extract.verdict import judge
from webtext.sections import Filter


def run(root: Path, url: str) -> dict[str, Any]:
    """The rows of one link, with the sentence for its reason, the thresholds, and its kept twin and in what
    it differs from that."""
    corpus = Corpus.open(root)
    link, found_by = find_link(corpus, url)
    story: dict[str, Any] = {"url": link["url"], "id": link["id"], "link": link}
    story |= {"asked": url, "found_by": found_by, "found": HOW[found_by]}
    for key, table in (
        ("page", "pages"),
        ("document", "documents"),
        ("cluster", "clusters"),
        ("paragraphs", "clusters/paragraphs"),
        ("contaminated", "clusters/contaminated"),
        ("ledger", "ledger"),
    ):
        story[key] = row_of(corpus, table, link["id"], link["domain"])
    story["shard"] = _shard(corpus, link["id"])
    document, cluster, ledger = story["document"], story["cluster"], story["ledger"]
    story["measures"] = _measures(document, corpus.recipe().filter) if document else []
    if document and (taken_out := story["paragraphs"]):
        lines = document["text"].split("\n")
        taken_out["removed"] = [lines[number] for number in taken_out["removed"]]
    twin = cluster["cluster"] if cluster and not cluster["kept"] else None
    story["kept"] = row_of(corpus, "links", twin) if twin else None
    story["difference"] = _difference(corpus, document, story["kept"])
    story["sentence"] = _sentence(ledger["reason"]) if ledger else None
    return story


def _sentence(reason: str | None) -> str:
    return reasons.SENTENCES.get(reason, reason) if reason else "the document is part of the corpus"


def _shard(corpus: Corpus, id: str) -> dict[str, Any] | None:
    manifest = corpus.table("shards").manifest()
    for part in manifest.partitions if manifest else ():
        rows = corpus.table("shards").read(part.file, ["id", "tokens"])
        if (position := pc.index(rows["id"], id).as_py()) >= 0:
            return {"file": part.file, "row": position, "tokens": rows["tokens"][position].as_py()}
    return None


def _difference(
    corpus: Corpus, dropped: dict[str, Any] | None, twin: dict[str, Any] | None
) -> list[str] | None:
    kept = row_of(corpus, "documents", twin["id"], twin["domain"]) if twin else None
    return differences(kept["text"], dropped["text"]) if kept and dropped else None


def _measures(document: dict[str, Any], rules: Filter) -> list[dict[str, Any]]:
    """Every measure of a text, the key and threshold of its rule, and what the rule says."""
    if document["text"] is None:
        return []
    rows = [
        _measured(
            document,
            each.measure,
            each.key,
            "off" if each.threshold is None else each.threshold,
            "refuses" if each.refusal else "" if each.threshold is None else "passes",
        )
        for each in judge(document, rules)
    ]
    for kind in KINDS:
        says = "masks" if kind in rules.masked and document[f"pii_{kind}"] else ""
        rows.append(_measured(document, f"pii_{kind}", "mask_pii", kind in rules.masked, says))
    return rows


def _measured(
    document: dict[str, Any], measure: str, key: str, threshold: object, says: str
) -> dict[str, Any]:
    value = document[measure]
    return {"measure": measure, "value": value, "rule": f"filter.{key}", "threshold": threshold, "says": says}
