"""The sources of links as files: what lies with Reddit or in a bucket is saved in the corpus first, and what
links were made from is found again."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from webtext import files as disk
from webtext.buckets import S3
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.links import downloads, listing, recognition, sources
from webtext.links.downloads import Copy
from webtext.links.listing import Listing
from webtext.links.sources import Named, Source
from webtext.progress import Progress
from webtext.recipe import Recipe

LARGE_BYTES = 1 << 30  # to be read for their hashes takes seconds

Copies = Callable[[str, Path], list[Copy]]


class Used(NamedTuple):
    """A source that links were made from: as the user wrote it, as it is written in any working directory,
    and the hash of its bytes."""

    source: str
    place: str
    hash: str


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


def files(
    corpus: Corpus, given: Sequence[str], progress: Progress, copies: Copies = downloads.copies
) -> list[Source]:
    """The sources with their hashes, in the order given; what is remote has been saved."""
    found: list[Named] = []
    for each in given:
        if each.startswith(listing.PREFIX):
            found.append(Named(each, disk.here(_saved(corpus, Listing.parse(each))), {}))
        elif each.startswith(S3):
            place, mapping = sources.split(each)
            suffix = each.removeprefix(place)
            saved = _copies(corpus, [place], copies)
            found += [Named(copy.name + suffix, copy.path, mapping) for copy in saved]
        else:
            found += sources.find(each)
    size = sum(named.path.stat().st_size for named in found)
    if size < LARGE_BYTES:
        return recognition.resolve(found)
    with progress.bar("sources, bytes", size) as bar:
        return recognition.resolve(found, lambda count: bar(count, {}))


def files_here(corpus: Corpus, given: Sequence[str], progress: Progress) -> list[Source]:
    """The sources given, or else those that the links were made from, without a question to anybody. Raises
    UserError for a remote one that was not saved."""
    used = [] if given else remembered(corpus)
    for each in _unsaved(corpus, given or [each.place for each in used]):
        raise UserError(
            f"{each}: was not read yet, and a dry run asks nobody: crawl it, or plan with other sources"
        )
    if given:
        return files(corpus, given, progress, downloads.saved)
    return _same(corpus, used, progress, downloads.saved)


def remember(corpus: Corpus, found: Sequence[Source]) -> None:
    """Writes down what links are made from: the manifest goes when they are remade, and names no folders."""
    used = [Used(source.name, _place(source), source.hash)._asdict() for source in found]
    # ASCII, since a path may be no Unicode
    disk.write_text(_notes(corpus), json.dumps(used, indent=1) + "\n")


def remembered(corpus: Corpus) -> list[Used]:
    """What links were made from, or were to be when a run was interrupted; nothing where there were none."""
    try:
        return [Used(**row) for row in json.loads(disk.read_text(_notes(corpus)))]
    except FileNotFoundError:
        manifest = corpus.table("links").manifest()
    except (ValueError, TypeError, RecursionError) as error:
        raise UserError(
            f"{_notes(corpus)}: cannot be read ({error}): delete it, and name the sources with --links"
        ) from None
    rows = manifest.extra.get("sources", []) if manifest else []  # as of corpora without those notes
    return [Used(row["source"], row["source"], row["hash"]) for row in rows]


def again(corpus: Corpus, recipe: Recipe, progress: Progress) -> list[Source]:
    """The sources that the links were made from. Raises UserError where one is gone or another one now."""
    used = remembered(corpus)
    if not used:
        raise UserError("no sources of links: say --links SOURCE, such as --links RS_2015-01.zst")
    save(corpus, [each.place for each in used], recipe, progress)
    return _same(corpus, used, progress, downloads.copies)


def _same(corpus: Corpus, used: Sequence[Used], progress: Progress, copies: Copies) -> list[Source]:
    found = []
    for each in used:
        try:
            there = files(corpus, [each.place], progress, copies)
        except UserError as error:
            raise UserError(
                f"{error}; the links were made from it: name the sources again with --links"
            ) from None
        if [source.hash for source in there] != [each.hash]:
            raise UserError(
                f"{each.place}: is not what the links were made from; name the sources again with --links"
            )
        found.append(replace(there[0], name=each.source))
    return found


def _place(source: Source) -> str:
    if source.name.startswith((listing.PREFIX, S3)):
        return source.name
    return str(source.path) + source.name.removeprefix(sources.split(source.name)[0])


def _notes(corpus: Corpus) -> Path:
    return corpus.table("links").folder / "_sources.json"


def _copies(corpus: Corpus, given: Sequence[str], copies: Copies = downloads.copies) -> list[Copy]:
    folder = corpus.table("links").folder / "objects"
    places = [sources.split(each)[0] for each in given if each.startswith(S3)]
    return [copy for place in places for copy in copies(place, folder)]


def _save_listings(corpus: Corpus, given: Sequence[str], recipe: Recipe, progress: Progress) -> None:
    if not (unsaved := _unsaved(corpus, given)):
        return
    from webtext.links import reddit  # its client takes a tenth of a second to load, for every command

    for each in unsaved:
        count = reddit.save(each, _saved(corpus, each), recipe.crawl.user_agent)
        progress.note(f"{each}: {count:,} submissions")


def _unsaved(corpus: Corpus, given: Sequence[str]) -> list[Listing]:
    listings = [Listing.parse(each) for each in given if each.startswith(listing.PREFIX)]
    return [each for each in listings if not disk.exists(_saved(corpus, each))]


def _saved(corpus: Corpus, of: Listing) -> Path:
    return corpus.table("links").folder / "reddit" / of.file_name
