"""The demo as a newcomer runs it."""

import json
import sys
from pathlib import Path

import pytest

from pipelines import demo
from tests.pipelines.chains import forked, webtext
from webtext.errors import UserError
from webtext.progress import Progress


def test_a_dry_run_of_the_demo_says_what_it_would_make_and_writes_nothing(tmp_path: Path) -> None:
    said = json.loads(forked("demo", "--out", tmp_path / "demo", "--dry-run", "--json", code=0))
    assert said["out"] == f"{tmp_path}/demo"
    assert "RS_demo.zst" in said["steps"]
    assert "minutes" in said["takes"]
    assert list(tmp_path.iterdir()) == []


def test_without_what_trains_the_demo_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(UserError, match=r"torch is not installed; .*pip install 'webtext\[train\]'"):
        demo.run(tmp_path / "demo", None, Progress(quiet=True))
    assert not (tmp_path / "demo").exists()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_finds_all_that_was_planted_and_trains_a_model(tmp_path: Path) -> None:
    result = json.loads(webtext("demo", "--out", tmp_path, "--json", timeout_s=800).stdout)
    assert all(row["planted"] == row["found"] for row in result["planted"])
    assert result["training"]["val_loss"] < result["training"]["unigram_entropy"] - 1
    assert result["sample"].startswith("The module")
    assert Path(result["look_at"]["the report on the corpus"]).is_file()
