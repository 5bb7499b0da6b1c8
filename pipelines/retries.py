"""`webtext crawl --retry-failed`: links that failed for reasons of the moment are asked again."""

from collections import Counter

from pipelines import pages
from webtext.corpus import Corpus
from webtext.crawl import retry
from webtext.progress import Progress
from webtext.recipe import Recipe
from webtext.tally import counted


def retry_failed(corpus: Corpus, recipe: Recipe, progress: Progress) -> None:
    """Has the crawl that follows ask for such links again; where there is none the table stays finished."""
    again, sources, table = Counter[str](), len(recipe.crawl.sources), corpus.table("pages")
    if works := [work for work in pages.plan(corpus, recipe).works if retry.helps(work.item.path, work.key)]:
        with table.journal(table.finished()):  # of a crawl that is unfinished from now on
            for work in works:
                again += retry.reopen(work.item.path, work.key, sources)
    states = ", ".join(f"{state} {count:,}" for state, count in again.most_common())
    asked = counted(again.total(), "link")
    progress.note(f"pages: {asked} will be asked for again{states and f' ({states})'}")
