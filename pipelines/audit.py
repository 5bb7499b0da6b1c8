"""`webtext audit`: the report over a corpus, as a page, as JSON and as charts."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from pipelines import overlap
from webtext import damage, files, lease, store
from webtext.audit import compare as comparison
from webtext.audit import compare_page, report
from webtext.audit.page import page
from webtext.audit.sections import SECTIONS, fidelity
from webtext.audit.source import HERE, Source
from webtext.corpus import Corpus
from webtext.engine import Engine
from webtext.errors import UserError
from webtext.progress import Progress

WRITTEN = ["report.html", "report.json", "*.svg"]
COMPARED = ["compare.html", "compare.json"]


@dataclass(frozen=True)
class Against:
    """What to compare with: test sets, each as TEST or TEST=TRAIN, and OpenAI's list of domains."""

    files: tuple[str, ...] = ()
    webtext_domains: Path | None = None
    use_bloom: bool = False


def run(
    corpus: Corpus,
    out: Path | None,
    progress: Progress,
    against: Against = Against(),
    engine: Engine = HERE,
) -> dict[str, Any]:
    """Measures whatever stages the corpus has; writes report.html, report.json and the charts to `out`.

    Returns what report.json holds, and the page's path as `report`. Raises UserError for a corpus without
    links, for test files that cannot be read, and for a place that cannot be written to.
    """
    tests = overlap.named(against.files)
    listed = fidelity.read(against.webtext_domains) if against.webtext_domains else None
    with corpus.undisturbed():
        source = _source(corpus, engine)
        folder = _folder(corpus, out)
        with progress.bar("audit", len(SECTIONS)) as done:
            numbers = report.measure(source, lambda: done(1, {}))
        if listed:
            numbers["fidelity"] = fidelity.measure(source, listed)
        if tests:
            numbers["overlap"] = overlap.measure(corpus, engine, tests, progress, use_bloom=against.use_bloom)
        _write(folder, numbers)
    return numbers | {"report": store.named(str(folder / "report.html"))}


def compare(
    one: Corpus, other: Corpus, out: Path | None, progress: Progress, engine: Engine = HERE
) -> dict[str, Any]:
    """Two corpora side by side; writes compare.html and compare.json to `out`, by default the first one's
    audit/. Returns what compare.json holds, and the page's path as `report`."""
    with one.undisturbed(), nullcontext() if _same(one, other) else other.undisturbed():
        sides = _source(one, engine), _source(other, engine)
        folder = _folder(one, out)
        with progress.bar("compare", len(comparison.MEASURES)) as done:
            numbers = comparison.compare(*sides, lambda: done(1, {}))
    files.write_json(folder / "compare.json", numbers)
    files.write_text(folder / "compare.html", compare_page.page(numbers))
    return numbers | {"report": store.named(str(folder / "compare.html"))}


def plan(corpora: Sequence[Corpus], out: Path | None, against: Against = Against()) -> dict[str, Any]:
    """What `run`, or `compare` with two corpora, would read and write. Raises UserError like them."""
    tests = overlap.named(against.files)
    if against.webtext_domains:
        fidelity.read(against.webtext_domains)
    reads: list[dict[str, Any]] = []
    for corpus in corpora:
        source = _source(corpus, HERE)
        if tests:
            overlap.shard_files(corpus)
        for name in ("links", *report.MISSING):
            if manifest := source.manifest(name):
                parts = manifest.partitions
                read = {"rows": sum(part.rows for part in parts), "bytes": sum(part.bytes for part in parts)}
                reads.append({"what": f"{corpus.place}/{name}"} | read)
    beside = [path for test in tests for path in (test.path, test.train)]
    reads += [
        {"what": str(path), "rows": None, "bytes": path.stat().st_size}
        for path in (*beside, against.webtext_domains)
        if path
    ]
    folder = store.named(str(out or corpora[0].root / "audit"))
    return {"out": folder, "reads": reads, "writes": COMPARED if len(corpora) > 1 else WRITTEN}


def _same(one: Corpus, other: Corpus) -> bool:
    return one.root.resolve() == other.root.resolve()


def _source(corpus: Corpus, engine: Engine) -> Source:
    source = Source(corpus, engine)
    if not source.has("links"):
        raise UserError(
            f"{corpus.root}: nothing to audit: no links yet; "
            f"`webtext crawl {corpus.quoted} --links …` makes them"
        )
    return source


def _folder(corpus: Corpus, out: Path | None) -> Path:
    """Has a folder for the report before anything is measured: a corpus may be another's to read only."""
    folder = out or corpus.root / "audit"
    try:
        files.make_folder(folder)
        with TemporaryFile(dir=folder):
            pass
    except OSError as error:
        if error.errno in damage.DISK_FULL:
            raise
        raise UserError(f"{folder}: cannot be written to ({error.strerror}): give another --out") from None
    for name in (*WRITTEN, *COMPARED):
        lease.sweep(folder, name)
    return folder


def _write(folder: Path, numbers: dict[str, Any]) -> None:
    html, charts = page(numbers)
    for name in {chart for section in SECTIONS for chart in section.charts} - charts.keys():
        files.remove(folder / f"{name}.svg")  # of an earlier report
    for name, svg in charts.items():
        files.write_text(folder / f"{name}.svg", svg)
    files.write_json(folder / "report.json", numbers)
    files.write_text(folder / "report.html", html)
