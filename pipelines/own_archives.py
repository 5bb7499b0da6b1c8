"""The user's own WARC and ARC files, listed by all workers together before links are looked for in them."""

from dataclasses import dataclass
from pathlib import Path

from webtext import files, stage
from webtext.buckets import StoredFile
from webtext.corpus import Corpus
from webtext.crawl.archives import warc_listing
from webtext.crawl.archives.warc_places import PREFIX, files_of
from webtext.engine import Engine, Report
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.stage import Plan
from webtext.tally import counted


@dataclass(frozen=True)
class Item:
    file: StoredFile
    listing: Path


def make_listings(corpus: Corpus, engine: Engine, recipe: Recipe, pages: Plan, progress: Progress) -> None:
    """Lists the files where a killed crawl did not, unless there are no pages to be made."""
    sources = [source for source in recipe.crawl.sources if source.startswith(PREFIX)]
    if not sources or stage.standing(corpus, pages).current:
        return
    folder = corpus.table("pages").folder / warc_listing.FOLDER
    found = [file for source in sources for file in files_of(source)]
    listings = {warc_listing.listing_of(file, folder): file for file in found}
    todo = [Item(file, path) for path, file in listings.items() if not files.exists(path)]
    if todo:
        todo.sort(key=lambda item: -item.file.size)
        with progress.bar("archives, bytes", sum(item.file.size for item in todo)) as report:
            for _ in engine.map(make_listing, todo, report):
                pass
    if all(map(warc_listing.is_empty, listings)):
        progress.warn(
            f"archives: no page in {counted(len(listings), 'file')}: Common Crawl's WET and WAT files, and "
            "others without response records, have none"
        )


def make_listing(item: Item, report: Report) -> None:
    """Lists one file, as a task; reports its bytes as they are read."""
    left = item.file.size

    def tell(count: int) -> None:
        nonlocal left
        left -= count
        report(count, {})

    warc_listing.make(item.file, item.listing, tell)
    tell(left)
