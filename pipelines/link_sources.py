"""The sources of links as files: what lies with Reddit or in a bucket is saved in the corpus first."""

from collections.abc import Sequence
from pathlib import Path

from webtext.buckets import S3
from webtext.corpus import Corpus
from webtext.files import exists, here
from webtext.links import downloads, listing, sources
from webtext.links.downloads import Copy
from webtext.links.listing import Listing
from webtext.links.sources import Named, Source
from webtext.progress import Progress
from webtext.recipe import Recipe


def save(corpus: Corpus, given: Sequence[str], recipe: Recipe, progress: Progress) -> None:
    """Listings of Reddit and objects of buckets become files in the corpus; what is there stays."""
    _save_listings(corpus, given, recipe, progress)
    todo = [copy for copy in _copies(corpus, given) if copy.missing]
    if not todo:
        return
    size = sum(copy.missing.size for copy in todo if copy.missing)
    with progress.bar("download, bytes", size) as bar:
        for copy in todo:
            downloads.fetch(copy, lambda count: bar(count, {}))


def unsaved(corpus: Corpus, given: Sequence[str]) -> bool:
    """Whether `save` has something to do."""
    return bool(_unsaved(corpus, given)) or any(copy.missing for copy in _copies(corpus, given))


def files(corpus: Corpus, given: Sequence[str]) -> list[Source]:
    """The sources with their hashes, in the order given; what is remote has been saved."""
    found: list[Named] = []
    for each in given:
        if each.startswith(listing.PREFIX):
            found.append(Named(each, here(_saved(corpus, Listing.parse(each))), {}))
        elif each.startswith(S3):
            place, mapping = sources.split(each)
            suffix = each.removeprefix(place)
            found += [Named(copy.name + suffix, copy.path, mapping) for copy in _copies(corpus, [place])]
        else:
            found += sources.find(each)
    return sources.resolve(found)


def _copies(corpus: Corpus, given: Sequence[str]) -> list[Copy]:
    folder = corpus.table("links").folder / "objects"
    places = [sources.split(each)[0] for each in given if each.startswith(S3)]
    return [copy for place in places for copy in downloads.copies(place, folder)]


def _save_listings(corpus: Corpus, given: Sequence[str], recipe: Recipe, progress: Progress) -> None:
    if not (unsaved := _unsaved(corpus, given)):
        return
    from webtext.links import reddit  # its client takes a tenth of a second to load, for every command

    for each in unsaved:
        count = reddit.save(each, _saved(corpus, each), recipe.crawl.user_agent)
        progress.note(f"{each}: {count:,} submissions")


def _unsaved(corpus: Corpus, given: Sequence[str]) -> list[Listing]:
    listings = [Listing.parse(each) for each in given if each.startswith(listing.PREFIX)]
    return [each for each in listings if not exists(_saved(corpus, each))]


def _saved(corpus: Corpus, of: Listing) -> Path:
    return corpus.table("links").folder / "reddit" / of.file_name
