"""The commands that make and use a model: options in, one pipeline called, its result shown."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from webtext import show_model, show_plan
from webtext.command import Command, Question, app, show_result
from webtext.options import (
    CorpusPath,
    DryRun,
    Json,
    ModelSource,
    Quiet,
    RunPath,
    Settings,
    directory,
    name_or_file,
    place,
)


class ModelLayout(StrEnum):
    HF = "hf"


@app.command(cls=Command)
def train(
    corpus: CorpusPath,
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="RUN", parser=place, help="The run: a directory, or s3://BUCKET/PREFIX, gs://…"
        ),
    ],
    config: Annotated[
        str | None,
        typer.Option(
            "--config",
            metavar="NAME|FILE",
            parser=name_or_file,
            help="demo and laptop for CPUs, gpt2-124m, gpt2-355m, gpt2-774m, gpt2-1558m, gpu-day, paper, "
            "or a TOML file. [default: the run's own, else gpt2-124m]",
        ),
    ] = None,
    settings: Settings = None,
    init_from: Annotated[
        str,
        typer.Option("--init-from", metavar="DIR|NAME", help="Start from this Hugging Face GPT-2."),
    ] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check everything, time a step, say what it would take, and stop."),
    ] = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Tokens to a GPT-2; on a RUN that exists it goes on from the last checkpoint.

    Example: `webtext train corpus --out run --config laptop --set train.steps=500`
    """
    from pipelines import model

    sets = tuple(settings or ())
    ask, view = (model.training_plan, show_plan.training) if dry_run else (model.train, show_model.training)
    found = ask(corpus, out, config, sets, quiet, init_from)
    if os.environ.get("RANK", "0") == "0":  # of torchrun's processes one speaks for all
        show_result(found, as_json, view)


@app.command(cls=Question)
def sample(
    source: ModelSource,
    prompt: Annotated[str, typer.Option(help="What the text starts with.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1, help="At most so many tokens.")] = 200,
    temperature: Annotated[float, typer.Option(min=0, help="0 takes the likeliest token.")] = 0.8,
    top_k: Annotated[int, typer.Option(min=0, help="Sample among so many; 0: all.")] = 50,
    top_p: Annotated[
        float, typer.Option(min=0, max=1, help="Sample within this probability; 0: the likeliest.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same text.")] = 1337,
    samples: Annotated[int, typer.Option("--n", min=1, help="How many.")] = 1,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """Text from a trained model; a single one is shown as it is written.

    Example: `webtext sample run --prompt "The module" --n 3`
    """
    from pipelines import model

    del quiet  # there is no progress
    sampling = model.Sampling(max_tokens, temperature, top_k, top_p, seed, samples)
    if as_json or samples > 1:
        show_result(model.sample(source, prompt, sampling), as_json, show_model.samples)
    else:
        model.sample(source, prompt, sampling, show_model.piece)
        show_model.piece("\n")


@app.command(cls=Command, name="eval")
def evaluate(
    model: ModelSource,
    tasks: Annotated[
        str,
        typer.Option(
            metavar="NAME,…", help="lambada, wikitext-2, … or FILE.bin of tokens, by commas; all: every task."
        ),
    ] = "all",
    data: Annotated[
        Path,
        typer.Option(metavar="DIR", parser=directory, help="Where the evaluation sets' official files lie."),
    ] = Path("eval-data"),
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", parser=directory, help="Where results go. [default: RUN/evals, else evals]"
        ),
    ] = None,
    strides: Annotated[
        str,
        typer.Option(
            metavar="N,…", help="Tokens between windows. [default: the model's length and half of it]"
        ),
    ] = "",
    download: Annotated[
        bool, typer.Option("--download", help="Fetch what is not in --data by its name on the hub.")
    ] = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """The paper's zero-shot evaluations, beside the paper's numbers; a task done before is not done again.

    Example: `webtext eval run --tasks lambada,wikitext-2 --data eval-data`
    """
    from pipelines import model as pipeline

    if dry_run:
        plan = pipeline.evaluation_plan(model, tasks, data, out, strides, download)
        show_result(plan, as_json, show_model.evaluation_plan)
    else:
        found = pipeline.evaluate(model, tasks, data, out, strides, download, quiet)
        show_result(found, as_json, show_model.evaluation)


@app.command(cls=Command)
def export(
    run: RunPath,
    out: Annotated[Path, typer.Argument(metavar="DIR", parser=directory, help="A new directory.")],
    layout: Annotated[
        ModelLayout, typer.Option("--format", help="hf: what Hugging Face's transformers opens.")
    ] = ModelLayout.HF,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    as_json: Json = False,
) -> None:
    """A trained model for other programs.

    Example: `webtext export run my-gpt2`
    """
    from pipelines import model

    del layout, quiet  # there is one so far, and no progress
    if dry_run:
        show_result(model.export_plan(run, out), as_json, show_model.export_plan)
    else:
        show_result(model.export(run, out), as_json, show_model.exported)
