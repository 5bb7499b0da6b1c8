"""`--links s3://…`: sources in buckets become files of the corpus, fetched once."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import link_sources
from tests.crawl.bucket_site import BucketSite, asked_for
from tests.links.dumps import harvest, made_up_rows, parts_of, write_dump
from webtext import buckets, store_failures
from webtext.corpus import Corpus
from webtext.errors import RunFailed, UserError
from webtext.links import downloads
from webtext.progress import Progress

QUIET = Progress(quiet=True)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketSite]:
    yield from asked_for("dumps", monkeypatch)


def stored(bucket: BucketSite, tmp_path: Path, *names: str) -> list[str]:
    """The same dumps in the bucket and on this disk, where they are named."""
    paths = []
    for number, name in enumerate(names):
        path = write_dump(tmp_path / name, made_up_rows(200, number))
        bucket.objects[f"2015/{name}"] = path.read_bytes()
        paths.append(str(path))
    return paths


def test_a_bucket_gives_the_links_that_files_give(bucket: BucketSite, tmp_path: Path) -> None:
    local = stored(bucket, tmp_path, "RS_1.zst", "RS_2.zst")
    harvest(tmp_path / "local", local)
    harvest(tmp_path / "remote", ["s3://dumps/2015/RS_*.zst"])
    assert parts_of(tmp_path / "remote") == parts_of(tmp_path / "local")


def test_brackets_in_a_glob_mean_what_they_do_on_a_disk(bucket: BucketSite, tmp_path: Path) -> None:
    stored(bucket, tmp_path, "RS_1.zst", "RS_2.zst")
    harvest(tmp_path / "local", [str(tmp_path / "RS_[!2].zst")])
    harvest(tmp_path / "remote", ["s3://dumps/2015/RS_[!2].zst"])
    assert parts_of(tmp_path / "remote") == parts_of(tmp_path / "local")
    for source in (str(tmp_path / "RS_[9-1].zst"), "s3://dumps/2015/RS_[9-1].zst"):
        with pytest.raises(UserError, match=r"RS_\[9-1\]"):
            harvest(tmp_path / "none", [source])


def test_what_was_fetched_is_not_fetched_again(bucket: BucketSite, tmp_path: Path) -> None:
    stored(bucket, tmp_path, "RS_1.zst")
    harvest(tmp_path / "c", ["s3://dumps/2015/RS_1.zst"])
    bucket.reads.clear()
    harvest(tmp_path / "c", ["s3://dumps/2015/RS_1.zst"])
    harvest(tmp_path / "c", [])
    assert bucket.reads == []


def test_a_prefix_that_was_fetched_is_read_again(bucket: BucketSite, tmp_path: Path) -> None:
    stored(bucket, tmp_path, "RS_1.zst")
    first, _ = harvest(tmp_path / "c", ["s3://dumps/2015"])
    assert harvest(tmp_path / "c", ["s3://dumps/2015"])[0] == first


@pytest.mark.parametrize("key", ["a/../../../../../dumps/2015/RS_1.zst", "a//RS_1.zst"])
@pytest.mark.parametrize("source", ["s3://dumps/**/RS_*.zst", "s3://dumps/a/**/RS_*.zst"])
def test_an_object_whose_name_is_no_place_in_the_corpus_is_refused(
    bucket: BucketSite, key: str, source: str, tmp_path: Path
) -> None:
    stored(bucket, tmp_path, "RS_1.zst")  # which the first key comes to, as clients of HTTP shorten it
    bucket.objects[key] = b""
    with pytest.raises(UserError, match=rf"^{re.escape(source)}: the object 'dumps/{re.escape(key)}' cannot"):
        harvest(tmp_path / "new" / "c", [source])
    assert [path.name for path in tmp_path.rglob("RS_*")] == ["RS_1.zst"]


@pytest.mark.parametrize("source", ["s3://dumps/2015/RS_1.zst", "s3://dumps/*/RS_*"])
def test_a_dry_run_asks_no_bucket_and_plans_with_the_copies(
    bucket: BucketSite, source: str, tmp_path: Path
) -> None:
    stored(bucket, tmp_path, "RS_1.zst")
    corpus = Corpus(tmp_path / "c")
    bucket.denied = True
    with pytest.raises(UserError, match="was not read yet, and a dry run asks nobody"):
        link_sources.files_here(corpus, [source], QUIET)
    bucket.denied = False
    harvest(corpus.root, ["s3://dumps/2015/RS_1.zst"])
    bucket.denied = True
    (found,) = link_sources.files_here(corpus, [source], QUIET)
    assert found.name == "s3://dumps/2015/RS_1.zst"
    assert link_sources.files_here(corpus, [], QUIET) == [found]


def test_a_glob_takes_what_came_since(bucket: BucketSite, tmp_path: Path) -> None:
    stored(bucket, tmp_path, "RS_1.zst")
    first, _ = harvest(tmp_path / "c", ["s3://dumps/2015/*"])
    stored(bucket, tmp_path, "RS_1.zst", "RS_2.zst")
    second, _ = harvest(tmp_path / "c", ["s3://dumps/2015/*"])
    assert second.counts.into == 2 * first.counts.into


def test_a_glob_takes_an_object_anew_that_has_grown(bucket: BucketSite, tmp_path: Path) -> None:
    stored(bucket, tmp_path, "RS_1.zst")
    first, _ = harvest(tmp_path / "c", ["s3://dumps/2015/*"])
    grown = write_dump(tmp_path / "RS_1.zst", made_up_rows(300, 0))
    bucket.objects["2015/RS_1.zst"] = grown.read_bytes()
    second, _ = harvest(tmp_path / "c", ["s3://dumps/2015/*"])
    assert second.counts.into > first.counts.into


def test_a_bucket_that_fails_for_a_while_is_asked_again(
    bucket: BucketSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local = stored(bucket, tmp_path, "RS_1.zst")
    (source,) = downloads.copies("s3://dumps/2015/RS_*.zst", tmp_path / "objects")
    monkeypatch.setattr(downloads, "PIECE_BYTES", 5000)
    bucket.failing = 2 * (buckets.RETRIES + 1)  # more than its client asks by itself
    downloads.fetch(source, lambda _: None)
    assert source.path.read_bytes() == Path(local[0]).read_bytes()
    assert bucket.failing == 0


@pytest.mark.parametrize("size", [100, 20_000])
def test_an_object_of_another_size_than_was_listed_is_no_copy(
    bucket: BucketSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    bucket.objects["a.zst"] = bytes(10_000)
    (source,) = downloads.copies("s3://dumps/a.zst", tmp_path / "objects")
    bucket.objects["a.zst"] = bytes(size)
    monkeypatch.setattr(downloads, "PIECE_BYTES", 3000)
    monkeypatch.setattr(store_failures, "GIVE_UP_S", 0)
    with pytest.raises(RunFailed, match=r"^s3://dumps/a\.zst: was changed while it was read"):
        downloads.fetch(source, lambda _: None)
    assert list((tmp_path / "objects").rglob("*zst*")) == []


def test_a_listing_that_fails_for_a_while_is_asked_for_again(bucket: BucketSite, tmp_path: Path) -> None:
    stored(bucket, tmp_path, "RS_1.zst")
    bucket.failing = 2 * (buckets.RETRIES + 1)
    assert len(downloads.copies("s3://dumps/2015/RS_*.zst", tmp_path / "objects")) == 1


@pytest.mark.usefixtures("bucket")
def test_a_bucket_that_cannot_be_reached_is_a_failure_to_try_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr(store_failures, "GIVE_UP_S", 0)
    with pytest.raises(RunFailed, match="check the network"):
        harvest(tmp_path / "c", ["s3://dumps/2015/*"])


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://dumps/2015/none.zst", "no such object"),
        ("s3://dumps/none/*", "no such object"),
        ("s3://nowhere/a.zst", "no such bucket"),
        ("s3://", "names no bucket"),
        ("s3://dumps//a.zst", "an empty name between two slashes"),
    ],
)
def test_what_is_not_there_is_one_line(source: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        harvest(tmp_path / "c", [source])
