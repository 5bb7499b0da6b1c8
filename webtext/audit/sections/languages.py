"""Languages: what the pages were written in, and how much of each passed the filters."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from webtext.audit.blocks import BARS, Block, heading, numeric, table, wide
from webtext.audit.charts import bar
from webtext.audit.figures import number, percent, share
from webtext.audit.markup import Child, element, foreign
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source
from webtext.audit.tally import Sums, flags, ones, summed
from webtext.reasons import KEEP, UNEXTRACTABLE

TOP = 40
COLUMNS = ("documents", "words", "passed")
# ISO 639-1 as far as language detectors commonly tell them apart.
NAMES = {
    "af": "Afrikaans", "ar": "Arabic", "bg": "Bulgarian", "bn": "Bengali", "ca": "Catalan", "cs": "Czech",
    "cy": "Welsh", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "et": "Estonian", "fa": "Persian", "fi": "Finnish", "fr": "French", "gu": "Gujarati", "he": "Hebrew",
    "hi": "Hindi", "hr": "Croatian", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "kn": "Kannada", "ko": "Korean", "lt": "Lithuanian", "lv": "Latvian",
    "mk": "Macedonian", "ml": "Malayalam", "mr": "Marathi", "ne": "Nepali", "nl": "Dutch",
    "no": "Norwegian", "pa": "Punjabi", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sk": "Slovak", "sl": "Slovenian", "so": "Somali", "sq": "Albanian", "sv": "Swedish",
    "sw": "Swahili", "ta": "Tamil", "te": "Telugu", "th": "Thai", "tl": "Tagalog", "tr": "Turkish",
    "uk": "Ukrainian", "ur": "Urdu", "vi": "Vietnamese", "zh": "Chinese", "zh-cn": "Chinese (simplified)",
    "zh-tw": "Chinese (traditional)",
}  # fmt: skip


def measure(source: Source) -> Numbers:
    """Over all documents from which a text was extracted."""
    found = counted(source)
    documents = pc.sum(found.column("documents")).as_py() or 0
    top = [
        row
        | {
            "share": share(row["documents"], documents),
            "passed_share": share(row["passed"], row["documents"]),
        }
        for row in found.slice(0, TOP).to_pylist()
    ]
    return {"documents": documents, "distinct": found.num_rows, "top": top}


def counted(source: Source) -> pa.Table:
    """Every language's COLUMNS, the most frequent first."""
    found = summed("language", COLUMNS, source.scan("documents", _of_documents))
    return found.sort_by([("documents", "descending"), ("language", "ascending")])


def _of_documents(source: Source, file: str) -> pa.Table:
    sums = Sums("language", COLUMNS)
    without_text = pa.array(sorted(UNEXTRACTABLE), pa.string())
    for batch in source.partition("documents", file, ["language", "words", "verdict"]):
        rows = pa.Table.from_batches([batch])
        rows = rows.filter(pc.invert(pc.is_in(rows.column("verdict"), without_text)))
        passed = flags(pc.equal(rows.column("verdict"), KEEP))
        columns = [rows.column("language"), ones(rows.num_rows), rows.column("words"), passed]
        sums.add(pa.table(columns, names=["language", *COLUMNS]))
    return sums.table()


def view(numbers: Numbers) -> list[Block]:
    headings = [
        heading("Language"),
        numeric("Documents"),
        numeric("Share"),
        BARS,
        numeric("Words"),
        numeric("Pass the filters"),
        numeric("Share that passes"),
    ]
    caption = f"Language of {numbers['documents']:,} extracted texts"
    return [wide(table(caption, headings, [_language(row) for row in numbers["top"]]))]


def _language(row: dict[str, Any]) -> list[Child]:
    return [
        _name(row["language"]),
        number(row["documents"]),
        percent(row["share"]),
        bar(row["share"]),
        number(row["words"]),
        number(row["passed"]),
        percent(row["passed_share"]),
    ]


def _name(code: str | None) -> Child:
    if code is None:
        return "not detected"
    return (NAMES[code], " ", element("small", code)) if code in NAMES else foreign(code, 20)


SECTION = Section("languages", "Languages", ("documents",), measure, view)
