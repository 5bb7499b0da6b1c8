"""The dataset card: the README that makes a folder of shards a dataset which explains itself."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from webtext.extract.libraries import Libraries
from webtext.manifest import Counts
from webtext.reasons import SENTENCES
from webtext.recipe import Recipe
from webtext.shards.layout import SPLITS

COLUMNS = ["domain", "language", "words", "duplicates"]
TOP = 20


@dataclass
class Split:
    """The numbers of one split; `bytes` are the texts' UTF-8."""

    documents: int = 0
    words: int = 0
    tokens: int = 0
    bytes: int = 0


@dataclass
class Summary:
    """What the card tells about the documents."""

    splits: dict[str, Split] = field(default_factory=lambda: {split: Split() for split in SPLITS})
    domains: Counter[str] = field(default_factory=Counter)
    languages: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0

    def add(self, split: str, rows: pa.Table, tokens: int, text_bytes: int) -> None:
        """Counts a shard's rows (COLUMNS)."""
        numbers = self.splits[split]
        numbers.documents += rows.num_rows
        numbers.words += pc.sum(rows["words"]).as_py() or 0
        numbers.tokens += tokens
        numbers.bytes += text_bytes
        self.duplicates += pc.sum(rows["duplicates"]).as_py() or 0
        for counter, column in ((self.domains, "domain"), (self.languages, "language")):
            for value in pc.value_counts(rows[column].combine_chunks()).to_pylist():
                counter[value["values"] or "unknown"] += value["counts"]


def card(
    recipe: Recipe, summary: Summary, stages: Mapping[str, Counts], vocabulary: str, made_with: Libraries
) -> str:
    """Markdown with the YAML header that `datasets` and the Hugging Face hub read.

    `stages` are the counts of each stage in order, `made_with` what extracted the texts. The text depends on
    the corpus alone: no dates, no paths, and of the recipe neither who crawled nor through which proxy.
    """
    parts = [
        _header(summary),
        f"# {recipe.name}",
        "Text of web pages that submissions or lists of URLs link to, made by `webtext`. Each row has its "
        "text, where it came from and when, the submissions that linked to it, if any, and where its "
        "original bytes are in the corpus' WARC files.",
        "## Numbers",
        _splits(summary),
        f"Texts are UTF-8 with {vocabulary}. {summary.duplicates:,} duplicates were dropped in favour of "
        "documents here.",
        "## Languages",
        _counted("language", summary.languages),
        "## Top domains",
        _counted("domain", summary.domains),
        "## What was left out, and why",
        _stages(stages),
        *_libraries(made_with),
        told(recipe),
    ]
    return "\n\n".join(parts) + "\n"


def told(recipe: Recipe) -> str:
    """What a card says of the recipe."""
    return f"## Recipe\n\n```toml\n{recipe.public().to_toml().strip()}\n```"


def _libraries(made_with: Libraries) -> list[str]:
    if not made_with:  # by a version that did not keep it
        return []
    named = ", ".join(f"{name} {' and '.join(versions)}" for name, versions in made_with.items())
    return ["## Libraries", f"The texts were extracted with {named}. Others may give other texts."]


def _header(summary: Summary) -> str:
    lines = ["---", "configs:", "- config_name: default", "  data_files:"]
    for split, numbers in summary.splits.items():
        if numbers.documents:
            lines += [f"  - split: {split}", f"    path: {split}-*.parquet"]
    lines += ["task_categories:", "- text-generation"]
    languages = sorted(set(summary.languages) - {"unknown"})
    if languages:
        lines += ["language:", *(f"- {json.dumps(language)}" for language in languages)]
    return "\n".join([*lines, "---"])


def _splits(summary: Summary) -> str:
    rows = [
        (split, n.documents, n.words, n.tokens, n.bytes) for split, n in summary.splits.items() if n.documents
    ]
    total = ("total", *(sum(column) for column in zip(*(row[1:] for row in rows), strict=True)))
    return _table(("split", "documents", "words", "tokens", "bytes of text"), [*rows, total])


def _counted(name: str, counter: Counter[str]) -> str:
    most = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    rows: list[Sequence[object]] = list(most[:TOP])
    if most[TOP:]:
        rows.append((f"{len(most) - TOP:,} others", sum(count for _, count in most[TOP:])))
    return _table((name, "documents"), rows)


def _stages(stages: Mapping[str, Counts]) -> str:
    rows: list[Sequence[object]] = []
    for stage, counts in stages.items():
        rows.append((f"**{stage}**: went in", counts.into))
        if counts.merged:
            rows.append(("merged: a submission of a link already known", counts.merged))
        for reason, count in sorted(counts.dropped.items(), key=lambda item: (-item[1], item[0])):
            rows.append((f"`{reason}`: {SENTENCES.get(reason, reason)}", count))
        rows.append(("went on", counts.out))
    return _table(("stage, and reason", "count"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(cell: object) -> str:
    return f"{cell:,}" if isinstance(cell, int) else str(cell).replace("|", "\\|")
