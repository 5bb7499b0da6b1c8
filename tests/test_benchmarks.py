import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
PEERS = {"lmeval_peer", "scrapy_crawl"}  # run by another environment, which has the peer


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.py") if path.stem not in PEERS))
def test_a_benchmark_finds_what_it_imports_and_says_how_it_is_run(name: str) -> None:
    module = importlib.import_module(f"benchmarks.{name}")
    assert module.__doc__
    if hasattr(module, "main"):
        assert f"benchmarks.{name}" in module.__doc__ or f"benchmarks/{name}.py" in module.__doc__


def test_a_simulation_without_the_published_domains_says_where_to_put_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.simulate_scale"],
        env={**os.environ, "WEBTEXT_SHARED": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stderr.endswith("as webtext/domains.txt in the folder that WEBTEXT_SHARED names\n")
    assert "Traceback" not in done.stderr
