"""Libraries: with which versions the texts were extracted.

With another version of one the same page may give another text. Builds leave texts that stand as they are, so
that a corpus which grew over years may have been made with several.
"""

from collections import Counter

from webtext.audit.blocks import Block, heading, numeric, sentence, table
from webtext.audit.figures import number, percent, share
from webtext.audit.markup import foreign
from webtext.audit.section import Numbers, Section
from webtext.audit.source import Source


def measure(source: Source) -> Numbers:
    manifest = source.manifest("documents")
    assert manifest is not None
    pages, told = Counter[tuple[str, str]](), 0
    for part in manifest.partitions:
        libraries = part.extra.get("libraries", {})
        told += part.rows if libraries else 0
        for name, versions in libraries.items():
            pages[name, ", ".join(versions)] += part.rows
    rows = [{"library": name, "version": of, "pages": pages[name, of]} for name, of in sorted(pages)]
    return {"pages": sum(part.rows for part in manifest.partitions), "told": told, "versions": rows}


def view(numbers: Numbers) -> list[Block]:
    rows, pages = numbers["versions"], numbers["pages"]
    versions = Counter(row["library"] for row in rows for _ in row["version"].split(", "))
    several = [name for name, count in versions.items() if count > 1]
    if not rows:
        return [sentence("With which libraries the pages were extracted was not kept yet when they were.")]
    said = sentence(
        "Of ", number(pages), " fetched pages the versions are known for ", number(numbers["told"]), ": ",
        f"more than one of {', '.join(several)}." if several else "one of each library.",
    )  # fmt: skip
    headings = [heading("Library"), heading("Version"), numeric("Pages"), numeric("Share")]
    cells = [
        (
            foreign(row["library"], 60),
            foreign(row["version"], 60),
            number(row["pages"]),
            percent(share(row["pages"], pages)),
        )
        for row in rows
    ]
    return [said, table("What the pages were extracted with", headings, cells)]


SECTION = Section("libraries", "Libraries that made the texts", ("documents",), measure, view)
