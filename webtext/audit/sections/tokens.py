"""Tokens: how much text the corpus has for a model, split by split."""

from typing import Any

from webtext.audit.blocks import Block, heading, numeric, sentence, table, wide
from webtext.audit.figures import number, size
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source

SUMMED = ("documents", "tokens", "bytes")


def measure(source: Source) -> Numbers:
    index = source.token_index()
    splits = {name: _split(split["files"]) for name, split in index["splits"].items() if split["files"]}
    whole = {name: sum(split[name] for split in splits.values()) for name in SUMMED}
    return {
        "vocab_size": index["tokenizer"]["vocab_size"],
        "dtype": index["dtype"],
        "splits": splits,
        "all": whole | _rates(whole),
    }


def view(numbers: Numbers) -> list[Block]:
    headings = [heading("Split"), numeric("Files"), numeric("Documents"), numeric("Tokens"), numeric("Text")]
    headings += [numeric("Bytes per token"), numeric("Tokens per document")]
    rows = [_row(name, split) for name, split in numbers["splits"].items()]
    caption = "The token files, end-of-text tokens included"
    said = sentence(
        number(numbers["all"]["tokens"]), " tokens of a vocabulary of ", number(numbers["vocab_size"]),
        ", stored as ", numbers["dtype"], "; a token stands for ", number(numbers["all"]["bytes_per_token"]),
        " bytes of text.",
    )  # fmt: skip
    return [wide(said), wide(table(caption, headings, rows))]


def _split(files: list[dict[str, Any]]) -> dict[str, Any]:
    sums = {name: sum(file[name] for file in files) for name in SUMMED}
    return {"files": len(files)} | sums | _rates(sums)


def _rates(sums: dict[str, int]) -> dict[str, float | None]:
    tokens, documents = sums["tokens"], sums["documents"]
    return {
        "bytes_per_token": round(sums["bytes"] / tokens, 4) if tokens else None,
        "tokens_per_document": round(tokens / documents, 2) if documents else None,
    }


def _row(name: str, split: dict[str, Any]) -> list[Any]:
    counts = [number(split[key]) for key in ("files", "documents", "tokens")]
    rates = [number(split[key]) for key in ("bytes_per_token", "tokens_per_document")]
    return [name, *counts, size(split["bytes"]), *rates]


SECTION = Section("tokens", "Tokens", ("tokens",), measure, view)
