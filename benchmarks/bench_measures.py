"""What the measures cost, and which gold pages the rules of a recipe would refuse.

    python -m benchmarks.bench_measures [--recipe webtext]

Texts: the gold texts of pages/pages.parquet (see WEBTEXT_SHARED), for the cost the first 4,096 characters of
those that are longer. The measures take turns text by text; CPU microseconds a text, medians of three rounds.
Every gold text is somebody's idea of a page's content: one that is refused as no page is a false positive.
"""

import argparse
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Callable

import pyarrow.parquet as pq

from benchmarks.bench_extract import SHARED
from pipelines import recipes
from pipelines.documents import word_lists
from webtext import pretokens
from webtext.extract import language, pii, placeholders, quality
from webtext.extract.verdict import CONTENT, PAGES
from webtext.extract.wordlists import WordList, words_of

CHARS = 4096
ROUNDS = 3


def cost(texts: list[str]) -> None:
    lists = word_lists(recipes.find("webtext").filter)
    measures: dict[str, Callable[[str], object]] = {
        "form (Gopher, C4)": lambda text: quality.measure(text, text.split()),
        "pages that are none": lambda text: placeholders.measure("", text, len(text.split())),
        "personal data": pii.counts,
        "word lists": lambda text: listed(text, list(lists.values())),
        "pretokens": pretokens.count,
        "language": language.detect,
    }
    rounds: dict[str, list[float]] = {name: [] for name in measures}
    for _ in range(ROUNDS):
        took: defaultdict[str, float] = defaultdict(float)
        for text in texts:
            for name, measure in measures.items():
                started = time.process_time()
                measure(text)
                took[name] += time.process_time() - started
        for name in measures:
            rounds[name].append(took[name] / len(texts) * 1e6)
    print(f"| measure, {len(texts)} texts of {CHARS:,} characters | µs a text |\n| --- | --- |")
    for name, times in rounds.items():
        print(f"| {name} | {statistics.median(times):,.0f} |")


def listed(text: str, lists: list[WordList]) -> list[float]:
    spoken = words_of(text)
    return [words.per_1000_words(spoken) for words in lists]


def refusals(rows: list[dict[str, str]], recipe: str) -> None:
    rules = recipes.find(recipe).filter
    lists = word_lists(rules)
    refused: Counter[str] = Counter()
    for row in rows:
        words = row["text"].split()
        measured = placeholders.measure(row["title"], row["text"], len(words)) | quality.measure(
            row["text"], words
        )
        adult, spam = listed(row["text"], list(lists.values()))
        measured |= {"adult": adult, "spam": spam}
        measured |= {"words": len(words)}
        refused.update({r[0] for bound in PAGES + CONTENT if (r := bound.judge(measured, rules).refusal)})
    print(
        f"\nOf {len(rows)} gold texts, by {recipe}'s rules (each counted alone; language and tokens aside):"
    )
    print(", ".join(f"{reason} {count}" for reason, count in refused.most_common()) or "none refused")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="webtext")
    options = parser.parse_args()
    table = pq.read_table(SHARED / "pages" / "pages.parquet", columns=["text", "title"])
    rows = [row for row in table.to_pylist() if row["text"]]
    language.detect("Loads the profiles and the model before anything is measured.")
    cost([row["text"][:CHARS] for row in rows if len(row["text"]) >= CHARS])
    refusals(rows, options.recipe)


if __name__ == "__main__":
    main()
