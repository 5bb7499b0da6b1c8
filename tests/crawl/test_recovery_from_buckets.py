"""`warc:s3://…`: pages from archives in a bucket, which are never downloaded whole for a page."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipelines import pages
from tests.crawl.archive_site import warc_files, warc_record
from tests.crawl.bucket_site import BucketSite, asked_for
from tests.crawl.loopback import Crawled
from webtext import buckets, store_failures
from webtext.crawl.archives import warc_listing
from webtext.crawl.archives.lookup import Wanted, look_up
from webtext.crawl.archives.warc_places import files_of
from webtext.crawl.warc import read_response
from webtext.errors import RunFailed, UserError
from webtext.sections import Crawl

POSTED = datetime(2014, 2, 18, 12, tzinfo=UTC)
URL = "http://127.0.8.8/page"
AT = "2014-02-19T00:00:00Z"


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketSite]:
    yield from asked_for("crawls", monkeypatch)


def names(source: str) -> list[str]:
    return [file.path for file in files_of(source)]


def test_pages_are_taken_from_a_bucket(bucket: BucketSite, crawled: Crawled) -> None:
    bucket.objects["2014/a.warc.gz"] = warc_record(URL, b"<p>then", AT)
    crawled.link([URL, "http://127.0.8.8/none"], first_posted=POSTED)
    rows = crawled.crawl(sources=["warc:s3://crawls/2014/*.warc.gz"])
    row = rows[URL]
    assert (row["state"], row["source"]) == ("fetched", "warc")
    stored = read_response(crawled.folder, row["warc_file"], row["warc_offset"], 1000)
    assert stored.body == b"<p>then"
    assert rows["http://127.0.8.8/none"]["state"] == "no_capture"


def test_a_glob_a_folder_and_a_name_are_found(bucket: BucketSite) -> None:
    for key in ("a/1.warc.gz", "a/2.warc.gz", "a/note.txt", "a/b/3.warc.gz"):
        bucket.objects[key] = b"x"
    first = ["crawls/a/1.warc.gz", "crawls/a/2.warc.gz"]
    assert names("warc:s3://crawls/a/*.warc.gz") == first
    assert names("warc:s3://crawls/a/**/*.gz") == [*first, "crawls/a/b/3.warc.gz"]
    assert names("warc:s3://crawls/a/") == first
    assert names("warc:s3://crawls/a/[12].warc.gz") == first
    assert names("warc:s3://crawls/a/?.warc.gz") == first
    assert names("warc:s3://crawls/a/b/3.warc.gz") == ["crawls/a/b/3.warc.gz"]


def test_a_record_is_read_by_its_range_alone(bucket: BucketSite) -> None:
    noise = random.Random(1).randbytes(200_000)
    record = warc_record(URL, b"<p>then", AT)
    other = warc_record("http://127.0.8.8/other", noise, AT)
    bucket.objects["a.warc.gz"] = other + record + other
    archive = warc_files("warc:s3://crawls/a.warc.gz", {URL: POSTED}, Crawl(max_bytes=10_000))
    [pointer] = archive.find(URL, POSTED)
    bucket.reads.clear()
    assert archive.read(pointer).exchange.body == b"<p>then"
    assert [sent for _, sent in bucket.reads if sent] == [len(record)]


def test_a_page_of_a_bucket_that_fails_for_a_while_is_had_all_the_same(
    bucket: BucketSite,
) -> None:
    bucket.objects["a.warc.gz"] = warc_record(URL, b"<p>then", AT)
    archive = warc_files("warc:s3://crawls/a.warc.gz", {URL: POSTED}, Crawl())
    [pointer] = archive.find(URL, POSTED)
    bucket.failing = buckets.RETRIES + 1  # more than its client asks by itself
    assert archive.read(pointer).exchange.body == b"<p>then"
    assert bucket.failing == 0


def test_a_file_of_a_bucket_that_fails_for_a_while_is_listed_whole(
    bucket: BucketSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "BUFFER_BYTES", 300)
    bucket.objects["a.warc.gz"] = warc_record(URL, b"<p>then", AT) * 3
    (file,) = files_of("warc:s3://crawls/a.warc.gz")
    bucket.failing_after, bucket.failing = 3, buckets.RETRIES + 1
    assert len(list(warc_listing.listed_in(file))) == 3
    assert bucket.failing == 0


@pytest.mark.parametrize("stays", [b"shorter", None])
def test_a_file_of_a_bucket_that_is_another_meanwhile_ends_the_crawl_instead_of_losing_its_pages(
    bucket: BucketSite, stays: bytes | None
) -> None:
    bucket.objects["a.warc.gz"] = warc_record(URL, b"<p>then", AT)
    archive = warc_files("warc:s3://crawls/a.warc.gz", {URL: POSTED}, Crawl())
    del bucket.objects["a.warc.gz"]
    if stays is not None:
        bucket.objects["a.warc.gz"] = stays
    with pytest.raises(RunFailed, match=r"^s3://crawls/a\.warc\.gz: was (changed|removed) while it was read"):
        look_up(Wanted(0, "id", URL, POSTED), [archive], Crawl(allow_private=True))


def test_a_changed_object_is_another_plan(bucket: BucketSite, crawled: Crawled) -> None:
    crawled.link([URL])
    recipe = crawled.recipe(sources=["warc:s3://crawls"])
    bucket.objects["a.warc.gz"] = b"x"
    before = pages.plan(crawled.corpus, recipe).works[0].key
    assert pages.plan(crawled.corpus, recipe).works[0].key == before
    bucket.objects["a.warc.gz"] = b"xy"
    assert pages.plan(crawled.corpus, recipe).works[0].key != before


@pytest.mark.usefixtures("bucket")
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("warc:s3://nowhere/*.warc.gz", r"s3://nowhere/\*\.warc\.gz: no such bucket; check its name"),
        ("warc:s3://nowhere/a/*.warc.gz", "no such bucket"),
        ("warc:s3://crawls/none/*.warc.gz", "no file matches 's3://crawls/none/"),
        ("warc:s3://crawls/none.warc.gz", "no file matches"),
        ("warc:s3://*/a.warc.gz", "names no bucket"),
        ("warc:s3://", "names no bucket"),
    ],
)
def test_what_is_not_there_is_told_in_a_line(source: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        files_of(source)
    assert "\n" not in str(caught.value)


def test_a_refusal_says_how_to_give_credentials(bucket: BucketSite) -> None:
    bucket.denied = True
    with pytest.raises(UserError, match="access denied; set AWS_ACCESS_KEY_ID"):
        files_of("warc:s3://crawls/*.warc.gz")


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setattr(store_failures, "GIVE_UP_S", 0)
    with pytest.raises(RunFailed, match=r"network connection; check the network, AWS_ENDPOINT_URL"):
        files_of("warc:s3://crawls/*.warc.gz")
