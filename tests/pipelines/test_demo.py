"""The demo as a newcomer runs it."""

import json
from pathlib import Path

import pytest

from tests.pipelines.chains import webtext


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_the_demo_finds_all_that_was_planted_and_trains_a_model(tmp_path: Path) -> None:
    result = json.loads(webtext("demo", "--out", tmp_path, "--json", timeout_s=800).stdout)
    assert all(row["planted"] == row["found"] for row in result["planted"])
    assert result["training"]["val_loss"] < result["training"]["unigram_entropy"] - 1
    assert result["sample"].startswith("The module")
    assert Path(result["look_at"]["the report on the corpus"]).is_file()
