"""Objects in a store: put whole, fetched when they differ, asked for again when the store is unwell."""

import gc
import gzip
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import typer

from tests.object_store import BUCKET, FAULTS, ObjectStore, serving
from webtext import buckets, files, lease, parquet, store, store_failures
from webtext.corpus import Corpus
from webtext.errors import RunFailed, UserError
from webtext.manifest import Part
from webtext.options import place
from webtext.store import Object
from webtext.table import Table


@pytest.fixture(scope="module")
def served() -> Iterator[ObjectStore]:
    with serving() as site:
        yield site


@pytest.fixture
def site(served: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ObjectStore:
    """The server, well again, and a cache folder of its own for each test."""
    served.unwell, served.faults, served.denied = 0.0, FAULTS, ""
    served.asked.clear()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return served


@pytest.fixture
def root(site: ObjectStore, request: pytest.FixtureRequest) -> Path:
    """The working folder of a corpus that nobody has begun."""
    assert not site.denied
    return store.folder_of(f"s3://{BUCKET}/{abs(hash(request.node.name))}")


def object_at(path: Path) -> Object:
    found = store.of(path)
    assert found is not None
    return found


def test_a_path_says_which_object_it_stands_for(root: Path) -> None:
    assert object_at(root / "pages" / "a b.parquet").address.endswith("/pages/a b.parquet")
    assert object_at(root).address.startswith(f"s3://{BUCKET}/")
    assert store.of(Path("/tmp/pages/a.parquet")) is None


@pytest.mark.parametrize("address", ["s3://", "s3:///key", "gs:// /..", "s3://bucket/../other"])
def test_an_address_without_a_place_is_refused(address: str) -> None:
    with pytest.raises(UserError, match="names no place in a store; write"):
        store.folder_of(address)


def test_a_folder_that_holds_copies_of_a_store_is_no_corpus(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="name the store's address"):
        place(str(tmp_path / store.FOLDER / "s3" / "bucket"))


def test_messages_tell_addresses_instead_of_working_folders(root: Path) -> None:
    assert store.named(f"{root}/pages: damaged") == f"{object_at(root).address}/pages: damaged"
    assert store.named("/tmp/corpus/pages: damaged") == "/tmp/corpus/pages: damaged"


def test_what_is_written_is_an_object_and_what_is_read_comes_from_there(
    root: Path, site: ObjectStore
) -> None:
    files.write_text(root / "a" / "note.txt", "Grüße")
    assert site.read(object_at(root / "a" / "note.txt").place) == "Grüße".encode()
    (root / "a" / "note.txt").unlink()
    assert files.read_text(root / "a" / "note.txt") == "Grüße"
    assert files.here(root / "a" / "note.txt").read_text() == "Grüße"
    assert files.sizes(root / "a") == {"note.txt": 7}
    assert (files.names(root), files.sizes(root)) == (["a"], {})
    assert not files.exists(root / "a")  # which is no file
    files.remove(root / "a" / "note.txt")
    assert not files.exists(root / "a" / "note.txt")
    assert files.sizes(root / "none") == {}
    with pytest.raises(FileNotFoundError):
        files.here(root / "a" / "note.txt")


def test_a_copy_that_is_right_is_not_fetched_again(root: Path, site: ObjectStore) -> None:
    path = root / "data"
    object_at(path).write(b"first")
    files.here(path)
    site.asked.clear()
    assert files.here(path).read_bytes() == b"first"
    assert {asked.split()[0] for asked in site.asked} == {"HEAD"}
    object_at(path).write(b"the second")
    assert files.here(path).read_bytes() == b"the second"


def test_what_was_put_is_not_fetched(root: Path, site: ObjectStore) -> None:
    files.write_text(root / "note.txt", "put")
    site.asked.clear()
    assert files.here(root / "note.txt").read_text() == "put"
    assert {asked.split()[0] for asked in site.asked} == {"HEAD"}


def test_what_lies_in_the_place_of_a_copy_is_none_though_it_is_as_long(root: Path) -> None:
    path = root / "data"
    object_at(path).write(b"first")
    files.here(path)
    path.write_bytes(b"other")
    assert files.here(path).read_bytes() == b"first"


def test_a_fetch_that_is_interrupted_leaves_the_copy_as_it_was(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    object_at(root / "data").write(b"first")
    files.here(root / "data")
    object_at(root / "data").write(b"the second")
    monkeypatch.setattr(os, "utime", interrupted)
    with pytest.raises(KeyboardInterrupt):
        files.here(root / "data")
    assert {path.name: path.read_bytes() for path in root.iterdir()} == {"data": b"first"}


def test_an_object_is_taken_as_it_is_whatever_its_name_says(root: Path, site: ObjectStore) -> None:
    packed = gzip.compress(b"an archive")
    found = object_at(root / "archive.warc.gz")
    found.write(packed)
    assert site.read(found.place) == found.read() == packed


def test_a_file_that_did_not_arrive_whole_is_put_again(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, write = tmp_path / "whole", buckets.write
    whole.write_bytes(b"all of it")
    put = list[str]()

    def cut_once(system: object, key: str, pieces: Iterable[bytes]) -> None:
        put.append(key)
        write(system, key, pieces if len(put) > 1 else [b"all"])

    monkeypatch.setattr(buckets, "write", cut_once)
    object_at(root / "whole").put(whole)
    assert (object_at(root / "whole").read(), len(put)) == (b"all of it", 2)


def test_a_table_is_read_without_a_copy(root: Path) -> None:
    table = pa.table({"id": [1, 2], "text": ["a", "b"]})
    parquet.write(root / "part.parquet", table.schema, [table])
    (root / "part.parquet").unlink()
    assert parquet.read_table(root / "part.parquet", ["id"]).to_pydict() == {"id": [1, 2]}
    assert not (root / "part.parquet").exists()


def test_damage_to_an_object_is_not_taken_for_a_store_that_fails(root: Path) -> None:
    table = pa.table({"text": [f"text {number}" for number in range(1000)]})
    parquet.write(root / "part.parquet", table.schema, [table])
    whole = object_at(root / "part.parquet").read()
    object_at(root / "part.parquet").write(whole[:500] + bytes(20) + whole[520:])
    with pytest.raises(OSError, match="CRC checksum"):
        parquet.read_table(root / "part.parquet")


def test_a_table_that_is_gone_is_not_asked_for_again(root: Path, site: ObjectStore) -> None:
    with pytest.raises(FileNotFoundError):
        parquet.read_table(root / "part.parquet")
    assert len(site.asked) < 5


def test_rows_are_looked_for_again_in_a_store_that_was_unwell(root: Path, site: ObjectStore) -> None:
    rows, links = pa.table({"id": ["a", "b"]}), Table("links", root / "links", None)
    parquet.write(links.folder / "part.parquet", rows.schema, [rows])
    site.unwell, site.faults = 1.0, ("error",)
    threading.Timer(0.5, lambda: setattr(site, "unwell", 0.0)).start()
    (found,) = links.found(pc.field("id") == "b", ["part.parquet"])
    assert found["id"].to_pylist() == ["b"]


def test_requests_that_fail_are_made_again(root: Path, site: ObjectStore, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(6_000_000))
    site.unwell, site.late_s, before = 0.15, 0.05, site.faults_had
    object_at(root / "big").put(big)
    assert files.here(root / "big").read_bytes() == big.read_bytes()
    for n in range(3):
        files.write_text(root / "note.txt", str(n))
        assert files.read_text(root / "note.txt") == str(n)
    assert files.sizes(root) == {"big": 6_000_000, "note.txt": 1}
    assert site.faults_had > before


def test_a_store_that_stays_unwell_is_told_by_the_object(
    root: Path, site: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_failures, "GIVE_UP_S", 0)
    site.unwell, site.faults = 1.0, ("error",)
    with pytest.raises(RunFailed) as failed:
        files.write_text(root / "note.txt", "x")
    told = str(failed.value)
    assert told.startswith(f"{object_at(root).address}/note.txt: ")
    assert "check the network" in told and "\n" not in told


def test_a_short_wait_for_a_store_is_not_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers = iter([OSError("unwell"), OSError("unwell"), "well"])

    def question(*_: object) -> object:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    assert object_at(root).ask(question) == "well"
    assert capsys.readouterr().err == ""


def test_a_wait_for_an_unwell_store_is_told_once(
    root: Path, site: ObjectStore, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store_failures, "GIVE_UP_S", 1)
    monkeypatch.setattr(store_failures, "SILENT_S", 0)
    site.unwell, site.faults = 1.0, ("error",)
    with pytest.raises(RunFailed):
        object_at(root / "note.txt").read()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"webtext: {object_at(root).address}/note.txt: ")
    assert line.endswith("; asked again for 1 s")


@pytest.mark.slow
def test_ctrl_c_ends_a_command_at_once_whose_store_does_not_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{silent.getsockname()[1]}")
        asks = [sys.executable, "-m", "webtext", "status", f"s3://{BUCKET}/corpus"]
        process = subprocess.Popen(asks, stderr=subprocess.PIPE, text=True)
        with silent.accept()[0]:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=10)[1]
    assert (process.returncode, said) == (130, "webtext: interrupted\n")


def test_a_command_that_ends_badly_does_not_wait_for_a_store_that_is_gone(
    root: Path, site: ObjectStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_failures, "BRIEFLY_S", 0.1)
    ended = pytest.raises(RunFailed, match="what ended it")
    with ended, Corpus(root).lock(), Corpus(root).table("links").journal([]):
        site.unwell, site.faults, began = 1.0, ("error",), time.monotonic()
        raise RunFailed("what ended it")
    assert time.monotonic() - began < 5


def test_a_put_that_fails_leaves_the_object_as_it_was_also_when_all_is_let_go_of(
    root: Path, site: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_failures, "GIVE_UP_S", 0)
    note, newer = object_at(root / "note.txt"), tmp_path / "newer"
    note.write(b"old")
    newer.write_bytes(b"new")
    site.unwell, site.faults = 1.0, ("error",)
    with pytest.raises(RunFailed):
        note.write(b"new")
    with pytest.raises(RunFailed):
        note.put(newer)
    site.unwell = 0.0
    gc.collect()
    time.sleep(0.1)
    assert site.read(note.place) == b"old"


@pytest.mark.parametrize(
    ("status", "said"),
    [
        ("403 Forbidden", "access denied; set AWS_ACCESS_KEY_ID"),
        ("400 Bad Request", "expired or wrong credentials, or a bucket of another region"),
        ("301 Moved Permanently", "set AWS_REGION"),
        ("405 Method Not Allowed", r"refused \(HTTP status 405\)"),
        ("412 Precondition Failed", r"refused \(HTTP status 412\)"),
    ],
)
def test_a_store_that_refuses_is_told_at_once_and_without_secrets(
    root: Path, site: ObjectStore, status: str, said: str
) -> None:
    site.denied = status
    with pytest.raises(UserError, match=said) as refused:
        files.exists(root / "recipe.toml")
    assert "secret" not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_store_that_is_full_is_told_at_once(root: Path, site: ObjectStore) -> None:
    site.denied = "507 Insufficient Storage"
    with pytest.raises(RunFailed, match="make room there"):
        files.exists(root / "note.txt")
    assert len(site.asked) == 1


def test_what_a_store_refuses_besides_access_is_no_matter_of_credentials() -> None:
    quota = "AWS Error UNKNOWN (HTTP status 403) during PutObject operation: ExceptionName: QuotaExceeded"
    clock = "AWS Error REQUEST_TIME_TOO_SKEWED during PutObject operation: The difference is too large."
    assert (store_failures.refusal(OSError(quota)) or "").startswith(
        "refused (HTTP status 403, QuotaExceeded)"
    )
    assert (store_failures.refusal(OSError(clock)) or "").endswith("this machine's clock is wrong; set it")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            "AWS Error UNKNOWN (HTTP status 507) during PutObject operation: "
            "Unable to parse ExceptionName: XMinioStorageFull Message: Storage backend is full",
            "HTTP status 507, XMinioStorageFull; the store is full: make room there",
        ),
        (
            "AWS Error [code 136] during GetObject operation: Wrong storage class (Request)",
            "[code 136], Wrong storage class; check the network",
        ),
        ("AWS Error SLOW_DOWN during GetObject operation: Reduce your rate", "slow down; check the network"),
    ],
)
def test_what_a_store_calls_its_failure_is_told(error: str, said: str) -> None:
    assert store_failures.told(OSError(error)).startswith(said)
    assert store_failures.is_of_a_store(OSError(error))


def test_a_small_object_is_put_by_one_request(root: Path, site: ObjectStore) -> None:
    object_at(root / "note.txt").write(b"hello")
    assert site.asked == [f"PUT /{object_at(root).place}/note.txt"]


@pytest.mark.usefixtures("site")
def test_a_bucket_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match=r"^s3://nowhere/corpus: no such bucket"):
        Corpus.open(store.folder_of("s3://nowhere/corpus"))
    with (
        pytest.raises(UserError, match="no such bucket"),
        Corpus(store.folder_of("s3://nowhere/corpus")).lock(),
    ):
        pass


def test_a_place_without_a_corpus_is_told(root: Path) -> None:
    with pytest.raises(UserError, match="does not exist; `webtext crawl"):
        Corpus.open(root)


def test_a_put_that_is_killed_leaves_no_object(root: Path, site: ObjectStore, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(bytes(60_000_000))
    code = "import sys, pathlib as p, webtext.store as s; s.of(p.Path(sys.argv[1])).put(p.Path(sys.argv[2]))"
    site.asked.clear()
    process = subprocess.Popen([sys.executable, "-c", code, root / "big", big])
    while not any("PUT" in asked for asked in site.asked):
        time.sleep(0.01)
        assert process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not files.exists(root / "big")
    assert files.sizes(root) == {}


def test_any_file_system_of_fsspec_will_do(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    path = store.folder_of("memory://some/where") / "note.txt"
    other = Object("memory", object_at(path).place)
    other.write(b"hello")
    assert other.read() == b"hello"
    assert list(Object("memory", "some/where").listed()) == ["note.txt"]
    other.fetch(tmp_path / "note.txt")
    assert (tmp_path / "note.txt").read_bytes() == b"hello"
    other.write(b"hallo")
    other.fetch(tmp_path / "note.txt")  # this store says nothing of when
    assert (tmp_path / "note.txt").read_bytes() == b"hallo"
    other.remove()
    assert other.stamp() is None


def test_a_store_of_fsspec_is_asked_again_whatever_words_its_error_has() -> None:
    pytest.importorskip("fsspec")
    errors = iter([OSError("unwell")])

    def question(_system: object, _key: str) -> str:
        for error in errors:
            raise error
        return "well"

    assert Object("memory", "some/where").ask(question, parsing=True) == "well"


def test_a_table_that_is_gone_from_a_store_of_fsspec_is_not_asked_for_again() -> None:
    pytest.importorskip("fsspec")
    started = time.monotonic()
    with pytest.raises(FileNotFoundError):
        parquet.read_table(store.folder_of("memory://some/where") / "part.parquet")
    assert time.monotonic() - started < 10


def test_a_server_whose_address_is_none_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "htp://127.0.0.1:9000")
    with pytest.raises(UserError, match=r"^AWS_ENDPOINT_URL=htp://127.*; write https://HOST or http://HOST"):
        Object("s3", "elsewhere/key").read()


@pytest.mark.parametrize("bucket", ["user:password@bucket", "127.0.0.1:9000"])
def test_an_address_names_neither_a_user_nor_a_server(bucket: str) -> None:
    with pytest.raises(UserError, match=r"set AWS_ACCESS_KEY_ID .* and AWS_ENDPOINT_URL") as refused:
        Object("s3", f"{bucket}/key").read()
    assert "password" not in str(refused.value)


def test_a_store_of_an_unknown_kind_is_told() -> None:
    with pytest.raises(UserError, match="nosuch://bucket: a store that cannot be reached"):
        Object("nosuch", "bucket/key").read()


@pytest.mark.parametrize("name", ["", "x", "9" * 30])
def test_what_is_no_id_of_a_process_is_of_none_that_has_ended(name: str) -> None:
    assert not lease.has_ended(name)


def test_a_store_whose_library_is_not_installed_is_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def from_uri(_: str) -> None:
        raise OSError("Unable to load libhdfs\ndlopen(/usr/lib/libhdfs.so) failed: no such file")

    monkeypatch.setattr(store, "fs", SimpleNamespace(FileSystem=SimpleNamespace(from_uri=from_uri)))
    with pytest.raises(UserError, match=r"^hdfs://host: .* \(Unable to load libhdfs\); .* install what it"):
        Object("hdfs", "host/key").read()


def test_one_writer_at_a_time(root: Path) -> None:
    with Corpus(root).lock():
        busy = rf"s3://.*: process {os.getpid()} on .* is writing to this corpus"
        with pytest.raises(UserError, match=busy), lease.held(root):
            pass
    with Corpus(root).lock():
        pass


def test_the_lease_of_a_process_that_was_killed_here_is_taken_over(root: Path) -> None:
    code = "import sys, pathlib as p, webtext.lease as l\nwith l.held(p.Path(sys.argv[1])): input(print(1))"
    process = subprocess.Popen(
        [sys.executable, "-uc", code, root], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout and process.stdout.readline()
    with pytest.raises(UserError, match=f"process {process.pid} on "), lease.held(root):
        pass
    process.kill()
    process.communicate()
    with lease.held(root):
        assert len(files.names(root / ".lock")) == 1
    assert files.names(root / ".lock") == []


def test_a_writer_elsewhere_that_fell_silent_is_told_plainly(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (object_at(root) / ".lock/far.away.4026531836.77.12345678").write(b"")
    with pytest.raises(UserError, match=r"process 77 on far\.away is writing"), lease.held(root):
        pass
    monkeypatch.setattr(lease, "STALE_S", 0)
    with (
        pytest.raises(
            UserError, match=r"no sign of life for 0 minutes; if it is gone, delete s3://.*/\.lock/far"
        ),
        lease.held(root),
    ):
        pass


def test_a_writer_gives_signs_of_life_though_one_of_them_fails(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease, "SIGN_OF_LIFE_S", 0.01)
    signs, write, enough = list[str](), Object.write, threading.Event()

    def write_but_the_first_sign(stored: Object, data: bytes) -> None:
        signs.append(stored.place)
        if len(signs) == 2:
            raise RunFailed("the store is unwell")
        if len(signs) > 3:
            enough.set()
        write(stored, data)

    monkeypatch.setattr(Object, "write", write_but_the_first_sign)
    with lease.held(root):
        assert enough.wait(10)
    assert len(set(signs)) == 1
    assert files.names(root / ".lock") == []


def test_a_writer_elsewhere_whose_number_is_that_of_no_process_here_holds_the_corpus(root: Path) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    (object_at(root) / f".lock/far.away.4026531836.{ended.pid}.12345678").write(b"")
    with pytest.raises(UserError, match=rf"process {ended.pid} on far\.away is writing"), lease.held(root):
        pass
    assert len(files.names(root / ".lock")) == 1  # his, which he needs


def test_a_stages_journal_outlives_its_run(root: Path) -> None:
    table = Corpus(root).table("links")
    parts = [Part(f"part-{n:05d}.parquet", "key", 1, 1, "hash") for n in range(3)]
    with pytest.raises(KeyboardInterrupt), table.journal(parts[:1]) as journal:
        for part in parts[1:]:
            journal.mark(part)
        raise KeyboardInterrupt
    assert table.begun
    assert table.finished() == parts
