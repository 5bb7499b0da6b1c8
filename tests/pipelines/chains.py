"""Running the command line as a user does, on webs served from loopback."""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

import pyarrow.parquet as pq

import pipelines.audit  # these are loaded for `forked`
import pipelines.build_shards
import pipelines.crawl
import pipelines.status  # noqa: F401
from webtext.cli import main

FETCH_COLUMNS = ("captured_at", "fetched_at", "warc_file", "warc_offset", "warc_length", "attempts")
# Recipe settings under which two dozen pages make a corpus of several shards.
SMALL = ("tokens.vocab_size=600", "shards.validation=0.1", "shards.target_mb=0.05", "filter.min_tokens=32")
QUICK = ("crawl.per_host_delay_s=0", "crawl.contact=tests@webtext.example", "crawl.timeout_s=5")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "webtext", *map(str, arguments)]


def settings(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("--set", assignment)]


def webtext(*arguments: object, code: int = 0, timeout_s: float = 280) -> subprocess.CompletedProcess[str]:
    """Runs one command to its end, which must be the expected exit code."""
    done = subprocess.run(command(*arguments), capture_output=True, text=True, timeout=timeout_s, check=False)
    assert done.returncode == code, f"exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def forked(*arguments: object, code: int) -> str:
    """What a command that must end with such an exit code says: run in a fork of this process, whose
    libraries are loaded, so that each of many mistakes costs no start of Python."""
    with tempfile.TemporaryFile("w+") as output:
        child = os.fork()
        if child == 0:
            _become(arguments, output.fileno())
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        said = output.read()
    assert ended == code, f"exit code {ended}\n{said}"
    assert "Traceback" not in said
    return said


def refused(*arguments: object) -> str:
    """What a command says that must end with exit code 2."""
    return forked(*arguments, code=2)


def _become(arguments: Sequence[object], output: int) -> NoReturn:
    for number in (1, 2):
        os.dup2(output, number)
    sys.stdout = sys.stderr = open(1, "w", closefd=False)  # noqa: SIM115
    sys.argv = ["webtext", *map(str, arguments)]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    os._exit(code)


def webtext_json(*arguments: object) -> Any:
    return json.loads(webtext(*arguments, "--json").stdout)


def killed_after(seconds: float, arguments: Sequence[object]) -> bool:
    """Starts a command and kills its whole process tree after a while; False if it had ended by then."""
    return _killed(_started(arguments), seconds)


def killed_amid(work: Path, moments: random.Random, arguments: Sequence[object]) -> bool:
    """Starts a command and kills its whole process tree an instant after it has changed up to twenty files
    of a folder; False if it had ended by then. What it has done tells when, not a clock: on a machine of any
    speed it is hit while it is at work."""
    changes, then_s, before = moments.randint(1, 20), moments.uniform(0, 0.2), _versions(work)
    process = _started(arguments)
    while process.poll() is None and len(_versions(work) - before) < changes:
        time.sleep(0.005)
    return _killed(process, then_s)


def _started(arguments: Sequence[object]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command(*arguments), start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def _killed(process: subprocess.Popen[bytes], after_s: float) -> bool:
    with suppress(subprocess.TimeoutExpired):
        process.wait(after_s)
    ended = process.poll() is not None
    with suppress(ProcessLookupError):  # it ended with all its children
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return not ended


def _versions(folder: Path) -> set[tuple[str, int]]:
    """The files below a folder, and when each was written."""
    found = set()
    for where, _, names in os.walk(folder):
        for path in (Path(where, name) for name in names):
            with suppress(FileNotFoundError):  # a temporary one
                found.add((str(path), path.stat().st_mtime_ns))
    return found


def ray_workers_killed(arguments: Sequence[object], kills: int = 3) -> int:
    """Runs a command on Ray to its good end, and kills now and then a process that is at a task; how many."""
    killed = 0
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(command(*arguments), stdout=subprocess.DEVNULL, stderr=said)
        while process.poll() is None:
            time.sleep(0.1)
            listed = subprocess.run(["pgrep", "-f", "ray::_run"], capture_output=True, text=True, check=False)
            for pid in sorted(map(int, listed.stdout.split()))[: killed < kills]:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed += 1
                    time.sleep(1)
        said.seek(0)
        assert process.returncode == 0, f"exit code {process.returncode}\n{said.read()}"
    return killed


def results(corpus: Path) -> dict[str, Any]:
    """What must be the same in every run: shards and pages (but for what belongs to the fetch), the bytes of
    tokens and ledger."""
    rows = {
        str(path.relative_to(corpus)): _rows_without_fetch(path)
        for table in ("shards", "pages")
        for path in sorted((corpus / table).glob("*.parquet"))
    }
    plain = {
        str(path.relative_to(corpus)): path.read_bytes()
        for folder in ("tokens", "ledger", "documents", "clusters", "links")
        for path in sorted((corpus / folder).rglob("*.*"))
        if path.is_file() and path.name != "_manifest.json"
    }
    return rows | plain | {"ledger manifest": (corpus / "ledger" / "_manifest.json").read_bytes()}


def differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))


def url_list(path: Path, urls: Sequence[str]) -> Path:
    path.write_text("".join(f"{url}\n" for url in urls))
    return path


def _rows_without_fetch(path: Path) -> list[dict[str, Any]]:
    table = pq.read_table(path, partitioning=None)
    table = table.drop_columns([name for name in FETCH_COLUMNS if name in table.column_names])
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows
