"""`webtext explain --view`: a link's page as it was fetched, and beside it what the extractor keeps of it."""

from glob import escape
from pathlib import Path

from pipelines.finding import find_link, row_of
from pipelines.measuring import stored_page
from webtext import damage, files, lease, reasons
from webtext.corpus import Corpus
from webtext.crawl.warc import LostRecord
from webtext.engine.process import Broken, Child, Raised
from webtext.errors import UserError
from webtext.extract.cage import MEMORY_BYTES
from webtext.extract.page import Page
from webtext.extract.view import side_by_side
from webtext.sections import Extract

TIMEOUT_S = 120.0  # with the start of the process


def write(root: Path, url: str, out: Path) -> None:
    """Writes one HTML file, which neither runs nor loads anything."""
    if out.is_dir():
        raise UserError(f"{out}: a directory; name a file of it")
    corpus = Corpus.open(root)
    link = find_link(corpus, url).link
    row = row_of(corpus, "pages", link["id"], link["domain"])
    if row is None or row["state"] != reasons.FETCHED:
        raise UserError(f"{link['url']}: was not fetched, so that there is no page to show")
    folder = corpus.table("pages").folder
    try:
        page = stored_page(folder, row)
    except LostRecord as lost:
        where = folder / row["warc_file"]
        raise UserError(f"{link['url']}: {lost}; put {where} back from a backup") from None
    shown = _shown(page, corpus.recipe().extract)
    if shown is None:
        raise UserError(f"{link['url']}: its bytes are no text in any encoding; there is nothing to show")
    try:
        if out.is_symlink() or (out.exists() and not out.is_file()):  # a pipe, /dev/stdout: it stays
            out.write_text(shown, "utf-8")
        else:
            lease.sweep(out.parent, escape(out.name))
            files.write_text(out, shown)
    except OSError as error:
        if error.errno in damage.DISK_FULL:  # which does not say at which file it was
            raise OSError(error.errno, error.strerror, str(out)) from None
        raise UserError(f"{out}: cannot be written ({error.strerror}); name another file") from None


def _shown(page: Page, section: Extract) -> str | None:
    """Made in a process of its own: the page may be one that breaks the extractor."""
    child = Child(MEMORY_BYTES)
    try:
        shown: str | None = child.call(side_by_side, (page, section), TIMEOUT_S)
        return shown
    except (Broken, Raised, TimeoutError) as failure:
        what = type(failure).__name__
        raise UserError(
            f"{page.url}: the page breaks the extractor ({what}); there is nothing to show"
        ) from None
    finally:
        child.kill()
