from xml.etree import ElementTree

import pytest

from train.plot import POINTS, loss_svg
from train.progress import Lines, Live, Progress, for_terminal

STEP = {"step": 7, "loss": 3.25, "lr": 1e-3, "tokens_per_s": 1234.0, "mfu": 0.5}


@pytest.mark.parametrize("count", [0, 1, 2, 5000])
def test_the_curve_is_whole_for_any_number_of_steps(count: int) -> None:
    training = [(step, 9 - step / 1000) for step in range(1, count + 1)]
    svg = loss_svg(training, training[-2:], [("a < b", [6.5, 6.6])])
    root = ElementTree.fromstring(svg)
    curve = next(element for element in root.iter() if element.get("class") == "smooth")
    drawn = len(curve.get("points", "").split())
    assert drawn == count if count <= POINTS else POINTS / 2 < drawn <= POINTS


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


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    view = for_terminal(quiet=True)
    view.begin("a tiny GPT-2", 0, 7)
    view.stepped(STEP)
    view.end()
    assert capsys.readouterr() == ("", "")
