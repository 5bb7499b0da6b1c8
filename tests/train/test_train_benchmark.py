import importlib.util
import re
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "bench_train.py"


@pytest.mark.parametrize("command", ["gpu", "cpu"])
def test_the_benchmark_prints_its_table_on_tiny_models(
    command: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = importlib.util.spec_from_file_location("bench_train", SCRIPT)
    bench = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(bench)
    monkeypatch.setattr("sys.argv", ["bench_train.py", command, "--toy", "--rounds", "1"])
    bench.main()
    printed = capsys.readouterr().out
    wanted = {
        "gpu": [
            r"\| ours 124M \| 2 \| [\d,]+ \| [\d.]+% \|",
            r"\| ours 355M \| 2 \|",
            r"\| ours, Muon 124M \| 2 \|",
        ],
        "cpu": [r"\| ours \| [\d.]+ \|"],
    }
    for row in wanted[command]:
        assert re.search(row, printed), printed
