"""Where every stage of a corpus stands: counts, rate of its last run, what is stale and why."""

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from pipelines import clusters, decontamination, documents, ledger, links, pages, paragraphs, shards, tokens
from webtext import files, stage
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.recipe import Recipe
from webtext.stage import Plan, Standing
from webtext.table import ODD

# In the order of the pipeline: a stage can be planned only when those before it are current.
PLANS: dict[str, Callable[[Corpus, Recipe], Plan]] = {
    "pages": pages.plan,
    "documents": documents.plan,
    "clusters": clusters.plan,
    paragraphs.TABLE: paragraphs.plan,
    decontamination.TABLE: decontamination.plan,
    "shards": shards.plan,
    "tokens": tokens.plan,
}
# Tables that only some recipes ask for.
WANTED = {paragraphs.TABLE: paragraphs.wanted, decontamination.TABLE: decontamination.wanted}


def run(root: Path) -> dict[str, Any]:
    """Where every stage stands, as JSON. Raises UserError where there is no corpus."""
    corpus = Corpus.open(root)
    recipe = corpus.recipe()
    return {"corpus": corpus.name, "recipe": recipe.name, "stages": stages(corpus, recipe)}


def stages(corpus: Corpus, recipe: Recipe, given: Sequence[str] = ()) -> list[dict[str, Any]]:
    """A row per table: its state (current, stale, missing, unfinished, waits), why, and its counts; what its
    last run took (`last_run`), and how far one is that has not ended (`now`). Tables that are `given` are
    taken as they are."""
    history, unfinished = _last_runs(corpus), _unfinished(corpus)
    rows = []
    for name, (state, why) in _states(corpus, recipe, given).items():
        manifest = corpus.table(name).manifest()
        counts = manifest.counts.as_json() if manifest else None
        now = unfinished if unfinished and unfinished["stage"] == name else None
        row = {"stage": name, "state": state, "why": why, "counts": counts}
        rows.append(row | {"last_run": history.get(name), "now": now})
    return rows


def current(corpus: Corpus, recipe: Recipe) -> list[str]:
    """The tables from pages on that are up to date."""
    return [
        name for name, (state, _) in _states(corpus, recipe).items() if state == "current" and name in PLANS
    ]


def _states(corpus: Corpus, recipe: Recipe, given: Sequence[str] = ()) -> dict[str, tuple[str, str]]:
    states = dict.fromkeys(given, ("current", ""))
    if "links" not in given:
        states["links"] = _told(corpus, "links", links.standing(corpus, recipe))
    before = "links"
    for name in PLANS:
        if name in given:
            before = name
            continue
        if name in WANTED and not WANTED[name](corpus, recipe):
            continue
        if states[before][0] == "current":
            states[name] = _planned(corpus, name, recipe)
        else:
            states[name] = ("waits", f"for {before}")
        before = name
    if states["links"][0] == "current":
        finished = [name for name in PLANS if name in states and states[name][0] == "current"]
        states["ledger"] = _judged(corpus, ledger.plan(corpus, finished))
    else:
        states["ledger"] = ("waits", "for links")
    return states


def _planned(corpus: Corpus, name: str, recipe: Recipe) -> tuple[str, str]:
    try:
        return _judged(corpus, PLANS[name](corpus, recipe))
    except UserError as error:  # what its recipe names is gone
        return _told(corpus, name, Standing((), (), str(error), published=False))


def _judged(corpus: Corpus, plan: Plan) -> tuple[str, str]:
    return _told(corpus, plan.table, stage.standing(corpus, plan))


def _told(corpus: Corpus, table: str, standing: Standing) -> tuple[str, str]:
    if standing.current:
        return "current", ""
    if corpus.table(table).manifest() is not None:
        return "stale", standing.why
    return ("unfinished" if corpus.table(table).begun else "missing"), standing.why


def _unfinished(corpus: Corpus) -> dict[str, Any] | None:
    """What the run that goes on, or was interrupted, told last."""
    with suppress(FileNotFoundError, *ODD):
        told: dict[str, Any] = json.loads(files.read_bytes(corpus.root / stage.PROGRESS))
        return told if told["stage"] else None
    return None


def _last_runs(corpus: Corpus) -> dict[str, dict[str, Any]]:
    """By stage. The history is for people, nothing depends on it: a line that a kill cut short, or a disk
    damaged, counts for nothing."""
    try:
        lines = files.read_bytes(corpus.root / "history.jsonl").splitlines()
    except FileNotFoundError:
        return {}
    runs = {}
    for line in lines:
        with suppress(*ODD):
            run = json.loads(line)
            if run["rows"] >= 0 and run["seconds"] >= 0:  # which a rate is told by
                runs[run.pop("stage")] = run
    return runs
