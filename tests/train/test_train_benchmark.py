import re
from types import ModuleType

import pytest

from benchmarks import bench_losses, bench_train, bench_train_gpu


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
