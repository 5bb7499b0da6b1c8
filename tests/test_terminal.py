"""How results look on terminals of several widths, and where there is no terminal."""

import errno
import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from webtext import corpus_commands, model_commands, show, show_model
from webtext.cli import main
from webtext.command import app, show_result
from webtext.progress import Progress
from webtext.terminal import UNBOUNDED, console, new_table, print_facts, size

SHA256 = "543f19b73e5d39d022e69d1659442e05d714dfcf7055781530f54a758f7c8a6d"


def _shown(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().out.splitlines()


@pytest.mark.parametrize(
    ("size_bytes", "shown"),
    [
        (0, "0 kB"),
        (1_500_000, "1.5 MB"),
        (99_960_000, "100 MB"),
        (999_900_000, "1,000 MB"),
        (1e9, "1 GB"),
        (2.3e15, "2,300 TB"),
    ],
)
def test_a_size_is_told_in_three_digits_or_in_whole_units(size_bytes: float, shown: str) -> None:
    assert size(size_bytes) == shown


@pytest.fixture(params=[40, 80])
def narrow(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(console, "width", request.param)
    return int(request.param)


def test_the_next_command_can_be_pasted_where_a_path_has_spaces(capsys: pytest.CaptureFixture[str]) -> None:
    show.build({"corpus": "my corpus", "duplicates": {}})
    show_model.training({"run": "my run"})
    shown = _shown(capsys)
    assert "Next: webtext train 'my corpus' --out RUN, webtext audit 'my corpus'" in shown
    assert "Next: webtext sample 'my run'" in shown


def test_what_does_not_fit_goes_on_in_the_next_line(narrow: int, capsys: pytest.CaptureFixture[str]) -> None:
    table = new_table("", "key", "value")
    table.add_row("sha256", SHA256)
    table.add_row("final url", f"https://example.org/{SHA256}")
    console.print(table)
    lines = _shown(capsys)
    assert SHA256 in "".join(line[11:] for line in lines)
    assert max(map(len, lines)) <= narrow


def test_a_line_of_a_table_ends_where_its_text_does(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", UNBOUNDED)
    table = new_table("facts", "key", "value")
    table.add_row("short", "x")
    table.add_row("long", "x" * 300)
    table.add_row("", "")
    console.print(table)
    assert _shown(capsys) == ["facts", "key    value", "short  x", f"long   {'x' * 300}", ""]


def test_a_pipe_has_no_width() -> None:
    program = (
        "from webtext.terminal import print_facts; print_facts('', {'final_url': 'http://a/' + 'b' * 300})"
    )
    no_columns = {name: value for name, value in os.environ.items() if name != "COLUMNS"}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=no_columns
    )
    assert done.stdout.rstrip("\n") == f"final url  http://a/{'b' * 300}"


def test_evaluations_fit_into_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(console, "width", 80)
    published = {"117M": 37.5, "345M": 26.37, "762M": 22.05, "1542M": 17.48}
    metric = "perplexity_per_word_and_line_end_stride_512"
    rows = [{"task": "wikitext-103", "metric": metric, "value": 51234.567, "paper": published}]
    told = {"model": "run", "parameters": 9, "reused": [], "results": "here", "plot": "there", "rows": rows}
    show_model.evaluation(told)
    lines = _shown(capsys)
    assert "wikitext-103" in lines
    (row,) = [line for line in lines if "51,234.567" in line]
    assert row.startswith("  perplexity per word and line end")
    assert row.endswith("37.500  26.370  22.050  17.480")


def test_a_submissions_time_is_a_date(capsys: pytest.CaptureFixture[str]) -> None:
    post = {"id": "3nk1e", "subreddit": "news", "score": 7, "created_utc": 1444013269, "title": "A title"}
    link = {"url_as_posted": "http://example.org/", "submissions": [post]}
    story = {"url": "http://example.org/", "id": "0", "ledger": None, "link": link, "document": None}
    show.explanation(story | {"found": ""})
    assert "2015-10-05 02:47:49+00:00" in capsys.readouterr().out


ACTS = "\x1b]0;title\x07\x1b[2J\x9b31m\u202e"
WRITTEN_OUT = r"\u001b]0;title\u0007\u001b[2J\u009b31m\u202e"


def test_what_strangers_wrote_does_not_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts("page", {"charset": f"utf-8{ACTS}"})
    table = new_table("", "title")
    table.add_row(f"a title {ACTS}")
    console.print(table)
    console.print(f"posted as {ACTS}", markup=False)
    shown = capsys.readouterr().out
    assert shown.count(WRITTEN_OUT) == 3
    assert shown.replace("\n", "").isprintable()


def test_progress_does_not_act_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    Progress().note(f"malformed {ACTS}")
    assert capsys.readouterr().err == f"malformed {WRITTEN_OUT}\n"


def test_json_does_not_act_on_the_terminal_and_reads_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    title = f"{ACTS}\U000e0041 é 中"
    show_result({"title": title}, True, None)
    shown = capsys.readouterr().out
    assert shown.rstrip("\n").isprintable()
    assert json.loads(shown) == {"title": title}


@pytest.mark.parametrize(
    ("command", "then"), [("audit", "; the same command goes on from here"), ("status", "")]
)
def test_only_what_can_go_on_says_so(
    command: str, then: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(typer.core.TyperCommand, "invoke", interrupted)
    monkeypatch.setattr(sys, "argv", ["webtext", command, "corpus"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == f"webtext: interrupted{then}\n"


def test_a_full_disk_under_two_corpora_is_told_by_the_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "")

    monkeypatch.setattr(typer.core.TyperCommand, "invoke", refuse)
    monkeypatch.setattr(sys, "argv", ["webtext", "audit", "--compare", "one", "other"])
    with pytest.raises(SystemExit):
        main()
    assert capsys.readouterr().err.startswith("webtext: no space left at one: free some; ")


def test_a_full_disk_under_a_stores_copies_is_named_and_not_the_store(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "", "/cache/webtext-stores/s3/bucket/corpus/recipe.toml")

    monkeypatch.setattr(typer.core.TyperCommand, "invoke", refuse)
    monkeypatch.setattr(sys, "argv", ["webtext", "build-shards", "s3://bucket/corpus"])
    with pytest.raises(SystemExit):
        main()
    where = "/cache/webtext-stores, where s3://bucket/corpus/recipe.toml is worked on"
    assert capsys.readouterr().err.startswith(f"webtext: no space left at {where}: free some; ")


@pytest.mark.parametrize(
    ("refused", "code", "told"),
    [
        (OSError(errno.ENOSPC, ""), 1, "no space left at a/corpus: free some; "),
        (
            OSError(errno.EMFILE, "Too many open files"),
            1,
            "Too many open files: raise `ulimit -n`, or take fewer --workers; ",
        ),
        (OSError(errno.EFBIG, ""), 1, "a/corpus: a file grew larger than may be: raise `ulimit -f`, "),
        (BlockingIOError(errno.EAGAIN, ""), 1, "the system gives no more processes or threads: "),
        (RuntimeError("can't start new thread"), 1, "the system gives no more processes or threads: "),
        (pa.ArrowMemoryError("malloc"), 1, "memory does not suffice: free some, or take fewer --workers; "),
        (OSError(errno.EIO, "Input/output error", "a/file"), 1, "a/file: Input/output error; "),
        (OSError(errno.EIO, "Input/output error"), 1, "a/corpus: Input/output error; "),
        (IsADirectoryError(errno.EISDIR, "Is a directory", "a/file"), 2, "a/file: Is a directory: move it"),
        (FileExistsError(errno.EEXIST, "File exists", "a/table"), 2, "a/table: File exists: move it"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_what_the_system_refuses_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refused: Exception,
    code: int,
    told: str,
) -> None:
    def refuse(*_: object) -> None:
        raise refused

    monkeypatch.setattr(typer.core.TyperCommand, "invoke", refuse)
    monkeypatch.setattr(sys, "argv", ["webtext", "build-shards", "a/corpus"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith(f"webtext: {told}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("asked", ["--help", "--version"])
def test_a_full_disk_is_told_before_there_is_a_command(asked: str) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "webtext", asked]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "webtext: no space left at the disk: free some\n")


def test_a_working_directory_that_is_gone_is_told(tmp_path: Path) -> None:
    shell = ["bash", "-c", 'rmdir "$PWD" && exec "$@"', "bash", sys.executable, "-c"]
    command = [*shell, "from webtext.cli import main; main()", "status", "corpus"]
    paths = str(Path(__file__).parents[1])
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": paths},
    )
    told = "webtext: the working directory is gone: change to another\n"
    assert (done.returncode, done.stderr) == (2, told)


def test_a_ctrl_c_before_a_command_has_begun_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGINT)")
    paths = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-m", "webtext", "status", str(tmp_path)]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env=os.environ | {"PYTHONPATH": paths}
    )
    assert (done.returncode, done.stderr) == (130, "webtext: interrupted\n")


@pytest.mark.parametrize("reader", [typer.core.TyperGroup, typer.core.TyperCommand])
def test_a_ctrl_c_while_options_are_read_is_one_line(
    reader: type, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(reader, "parse_args", interrupted)
    monkeypatch.setattr(sys, "argv", ["webtext", "status", "corpus"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "webtext: interrupted\n"


def test_an_error_does_not_act_on_the_terminal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "webtext", "remove", str(tmp_path), "--domain", f"x{ACTS}.com"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.rstrip("\n").isprintable()


def test_what_looks_like_the_name_of_a_picture_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    show_model.samples({"prompt": "a ", "texts": [":zap: b"]})
    print_facts("", {"url": "http://a.example/:fire:"})
    shown = capsys.readouterr().out
    assert "a :zap: b" in shown
    assert "http://a.example/:fire:" in shown


def test_a_fact_that_is_not_known_is_left_blank(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts("page", {"status": None, "bytes": 1234})
    assert _shown(capsys) == ["page", "status", "bytes   1,234"]


def test_status_says_of_all_that_went_in_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"in": 7, "out": 3, "merged": 2, "dropped": {"karma": 2}}
    row = {"stage": "links", "state": "current", "why": "", "counts": counts, "last_run": None, "now": None}
    show.status({"corpus": "corpus", "recipe": "webtext", "stages": [row]})
    assert "karma 2; 2 merged" in _shown(capsys)[-1]


def test_a_link_of_a_list_has_no_empty_table_of_submissions(capsys: pytest.CaptureFixture[str]) -> None:
    link = {"url_as_posted": "http://a.example/", "submissions": []}
    show.explanation(
        {"url": "http://a.example/", "id": "0", "found": "", "ledger": None, "link": link, "document": None}
    )
    assert _shown(capsys)[-1] == "posted as http://a.example/, by a source without submissions"


@pytest.mark.parametrize(
    ("module", "command", "folder"),
    [(corpus_commands, "crawl", "pipelines/recipes"), (model_commands, "train", "train/configs")],
)
def test_help_names_what_ships(module: ModuleType, command: str, folder: str) -> None:
    assert module.__name__  # that it is imported adds its commands
    shown = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "200"}).stdout
    shipped = list((Path(__file__).parent.parent / folder).glob("*.toml"))
    assert shipped and all(file.stem in shown for file in shipped)
