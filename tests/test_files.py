import errno
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext import damage, files, parquet
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.fingerprint import fingerprint, fingerprint_of_many
from webtext.options import name_or_file, place

SCHEMA = pa.schema([("n", pa.int64())])


def _table(numbers: list[int]) -> pa.Table:
    return pa.table({"n": numbers}, schema=SCHEMA)


def test_a_file_is_not_there_until_it_is_whole(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    with files.whole(target) as temporary:
        temporary.write_text("half")
        assert not target.exists()
    assert target.read_text() == "half"


def test_a_file_gets_its_name_once_the_disk_has_its_bytes_and_the_disk_hears_of_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[bool, bool]] = []
    target = tmp_path / "a.txt"
    monkeypatch.setattr(files, "sync", lambda path: synced.append((path == tmp_path, target.exists())))
    files.write_text(target, "text")
    assert synced == [(False, False), (True, True)]


def test_a_folder_that_a_full_disk_has_no_room_for_is_not_said_to_be_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="not a directory to write to"):
        files.make_folder(tmp_path / "file" / "a")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    with pytest.raises(OSError, match="No space left"):
        files.make_folder(tmp_path / "a")


def test_a_fingerprint_is_one_for_sets_and_models_of_any_order_and_for_rows_held_or_not() -> None:
    names = [f"{n}.example" for n in range(50)]
    assert fingerprint(frozenset(names)) == fingerprint(sorted(names))
    assert fingerprint({"a": 1, "b": 2}) == fingerprint({"b": 2, "a": 1})
    for parts in ((), ("a", 1)):
        for rows in ([], ["x"], ["x", "y"]):
            assert fingerprint_of_many(iter(rows), *parts) == fingerprint(*parts, rows)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(OSError), files.whole(target) as temporary:
        temporary.write_text("new")
        raise OSError
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert target.read_text() == "old"


def test_a_directory_in_a_files_place_is_named_and_leaves_no_litter(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(UserError, match=r"a.txt: a directory in the place of a file: move it away"):
        files.write_text(tmp_path / "a.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_directory_in_a_files_place_is_not_removed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").mkdir()
    with pytest.raises(UserError, match=r"a.txt: a directory in the place of a file: move it away"):
        files.remove(tmp_path / "a.txt")


@pytest.mark.parametrize("name", ["~", "~root", "s3:x", "file:"])
def test_a_corpus_that_arrow_would_look_for_elsewhere_lies_where_it_was_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = place(name) / "a.parquet"
    parquet.write(path, SCHEMA, [_table([1])])
    assert parquet.read_table(path)["n"].to_pylist() == [1]
    assert (tmp_path / name / "a.parquet").is_file()


def test_a_corpus_whose_name_begins_with_a_dash_is_no_option_of_a_command_that_is_shown() -> None:
    assert not Corpus(place("-corpus")).quoted.startswith("-")


def test_a_file_in_this_folder_that_is_called_as_a_recipe_is_told_from_it_by_its_path() -> None:
    assert [name_or_file(named) for named in ("demo", "./demo")] == ["demo", "./demo"]


def test_what_killed_writers_left_is_cleaned(tmp_path: Path) -> None:
    (tmp_path / ".part-00000.parquet.123.tmp").write_text("torn")
    files.clean(tmp_path)
    assert not list(tmp_path.iterdir())


@given(st.lists(st.integers(0, 9), max_size=6), st.integers(1, 7))
def test_parquet_bytes_depend_on_rows_not_on_batches(sizes: list[int], group: int) -> None:
    import tempfile

    rows = list(range(sum(sizes)))
    pieces, start = [], 0
    for size in sizes:
        pieces.append(_table(rows[start : start + size]))
        start += size
    with tempfile.TemporaryDirectory() as folder:
        one = parquet.write(Path(folder) / "one", SCHEMA, [_table(rows)], row_group_rows=group)
        many = parquet.write(Path(folder) / "many", SCHEMA, pieces, row_group_rows=group)
    assert one == many
    assert one.rows == len(rows)


def test_a_file_that_is_renamed_while_its_folder_is_listed_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "kept").write_text("four")
    (tmp_path / ".new.tmp").touch()
    scandir = os.scandir

    def seen_and_then_renamed(folder: Path) -> list[os.DirEntry[str]]:
        found = list(scandir(folder))
        (folder / ".new.tmp").unlink()
        return found

    monkeypatch.setattr(os, "scandir", seen_and_then_renamed)
    assert files.sizes(tmp_path) == {"kept": 4}
    assert files.sizes(tmp_path / "gone") == {}


def test_a_link_that_leads_to_itself_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_text("four")
    (tmp_path / "b.parquet").symlink_to("b.parquet")
    assert files.sizes(tmp_path) == {"a.parquet": 4}


def test_a_flipped_bit_is_an_error_whoever_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "part-00000.parquet"
    parquet.write(path, SCHEMA, [pa.table({"n": range(3000)})])
    whole = path.read_bytes()
    readers = (parquet.read_table, lambda place: [*parquet.read_batches(place, 9, ["n"])])
    for at in range(4, len(whole) - pq.read_metadata(path).serialized_size - 8, 97):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        for read in readers:
            with pytest.raises((OSError, pa.ArrowException)):
                read(path)


@pytest.mark.parametrize(
    ("error", "no_damage"),
    [
        (PermissionError(errno.EACCES, "Permission denied"), True),
        (OSError(errno.ENOSPC, "No space left on device"), True),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), True),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), True),
        (OSError(errno.EMFILE, "Too many open files"), True),
        (pa.ArrowMemoryError("malloc of size 64 failed"), True),
        (
            pa.ArrowException(
                "Unknown error: Failed to launch worker thread: Resource temporarily unavailable"
            ),
            True,
        ),
        (OSError(errno.EIO, "Input/output error"), False),
        (pa.ArrowInvalid("Parquet magic bytes not found in footer"), False),
        (FileNotFoundError(errno.ENOENT, "No such file or directory"), False),
    ],
)
def test_what_a_system_without_means_says_is_no_damage_of_a_file(error: Exception, no_damage: bool) -> None:
    assert damage.is_no_damage(error) is no_damage
