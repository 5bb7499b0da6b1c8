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
from train.report import Kept, summary, write
from train.rundir import Row

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


def logged(run: Path, *found: Row) -> Path:
    """A run of 300 entries whose log has these rows."""
    run.mkdir(exist_ok=True)
    (run / "config.toml").write_text("[model]\nvocab_size = 300\n[train]\nsteps = 4000\n")
    (run / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in found))
    return run


def trained(step: int, loss: float | None, ms: float = 1.0, tokens_per_s: float = 1.0) -> Row:
    return {"step": step, "loss": loss, "ms": ms, "tokens_per_s": tokens_per_s}


def judged(step: int, val_loss: float | None, bits: float | None) -> Row:
    return {"step": step, "val_loss": val_loss, "val_bits_per_byte": bits}


def saved(run: Path, state: Row) -> Path:
    """A checkpoint of the run that says so."""
    folder = run / "checkpoints" / f"step-{state['step']:08}"
    folder.mkdir(parents=True)
    (folder / "state.json").write_text(json.dumps(STATE | state))
    (folder / "DONE").touch()
    return folder


STATE = {
    "step": 3000,
    "tokens": 98_304_000,
    "parameters": 124_475_904,
    "unigram_entropy": 7.25,
    "device": "CPU",
    "rng": [{}],
    "recent_losses": [],
    "data": {"sha256": "", "epoch": 1.5, "tokens": 65_536_000},
}
LOG = (
    judged(2960, 6.0, 2.0),
    *(trained(step, 9.0, 120_500, 50.0) for step in range(2961, 2981)),
    *(trained(step, 4.0, 60_250, 2000.0) for step in range(2981, 3000)),
    judged(2999, 5.5, 1.75),
    trained(3000, 6.0, 60_250, 3000.0),
)


def test_the_summary_is_of_the_last_steps_and_the_last_evaluation(tmp_path: Path) -> None:
    run = logged(tmp_path / "run", *LOG)
    folder = saved(run, STATE)
    assert summary(run) == {
        "steps": 3000,
        "tokens": 98_304_000,
        "parameters": 124_475_904,
        "loss": pytest.approx(4.1),  # of 19 of 4.0 and one of 6.0
        "val_loss": 5.5,
        "val_bits_per_byte": 1.75,
        "unigram_entropy": 7.25,
        "tokens_per_s": 1025.0,  # between the 20 slower and the 20 faster
        "run": str(run),
        "checkpoint": str(folder),
    }


def test_a_run_that_has_not_begun_has_a_summary_of_nothing(tmp_path: Path) -> None:
    found = summary(logged(tmp_path / "run"))
    assert found.pop("run") == str(tmp_path / "run")
    assert (found.pop("steps"), found.pop("tokens")) == (0, 0)
    assert set(found.values()) == {None}


def test_the_report_shows_each_number_under_its_name(tmp_path: Path) -> None:
    run = logged(tmp_path / "a & <b>", *LOG)
    write(run, STATE)
    page = (run / "report.html").read_text()
    assert dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page)) == {
        "steps": "3,000 of 4,000",
        "tokens": "98,304,000",
        "loss, nats per token": "4.100",
        "validation loss": "5.500",
        "bits per byte": "1.750",
        "unigram entropy, nats": "7.250",
        "tokens per second": "1,025",
        "time in steps": "1 h 0 min",  # 20 of 120.5 s and 20 of 60.25 s
    }
    assert "GPT-2 of 124.5 M parameters on CPU, 1.5 epochs of 65,536,000 tokens" in page
    assert "<td>2,999</td><td>5.500</td><td>1.750</td>" in page
    assert (
        "<h1>a &amp; &lt;b&gt;</h1>" in page and "<title>a &amp; &lt;b&gt;: training report</title>" in page
    )


def test_a_report_of_the_folder_that_one_is_in_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(logged(tmp_path / "run"))
    write(Path())
    assert "<h1>run</h1>" in Path("report.html").read_text()


def test_the_newest_checkpoint_says_what_a_report_is_not_told(tmp_path: Path) -> None:
    run = logged(tmp_path / "run", *LOG)
    saved(run, STATE)
    write(run)
    assert "<dd>3,000 of 4,000</dd>" in (run / "report.html").read_text()
    write(run, STATE | {"step": 3500})
    assert "<dd>3,500 of 4,000</dd>" in (run / "report.html").read_text()


def test_a_report_of_nothing_yet_shows_dashes_and_less_than_an_hour_minutes(tmp_path: Path) -> None:
    run = logged(tmp_path / "run", trained(1, None, 50_000), trained(2, 3.0, 119_600), judged(2, None, None))
    write(run)
    page = (run / "report.html").read_text()
    shown = dict(re.findall("<dt>(.*?)</dt><dd>(.*?)</dd>", page))
    assert (shown["loss, nats per token"], shown["validation loss"], shown["bits per byte"]) == (
        "3.000",
        "–",
        "–",
    )
    assert shown["time in steps"] == "2 min 50 s"
    assert "<td>2</td><td>–</td><td>–</td>" in page
    assert "unigram" not in (run / "loss.svg").read_text()


def test_settings_in_the_report_are_text(tmp_path: Path) -> None:
    run = logged(tmp_path / "run")
    with (run / "config.toml").open("a") as config:
        config.write('[data]\ntrain = "<script>.bin"\n')
    write(run, STATE | {"device": "<GPU>"})
    page = (run / "report.html").read_text()
    assert "<td>data.train</td><td>&lt;script&gt;.bin</td>" in page
    assert "on &lt;GPU&gt;, " in page


def test_the_curve_is_of_the_losses_at_their_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = list[object]()

    def draw(*curves: object) -> str:
        drawn.extend(curves)
        return ""

    monkeypatch.setattr("train.report.loss_svg", draw)
    found = (trained(5, 4.0), trained(6, None), trained(7, 3.0), judged(6, None, None), judged(7, 3.5, 1.0))
    write(logged(tmp_path / "run", *found), STATE)
    assert drawn == [[(5, 4.0), (7, 3.0)], [(7, 3.5)], [("unigram entropy 7.25", [7.25])]]


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
    logged(tmp_path, trained(1, 9.0))
    write(tmp_path)
    assert "OpenAI" not in (tmp_path / "loss.svg").read_text()
    vocabulary = {"!": 0, "Ġthe": 262}  # and no end of text: as of a corpus' own
    Tokenizer(models.BPE(vocab=vocabulary, merges=[])).save(str(tmp_path / "tokenizer.json"))
    write(tmp_path)
    assert "OpenAI" not in (tmp_path / "loss.svg").read_text()
    vocabulary["<|endoftext|>"] = 50256
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
    write(logged(tmp_path))
    page = (tmp_path / "report.html").read_text()
    assert re.search(r'<div class="scroll" tabindex="0"[^>]*><svg', page)
    assert "min-width: 700px" in page


def test_an_evaluation_whose_bits_per_byte_nobody_wrote_is_shown_without(tmp_path: Path) -> None:
    write(logged(tmp_path, {"step": 3, "val_loss": 2.5}))
    assert "<td>3</td><td>2.500</td><td>–</td>" in (tmp_path / "report.html").read_text()


def test_rows_that_the_trainer_did_not_write_are_left_out(tmp_path: Path) -> None:
    ours = {"step": 1, "loss": None, "ms": 1.5, "tokens_per_s": 2.0}
    theirs: list[Row] = [
        *(ours | {key: value} for key in ("loss", "ms", "tokens_per_s") for value in ("x", [1], math.nan)),
        *({"step": 2, "val_loss": value} for value in ("x", 10**400, math.inf)),
        judged(2, 1.0, math.nan),
        *(
            {"step": 3, "loss": 1.0},
            ours | {"step": 1.5},
            ours | {"step": True},
            ours | {"more": "x" * rundir.LONGEST_ROW},
        ),
    ]
    run = logged(tmp_path, *theirs, ours)
    with (run / "log.jsonl").open("a") as log:
        log.write("[" * 60_000 + "\n")
    assert [*rundir.rows(run)] == [ours]
