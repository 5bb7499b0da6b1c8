"""Wikipedia: how much of it the rules found, and what they may have left.

WebText has none (§2.1). A page elsewhere that carries a trace of an article, too few for the rule, is counted
here as left over: most only cite Wikipedia, some are copies of it.
"""

from collections import Counter
from typing import Any

import pyarrow.compute as pc

from webtext.audit.blocks import Block, heading, numeric, sentence, table
from webtext.audit.figures import number, percent, share
from webtext.audit.markup import foreign
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import add_values, ranking
from webtext.reasons import KEEP

TOP = 20
FOUND = {
    "wikipedia": "on Wikipedia or a sister project",
    "wikipedia_mirror": "copies elsewhere, by their traces",
}


def measure(source: Source) -> Numbers:
    counts, traces, domains = Counter[str](), Counter[Any](), Counter[Any]()
    for of_verdict, of_traces, of_domain in source.scan("documents", _of_documents):
        counts.update(of_verdict)
        traces.update(of_traces)
        domains.update(of_domain)
    return {
        "refused": {reason: counts[reason] for reason in FOUND},
        "documents": counts[KEEP],
        "left_on_wikipedia": counts["left"],
        "left_with_traces": sum(traces.values()),
        "traces": {str(number_): traces[number_] for number_ in sorted(traces)},
        "domains": ranking(domains, TOP, "domain"),
    }


def _of_documents(source: Source, file: str) -> tuple[Counter[str], Counter[Any], Counter[Any]]:
    """Documents by verdict, and those kept that are `left` on Wikipedia; those with traces, by their number
    and by domain."""
    counts, traces, domains = Counter[str](), Counter[Any](), Counter[Any]()
    columns = ["verdict", "domain", "wikipedia_domain", "wikipedia_traces"]
    for batch in source.partition("documents", file, columns):
        add_values(counts, batch.column("verdict"))
        kept = batch.filter(pc.equal(batch.column("verdict"), KEEP))
        counts["left"] += pc.sum(kept.column("wikipedia_domain")).as_py() or 0
        with_traces = kept.filter(pc.fill_null(pc.greater(kept.column("wikipedia_traces"), 0), False))
        add_values(traces, with_traces.column("wikipedia_traces"))
        add_values(domains, with_traces.column("domain"))
    return counts, traces, domains


def view(numbers: Numbers) -> list[Block]:
    refused = [
        part for reason, text in FOUND.items() for part in (number(numbers["refused"][reason]), f" {text}, ")
    ]
    left, documents = numbers["left_with_traces"], numbers["documents"]
    said = sentence(
        "Refused: ", *refused, "as the recipe says. Of ", number(documents), " texts that passed, ",
        number(numbers["left_on_wikipedia"]), " are on Wikipedia and ", number(left), " (",
        percent(share(left, documents)), ") carry a trace of an article.",
    )  # fmt: skip
    if not numbers["domains"]:
        return [said]
    headings = [heading("Domain"), numeric("Texts with a trace"), numeric("Share")]
    rows = [
        (foreign(row["domain"], 60), number(row["count"]), percent(row["share"]))
        for row in numbers["domains"]
    ]
    return [said, table("Where traces of Wikipedia were left", headings, rows)]


SECTION = Section("wikipedia", "Wikipedia left over", ("documents",), measure, view)
