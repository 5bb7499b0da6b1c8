"""`webtext demo`: the whole chain on an embedded mini web, and a check of everything planted in it."""

from collections import Counter
from pathlib import Path
from shlex import quote
from typing import Any

from data import miniweb
from data.miniweb import MiniWeb, Planted
from pipelines import audit, build_shards, crawl, model, page_groups, recipes
from pipelines.model import Sampling
from pipelines.request import Request
from webtext import files
from webtext.corpus import Corpus
from webtext.errors import RunFailed, UserError
from webtext.progress import Progress

PROMPT = "The module"
MINUTES = "three to five minutes on two cores"
# What each step leaves in the demo's folder, and how.
STEPS = {
    "RS_demo.zst": "a dump of submissions that link to the mini web",
    "corpus/pages": "a crawl of the mini web, served on loopback",
    "corpus/tokens": "documents, clusters, shards and tokens",
    "run": "a small GPT-2, and a sample of it",
    "corpus/audit": "the report on the corpus",
}


def run(out: Path, workers: int | None, progress: Progress) -> dict[str, Any]:
    """Serves the mini web, crawls it, builds shards, trains, samples, audits; says what to look at.

    Everything stays in `out`: RS_demo.zst, corpus/, run/. Run again, it redoes only what is missing.
    """
    model.require_trainer()  # told now, not after minutes of crawling and building
    files.make_folder(out)
    root, run_directory = out / "corpus", out / "run"
    web = miniweb.build()
    miniweb.write_dump(web, out / "RS_demo.zst")
    with miniweb.serve(web) as proxy:
        threads = page_groups.most_threads(recipes.find("demo").crawl)
        settings = (f"crawl.proxy={proxy.address}", f"crawl.threads={threads}")
        crawl.run(Request(root, "demo", settings, workers), [str(out / "RS_demo.zst")], progress)
    build_shards.run(Request(root, workers=workers), progress)
    corpus = Corpus.open(root)
    planted = check(web, corpus)
    trained = model.train(root, run_directory, "demo", (), progress.console.quiet)
    text = model.sample(str(run_directory), PROMPT, Sampling(max_tokens=120))["texts"][0]
    report = audit.run(corpus, None, progress)["report"]
    return {
        "planted": planted,
        "training": trained,
        "sample": PROMPT + text,
        "look_at": _look_at(out, report, web),
    }


def plan(out: Path) -> dict[str, Any]:
    """What `run` would do; nothing is written."""
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: not a directory to write to: name another")
    return {"out": str(out), "steps": STEPS, "takes": MINUTES}


def check(web: MiniWeb, corpus: Corpus) -> list[dict[str, Any]]:
    """A row per kind of planted case: how many were planted, how many the corpus shows as expected.

    Raises RunFailed naming the first link that became something else.
    """
    stories = _stories(corpus)
    planted: Counter[tuple[str, str]] = Counter()
    right: Counter[tuple[str, str]] = Counter()
    wrong = []
    for case in web.planted:
        kind = (case.kind, f"{case.state} {case.reason or ''}".strip())
        planted[kind] += 1
        story = stories.get(case.url, {})
        misses = [name for name, expected in _expected(case).items() if story.get(name) != expected]
        misses += ["text"] if case.contains and case.contains not in (story.get("text") or "") else []
        right[kind] += not misses
        wrong += [f"{case.url} ({case.kind}): {name} is {story.get(name)!r:.80}" for name in misses]
    rows = [
        {"kind": kind, "expected": became, "planted": count, "found": right[kind, became]}
        for (kind, became), count in planted.items()
    ]
    rows += _submissions(web, corpus)
    missed = [f"{row['kind']} {row['expected']}" for row in rows if row["planted"] != row["found"]]
    if missed:
        raise RunFailed(
            f"the demo did not find all that was planted: {(wrong or missed)[0]}; if another Python, whose "
            "documentation is another mini web, began this folder, delete it or give another --out"
        )
    return rows


def _expected(case: Planted) -> dict[str, Any]:
    facts = {"state": case.state, "reason": case.reason, "karma": case.karma, "posts": case.posts}
    optional = {"of": case.of, "final_url": case.final_url}
    return facts | {name: value for name, value in optional.items() if value is not None}


def _stories(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """What the corpus says of each URL, from all its tables."""
    columns = {
        "links": ["karma", "submissions"],
        "pages": ["final_url"],
        "documents": ["text"],
        "clusters": ["cluster"],
        "ledger": ["url", "state", "reason"],
    }
    stories: dict[str, dict[str, Any]] = {}
    for name, wanted in columns.items():
        for row in corpus.table(name).dataset().to_table(columns=["id", *wanted]).to_pylist():
            stories.setdefault(row["id"], {}).update(row)
    for story in stories.values():
        story["posts"] = len(story["submissions"])
        story["of"] = stories[story["cluster"]]["url"] if "cluster" in story else None
    return {story["url"]: story for story in stories.values()}


def _submissions(web: MiniWeb, corpus: Corpus) -> list[dict[str, Any]]:
    counts = corpus.table("links").published().counts
    expected = {"merged": web.merged} | web.dropped
    found = {"merged": counts.merged} | counts.dropped
    return [
        {
            "kind": "submission",
            "expected": reason,
            "planted": expected.get(reason, 0),
            "found": found.get(reason, 0),
        }
        for reason in sorted(expected.keys() | found.keys())
    ]


def _look_at(out: Path, report: str, web: MiniWeb) -> dict[str, str]:
    twin = next(case.url for case in web.planted if case.reason == "near")
    corpus, run_directory = quote(str(out / "corpus")), quote(str(out / "run"))
    return {
        "the report on the corpus": report,
        "the training's report": str(out / "run" / "report.html"),
        "the documents, as Parquet": str(out / "corpus" / "shards"),
        "one duplicate's story": f"webtext explain {corpus} {twin}",
        "where every stage stands": f"webtext status {corpus}",
        "another sample": f"webtext sample {run_directory} --prompt 'A function' --n 3",
    }
