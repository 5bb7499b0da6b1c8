import json
import random
import re
from pathlib import Path
from types import ModuleType

import pytest
import zstandard

from benchmarks import bench_losses, bench_muon, bench_train, bench_train_gpu


def printed_by(
    bench: ModuleType,
    arguments: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> str:
    monkeypatch.setattr("sys.argv", [bench.__name__, *arguments.split(), "--toy"])
    bench.main()
    return capsys.readouterr().out


@pytest.mark.slow
def test_the_gpus_benchmark_prints_its_table_on_tiny_models(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = printed_by(bench_train_gpu, "", capsys, monkeypatch)
    assert re.search(r"\| ours 124M \| 2 \| [\d,]+ \| [\d.]+% \|", printed)
    assert "| ours 355M | 2 |" in printed and "| ours, Muon 124M | 2 |" in printed


def test_the_cpus_benchmark_prints_its_table_on_a_tiny_model(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert re.search(r"\| ours \| [\d.]+ \|", printed_by(bench_train, "cpu --rounds 1", capsys, monkeypatch))


@pytest.mark.slow
def test_the_losses_benchmark_tells_the_noise_of_micro_batches(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = printed_by(bench_losses, "--seeds 2 --steps 12", capsys, monkeypatch)
    assert re.search(r"\| 2 \| \d\.\d+ \| \d\.\d+ \|", printed)
    (largest,) = re.findall(r"ours, other micro-batches: .* at most (\d\.\d+)", printed)
    assert float(largest) < 1e-3


@pytest.mark.slow
def test_the_optimisers_benchmark_tells_the_tokens_that_each_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    words = random.Random(1)
    book = " ".join(
        f"{words.choice(['the', 'a', 'its'])} {words.choice(['sea', 'hill'])}" for _ in range(50_000)
    )
    (tmp_path / "books.ndjson.zst").write_bytes(zstandard.compress(json.dumps({"text": book}).encode()))
    arguments = f"bench_muon --text {tmp_path}/books.ndjson.zst --megabytes 0.4 --steps 50 --lr 5e-3"
    monkeypatch.setattr("sys.argv", arguments.split())
    bench_muon.main()
    printed = capsys.readouterr().out
    assert re.search(r"\| AdamW \| \d\.\d+ \| 50 \|", printed)
    assert re.search(r"\| Muon \| \d\.\d+ \| (\d+ \(\d+% of the tokens\)|not reached) \|", printed)
