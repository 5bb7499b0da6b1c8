import json
import math
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from tokenizers import Tokenizer, models

from train import rundir
from train.plot import POINTS, loss_svg
from train.progress import Lines, Live, Progress, for_terminal
from train.report import Kept, write

STEP = {"step": 7, "loss": 3.25, "lr": 1e-3, "tokens_per_s": 1234.0, "mfu": 0.5}


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_the_curve_is_whole_for_any_number_of_steps(count: int) -> None:
    training = [(step, 9 - step / 1000) for step in range(1, count + 1)]
    svg = loss_svg(training, training[-2:], [("a < b", [6.5, 6.6])])
    root = ElementTree.fromstring(svg)
    curve = next(element for element in root.iter() if element.get("class") == "smooth")
    drawn = len(curve.get("points", "").split())
    assert drawn == count if count <= POINTS else POINTS / 2 < drawn <= POINTS


@pytest.mark.parametrize(("steps", "marked"), [(1, ["0", "1"]), (3, ["0", "1", "2", "3"])])
def test_a_short_runs_axis_names_each_step_once(steps: int, marked: list[str]) -> None:
    root = ElementTree.fromstring(loss_svg([(step, 5.0) for step in range(1, steps + 1)], [], []))
    names = [element.text for element in root.iter() if element.get("text-anchor") == "middle"]
    assert names == marked


@pytest.mark.parametrize("view", [Lines(), Live()])
def test_a_view_shows_loss_rate_utilisation_and_validation(
    view: Progress, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    view.begin("a tiny GPT-2", 3, 7)
    view.stepped(STEP)
    view.evaluated({"step": 7, "val_loss": 3.5, "val_bits_per_byte": 1.25})
    view.saved(7)
    view.end()
    shown = capsys.readouterr().err
    for text in ("a tiny GPT-2; going on after step 3", "loss 3.250", "1,234 tokens/s", "MFU 50.0%"):
        assert text in shown
    assert "step 7: validation loss 3.500, 1.250 bits per byte" in shown


def test_settings_are_shown_as_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    settings = 'data = { train = "/a[b]/:zap:/[/c]/*.bin" }'
    view = Live()
    view.begin(settings, 0, 7)
    view.end()
    assert settings in capsys.readouterr().err


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    view = for_terminal(quiet=True)
    view.begin("a tiny GPT-2", 0, 7)
    view.stepped(STEP)
    view.end()
    assert capsys.readouterr() == ("", "")


def test_a_report_that_takes_long_is_written_less_often(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, written = [1000.0], list[float]()

    def slow(*_: object) -> None:
        clock[0] += 2
        written.append(clock[0])

    monkeypatch.setattr("train.report.write", slow)
    monkeypatch.setattr("train.report.time.monotonic", lambda: clock[0])
    kept = Kept(tmp_path)
    for _ in range(500):
        kept.write_if_due({})
        clock[0] += 1
    assert len(written) == 3  # 2 s of every 200


def test_openais_losses_are_drawn_where_a_token_means_the_same(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[model]\nvocab_size = 300\n")
    row = {"step": 1, "loss": 9.0, "ms": 1.0, "tokens_per_s": 1.0}
    (tmp_path / "log.jsonl").write_text(json.dumps(row) + "\n")
    write(tmp_path)
    assert "OpenAI" not in (tmp_path / "loss.svg").read_text()
    vocabulary = {"!": 0, "Ġthe": 262, "<|endoftext|>": 50256}
    Tokenizer(models.BPE(vocab=vocabulary, merges=[])).save(str(tmp_path / "tokenizer.json"))
    write(tmp_path)
    svg = (tmp_path / "loss.svg").read_text()
    assert "OpenAI&#x27;s on OpenWebText (if this text is alike): 124M 3.12" in svg
    assert svg.count('class="ref"') == 4 + 1  # the lines and the legend's


def test_a_spike_is_shown_with_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    view = Lines()
    view.spiked({"step": 9, "loss": 8.0, "grad_norm": 1.0, "spike_z": 9.04, "skipped": True})
    view.spiked({"step": 10, "loss": None, "grad_norm": None, "spike_z": 0.0, "skipped": True})
    view.spiked({"step": 11, "loss": 4.5, "grad_norm": None, "spike_z": 0.1, "skipped": True})
    assert capsys.readouterr().err.splitlines() == [
        "step 9: loss 8.000, 9.0 deviations above the last ones; skipped",
        "step 10: loss no number; skipped",
        "step 11: loss 4.500, gradient norm no number; skipped",
    ]


def test_the_reports_curve_is_scrolled_where_it_would_be_too_small(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[model]\nvocab_size = 300\n")
    write(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert re.search(r'<div class="scroll" tabindex="0"[^>]*><svg', page)
    assert "min-width: 700px" in page


def test_an_evaluation_whose_bits_per_byte_nobody_wrote_is_shown_without(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("[model]\nvocab_size = 300\n")
    (tmp_path / "log.jsonl").write_text('{"step": 3, "val_loss": 2.5}\n')
    write(tmp_path)
    assert "<td>3</td><td>2.500</td><td>–</td>" in (tmp_path / "report.html").read_text()


def test_rows_that_the_trainer_did_not_write_are_left_out(tmp_path: Path) -> None:
    ours = {"step": 1, "loss": None, "ms": 1.5, "tokens_per_s": 2.0}
    theirs = [
        *(ours | {key: value} for key in ("loss", "ms", "tokens_per_s") for value in ("x", [1], math.nan)),
        *({"step": 2, "val_loss": value} for value in ("x", 10**400, math.inf)),
        *({"step": 3, "loss": 1.0}, ours | {"step": 1.5}, ours | {"more": "x" * rundir.LONGEST_ROW}),
    ]
    lines = (json.dumps(row) + "\n" for row in [*theirs, ours])
    (tmp_path / "log.jsonl").write_text("".join(lines))
    assert [*rundir.rows(tmp_path)] == [ours]
