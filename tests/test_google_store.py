"""Google's store through pyarrow's client, on an emulator: it has no folders, and keeps none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.object_store import BUCKET, google
from webtext import damage, files, store, store_failures
from webtext.corpus import Corpus
from webtext.errors import UserError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working folder of a corpus that nobody has begun."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with google(tmp_path / "objects"):
        yield store.folder_of(f"gs://{BUCKET}/some/corpus")


def test_what_is_put_on_one_machine_is_read_on_another(root: Path) -> None:
    files.write_text(root / "a" / "note.txt", "Grüße")
    (root / "a" / "note.txt").unlink()
    assert files.read_text(files.here(root / "a" / "note.txt")) == "Grüße"
    found = store.of(root / "a" / "note.txt")
    assert found is not None and found.read_range(4, 3) == "ße".encode()


def test_a_folder_has_the_names_of_folders_below_it(root: Path) -> None:
    for place in ("a/b/deep.txt", "a/note.txt", "ab/other.txt"):
        files.write_text(root / place, "text")
    assert files.names(root) == ["a", "ab"]
    assert files.names(root / "a") == ["b", "note.txt"]
    assert files.sizes(root / "a") == {"note.txt": 4}
    assert files.names(root / "nothing") == []


def test_a_folder_goes_with_all_that_is_below_it_and_nothing_else(root: Path) -> None:
    for place in ("a/b/c/deep.txt", "a/b/deep.txt", "ab/other.txt"):
        files.write_text(root / place, "text")
    files.remove_folder(root / "a")
    files.remove_folder(root / "nothing")
    assert files.names(root) == ["ab"]
    assert not files.exists(root / "a" / "b" / "deep.txt")


@pytest.mark.usefixtures("root")
def test_a_bucket_that_is_not_there_is_told() -> None:
    with pytest.raises(UserError, match=r"^gs://nowhere/corpus: no such bucket; check its name$"):
        Corpus.open(store.folder_of("gs://nowhere/corpus"))


def test_missing_credentials_are_told_without_asking_again() -> None:
    said = "google::cloud::Status(UNAVAILABLE: … Could not create a OAuth2 access token to authenticate …"
    assert "credentials" in (store_failures.refusal(OSError(said)) or "")


def test_of_the_clients_errors_its_last_message_is_told() -> None:
    said = (
        "google::cloud::Status(UNAVAILABLE: Retry policy exhausted, with a last message of PerformWork() - "
        "CURL error [6]=Could not resolve hostname error_info={reason=, domain=, metadata={gcloud-cpp=no}})"
    )
    told = "PerformWork() - CURL error [6]=Could not resolve hostname; check the network"
    assert store_failures.told(OSError(said)) == told


def test_an_error_of_the_client_is_no_damage_of_the_file_that_was_read() -> None:
    said = (
        "google::cloud::Status(UNAVAILABLE: Retry policy exhausted, with a last message of PerformWork() - "
        "CURL error [7]=Could not connect to server error_info={reason=, domain=, metadata={}})"
    )
    assert damage.is_no_damage(OSError(said))
