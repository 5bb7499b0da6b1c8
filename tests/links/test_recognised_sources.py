"""SOURCE is recognised by content; what cannot be read is refused with what was found."""

import bz2
import gzip
import lzma
import os
import random
import tarfile
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from webtext.errors import UserError
from webtext.links import recognition
from webtext.links.posts import Post
from webtext.links.readers import Reading
from webtext.links.recognition import resolve
from webtext.links.sources import Source, find

COMPRESS: list[Callable[[bytes], bytes]] = [
    lambda data: data,
    zstandard.ZstdCompressor().compress,
    gzip.compress,
    bz2.compress,
    lzma.compress,
]
FORMS = {
    "json": b'{"url":"http://a.example/","karma":5}\n',
    "submissions": b'{"id":"a","url":"http://a.example/","score":5}\n',
    "csv": b"score,url\n5,http://a.example/\n",
    "urls": b"http://a.example/\n",
}


def source_of(path: Path | str) -> Source:
    (source,) = resolve(find(str(path)))
    return source


def posts_of(source: Source) -> list[Post]:
    return [post for batch in Reading(source) for post in batch.posts]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("compress", COMPRESS)
def test_form_and_compression_are_told_by_content(
    form: str, compress: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "anything"
    path.write_bytes(compress(FORMS[form]))
    source = source_of(path)
    assert source.form == form
    assert [post.url for post in posts_of(source)] == ["http://a.example/"]
    assert source.scored == (form != "urls")


def test_a_compressed_file_with_the_name_of_another_compression_is_read(tmp_path: Path) -> None:
    path = tmp_path / "RS.zst"
    path.write_bytes(gzip.compress(FORMS["submissions"]))
    assert source_of(path).form == "submissions"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("suffix", [".zst", ".gz", ".parquet"])
def test_text_in_a_file_that_is_named_as_compressed_is_read(form: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"x{suffix}"
    path.write_bytes(FORMS[form])
    assert source_of(path).form == form
    assert [post.url for post in posts_of(source_of(path))] == ["http://a.example/"]


def test_a_table_with_usual_column_names_is_mapped(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        '\ufeffTitle;Karma;Link;nsfw;Created\n"a; ""b""";7;http://a.example/;True;2014-09-01\n;;\n'
    )
    (post,) = posts_of(source_of(path))
    assert (post.title, post.score, post.url, post.over_18) == ('a; "b"', "7", "http://a.example/", "True")


@pytest.mark.parametrize("delimiter", ",\t;|")
def test_of_two_columns_for_a_field_the_first_is_taken(delimiter: str, tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("URL,url\nhttp://a.example/,http://b.example/\n".replace(",", delimiter))
    assert [post.url for post in posts_of(source_of(path))] == ["http://a.example/"]


def test_a_long_table_is_read_row_by_row_whatever_is_malformed_in_it(tmp_path: Path) -> None:
    urls = [f"http://{n}.example/" for n in range(2500)]
    (tmp_path / "x").write_text("title,url\n" + "\n".join(f"a,{url}\nno url" for url in urls))
    batches = [*Reading(source_of(tmp_path / "x"))]
    assert [post.url for batch in batches for post in batch.posts] == urls
    assert sum(len(batch.malformed) for batch in batches) == 2500
    assert [row for batch in batches for row in batch.rows.tolist()] == [*range(2500)]


def test_a_list_whose_first_lines_are_broken_is_a_list_of_urls(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("broken\n" * 9 + "http://a.example/\n")
    assert source_of(tmp_path / "x").form == "urls"


def test_blank_lines_of_a_list_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("http://a.example/\n\n \nhttp://b.example/\n")
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == [
        "http://a.example/",
        "http://b.example/",
    ]


def test_a_submission_that_has_a_parent_is_one_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "x").write_text('{"id":"a","parent_id":null,"url":"http://a.example/","score":5}\n')
    assert source_of(tmp_path / "x").form == "submissions"


def test_an_empty_cell_is_null_and_a_table_may_have_no_rows(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("url,title\n")
    assert posts_of(source_of(tmp_path / "x")) == []
    (tmp_path / "x").write_text("url,title\nhttp://a.example/,\n")
    assert posts_of(source_of(tmp_path / "x")) == [Post(url="http://a.example/")]


def test_a_file_that_is_named_twice_is_read_as_it_was_named_last(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("url,page\nhttp://a.example/,http://b.example/\n")
    (source,) = resolve(find(str(path)) + find(f"{path}?url=page"))
    assert [post.url for post in posts_of(source)] == ["http://b.example/"]


def test_more_files_than_a_row_can_name_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognition, "MAX_SOURCES", 1)
    for name in "ab":
        (tmp_path / name).write_bytes(FORMS["urls"])
    assert resolve(find(str(tmp_path / "a")))
    with pytest.raises(UserError, match="2 files: at most 1 at once"):
        resolve(find(str(tmp_path / "*")))


def test_other_columns_are_named_by_the_user(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("page,likes\nhttp://a.example/,7\n")
    with pytest.raises(UserError, match=r"FILE\?url=COLUMN"):
        source_of(path)
    source = source_of(f"{path}?url=page&score=likes")
    assert [(post.url, post.score) for post in posts_of(source)] == [("http://a.example/", "7")]
    with pytest.raises(UserError, match="no field 'adress'"):
        source_of(f"{path}?adress=page")


@pytest.mark.parametrize("form", FORMS)
def test_a_column_that_is_not_there_is_refused(form: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(FORMS[form])
    with pytest.raises(UserError, match=r"x\?score=likes: no column 'likes' for score"):
        source_of(f"{tmp_path}/x?score=likes")


def test_lines_of_json_with_other_names_than_reddits_are_a_table(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text('{"Link":"http://a.example/","id":1,"Karma":7}\nno json\n{"Link":"http://b.example/"}\n')
    source = source_of(path)
    (batch,) = Reading(source)
    assert source.scored
    assert batch.posts == [Post(url="http://a.example/", score=7), Post(url="http://b.example/")]
    assert batch.malformed == ["no json"]
    path.write_text('{"url":"http://a.example/","score":1,"page":"http://b.example/"}\n')
    assert [post.url for post in posts_of(source_of(f"{path}?url=page"))] == ["http://b.example/"]
    path.write_text('{"address":"http://a.example/","text":"a"}\n')
    with pytest.raises(UserError, match=r"no `url` among the keys address, text: say FILE\?url=KEY"):
        source_of(path)


def test_lines_of_json_without_scores_have_no_karma_rule(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").write_text('{"url":"http://a.example/","title":"a"}\n')
    assert not source_of(tmp_path / "x.jsonl").scored


def test_a_row_with_more_cells_than_columns_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text('title,url\n"with \\"quotes\\", and a comma",http://a.example/\nb,http://b.example/,,\n')
    (batch,) = Reading(source_of(path))
    assert [post.url for post in batch.posts] == ["http://b.example/"]
    assert len(batch.malformed) == 1


def test_a_cell_in_quotes_may_have_a_space_before_it(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('url, "title", "score"\nhttp://a.example/, "a, b", 7\n')
    (post,) = posts_of(source_of(tmp_path / "x.csv"))
    assert (post.url, post.title, post.score) == ("http://a.example/", "a, b", "7")


def test_the_addresses_of_a_table_of_one_column_may_hold_delimiters(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text('url\nhttp://a.example/1,2\n"http://a.example/3,4"\n')
    assert [post.url for post in posts_of(source_of(tmp_path / "x.csv"))] == [
        "http://a.example/1,2",
        "http://a.example/3,4",
    ]


def test_addresses_of_which_some_end_in_a_comma_and_a_number_are_a_list(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("http://a.example/1,5\nhttp://a.example/2\n")
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == [
        "http://a.example/1,5",
        "http://a.example/2",
    ]


def test_of_a_folder_the_files_are_to_be_named_as_most_there_are_called(tmp_path: Path) -> None:
    for name in ("_SUCCESS", ".part-0.parquet.crc", ".part-1.parquet.crc", "part-0.parquet", "notes"):
        (tmp_path / name).touch()
    (tmp_path / "part-1.parquet").touch()
    with pytest.raises(UserError, match=r"a directory: name its files, such as '.*/\*\.parquet'"):
        find(str(tmp_path))


def test_what_follows_a_tab_in_a_list_is_no_part_of_the_address(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("http://a.example/1\t27\nhttp://a.example/2\n")
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == [
        "http://a.example/1",
        "http://a.example/2",
    ]


def test_a_list_may_have_comments(tmp_path: Path) -> None:
    lines = [
        "# my list, of May",
        "http://a.example/1  # the first",
        "",
        "#http://a.example/0",
        "http://a.example/2#b",
    ]
    (tmp_path / "x").write_text("\n".join(lines))
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == [
        "http://a.example/1",
        "http://a.example/2#b",
    ]


def test_names_of_columns_behind_a_hash_sign_are_no_comment(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("#url,title\nhttp://a.example/1,A title\n")
    with pytest.raises(UserError, match="nor a table with a column `url`"):
        source_of(tmp_path / "x")


def test_a_tables_own_numbering_is_not_taken_for_reddits_ids(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,url\n1,http://a.example/\n")
    assert posts_of(source_of(path))[0].id is None
    assert posts_of(source_of(f"{path}?id=id"))[0].id == "1"
    path.write_text("id,url,subreddit\n1,http://a.example/,x\n")
    assert posts_of(source_of(path))[0].id == "1"


def test_a_row_without_its_url_is_malformed(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("title,url\nonly a title\nb,http://b.example/\n")
    assert [batch.malformed for batch in Reading(source_of(path))] == [["only a title"]]


def test_a_quote_that_is_never_closed_costs_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    rows = ["http://a.example/,a", 'http://b.example/,"b', "http://c.example/,c", 'http://d.example/,"d\n2"']
    for unclosed in (rows[:3], [*rows[:1], rows[3], *rows[1:3]]):
        path.write_text("\n".join(["url,title", *unclosed]))
        (batch,) = Reading(source_of(path))
        assert {post.url for post in batch.posts} >= {"http://a.example/", "http://c.example/"}
        assert len(batch.posts) == len(unclosed) - 1
        assert batch.malformed == [rows[1]]


@pytest.mark.parametrize("closed", ['"b"', '""', '"a ""b"""', 'plain\nhttp://b.example/,"b"'])
def test_a_quote_that_a_later_row_closes_costs_its_own_line(closed: str, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        f'url,title,score\nhttp://a.example/,"a,1\nhttp://b.example/,{closed},2\nhttp://c.example/,"c",3\n'
    )
    (batch,) = Reading(source_of(path))
    assert batch.malformed == ['http://a.example/,"a,1']
    assert (batch.posts[-2].score, batch.posts[-1].url) == ("2", "http://c.example/")


def test_a_quote_within_a_cell_is_a_part_of_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(
        'url,title\nhttp://a.example/,"a" b\nhttp://b.example/,5" by 7"\nhttp://c.example/,"c\n2"\n'
    )
    assert [post.title for post in posts_of(source_of(path))] == ["a b", '5" by 7"', "c\n2"]


def test_a_table_of_broken_quotes_alone_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("url,title\n" + 'http://a.example/"x,"b\n' * 2_000)
    assert sum(len(batch.malformed) for batch in Reading(source_of(path))) == 2_000


@pytest.mark.parametrize(
    "text", ["http://a.example/\rhttp://b.example/\r", "url\rhttp://a.example/\rhttp://b.example/"]
)
def test_lines_may_end_as_they_did_on_old_macs(text: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(text.encode())
    found = [post.url for post in posts_of(source_of(tmp_path / "x"))]
    assert found == ["http://a.example/", "http://b.example/"]


@pytest.mark.parametrize("form", FORMS)
def test_a_raw_zero_byte_costs_its_line_not_the_file(form: str, tmp_path: Path) -> None:
    sound = FORMS[form].splitlines(keepends=True)[-1]
    (tmp_path / "x").write_bytes(FORMS[form] + b"\0\n" + sound)
    source = source_of(tmp_path / "x")
    assert source.form == form
    assert [post.url for post in posts_of(source) if post.url != "\0"] == ["http://a.example/"] * 2


def test_a_parquet_table_is_read_with_its_types(tmp_path: Path) -> None:
    path = tmp_path / "x"
    times = pa.array([datetime(2014, 9, 1, tzinfo=UTC)], pa.timestamp("ns", tz="UTC"))
    pq.write_table(pa.table({"url": ["http://a.example/"], "score": [7], "created_utc": times}), path)
    (post,) = posts_of(source_of(path))
    assert (post.url, post.score, post.created_utc) == (
        "http://a.example/",
        7,
        datetime(2014, 9, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary(), pa.large_binary()])
@pytest.mark.parametrize("encode", [False, True])
def test_addresses_in_parquet_may_be_strings_of_any_kind(
    kind: pa.DataType, encode: bool, tmp_path: Path
) -> None:
    urls = pa.array(["http://a.example/", None], pa.string()).cast(kind)
    pq.write_table(pa.table({"url": urls.dictionary_encode() if encode else urls}), tmp_path / "x")
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == ["http://a.example/", None]


def test_bytes_in_parquet_need_not_be_utf8(tmp_path: Path) -> None:
    pq.write_table(pa.table({"url": [b"http://a.example/\xff"]}), tmp_path / "x")
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == ["http://a.example/\udcff"]


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pa.array([{"href": "http://a.example/"}]), "struct<href: string>, not text"),
        (pa.array([["http://a.example/"]]), "list<.*>, not text"),
        (pa.array([7]), "int64, not text"),
    ],
)
def test_addresses_in_parquet_that_are_no_text_are_refused(
    column: pa.Array, kind: str, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"link": column}), tmp_path / "x")
    with pytest.raises(UserError, match=rf"x: column 'link' is {kind}: say FILE\?url=COLUMN"):
        source_of(tmp_path / "x")


def test_a_parquet_column_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    urls, scores = pa.array(["http://a.example/"]), pa.array([7])
    pq.write_table(pa.Table.from_arrays([urls, scores, scores], ["url", "score", "score"]), tmp_path / "x")
    with pytest.raises(UserError, match="x: two columns are called 'score'"):
        source_of(tmp_path / "x")
    pq.write_table(pa.Table.from_arrays([urls, scores, scores], ["url", "n", "n"]), tmp_path / "x")
    assert [post.url for post in posts_of(source_of(tmp_path / "x"))] == ["http://a.example/"]


def test_parquet_that_is_damaged_in_the_middle_is_read_up_to_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    urls = [f"http://a.example/{random.Random(n).random()}" for n in range(6000)]
    pq.write_table(
        pa.table({"url": urls}), path, row_group_size=2000, use_dictionary=False, compression="zstd"
    )
    data = bytearray(path.read_bytes())
    middle = len(data) * 5 // 9
    data[middle : middle + 2000] = bytes(2000)
    path.write_bytes(data)
    reading = Reading(source_of(path))
    found = [post.url for batch in reading for post in batch.posts]
    assert found == urls[: len(found)] and len(found) >= 2000
    assert reading.broken and "damaged" in reading.broken


def test_parquet_that_is_damaged_in_its_footer_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"url": ["http://a.example/"]}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="not a readable Parquet file"):
        source_of(path)


def test_parquet_whose_names_are_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    pq.write_table(pa.table({"url": ["http://a.example/"], "karma": [1]}), path, store_schema=False)
    path.write_bytes(path.read_bytes().replace(b"karma", b"k\x82rma"))
    with pytest.raises(UserError, match="not a readable Parquet file"):
        source_of(path)


def test_times_of_parquet_in_a_zone_that_nobody_knows_are_moments_all_the_same(tmp_path: Path) -> None:
    times = pa.array([1_400_000_000], pa.timestamp("s", tz="Nowhere/Zone"))
    pq.write_table(pa.table({"url": ["http://a.example/"], "created_utc": times}), tmp_path / "x")
    (post,) = posts_of(source_of(tmp_path / "x"))
    assert post.created_utc == datetime.fromtimestamp(1_400_000_000, UTC)


def test_a_table_whose_first_line_does_not_end_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"url," + b"x" * (20 << 20) + b"\nhttp://a.example/,1\n")
    with pytest.raises(UserError, match=r"x\.csv: a table whose first line has more than 65,536 bytes"):
        source_of(tmp_path / "x.csv")


def test_a_table_that_breaks_off_within_its_first_line_has_no_rows(tmp_path: Path) -> None:
    compressor = zlib.compressobj(wbits=31)
    begun = compressor.compress(b"url,score") + compressor.flush(zlib.Z_SYNC_FLUSH)
    (tmp_path / "x.csv.gz").write_bytes(begun)
    reading = Reading(source_of(tmp_path / "x.csv.gz"))
    assert not [post for batch in reading for post in batch.posts]
    assert reading.broken


def test_hostile_parquet_is_refused_not_fatal(shared: Path, tmp_path: Path) -> None:
    with tarfile.open(shared / "hostile" / "parquet_bad.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    for path in tmp_path.rglob("*.parquet"):
        with pytest.raises(UserError, match=path.name):
            source_of(path)


def test_globs_name_their_files_in_order_and_a_file_is_read_once(tmp_path: Path) -> None:
    for name in ("b", "a", "c"):
        (tmp_path / f"{name}.txt").write_bytes(FORMS["urls"] + name.encode())
    found = find(str(tmp_path / "*.txt")) + find(str(tmp_path / "a.txt"))
    assert [source.path.stem for source in resolve(found)] == ["b", "c", "a"]


def test_a_sources_hash_is_of_its_bytes(tmp_path: Path) -> None:
    for name, text in (("a", b"http://a/"), ("b", b"http://a/"), ("c", b"http://c/")):
        (tmp_path / name).write_bytes(text)
    a, b, c = (source_of(tmp_path / name).hash for name in "abc")
    assert a == b != c


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("RS.zst", b"this is not zstd", "named .zst, but holds text that begins with 'this is not zstd'"),
        (
            "RS.gz",
            b"<!DOCTYPE html>\nhttp://a.example/\n",
            "named .gz, but holds text that begins with '<!DOC",
        ),
        (
            "RS.zst",
            b'{"error":404}\n{"url":"http://a.example/"}',
            "named .zst, but holds text that begins with",
        ),
        ("RS.zst", b"\x28\xb5\x2f\xfd garbage", "nothing in it can be decompressed"),
        ("RS", zstandard.ZstdCompressor().compress(b"\x00\x01\x02"), "binary data"),
        ("RS", gzip.compress(bz2.compress(b"x"), mtime=0), "binary data|text that begins with 'BZh"),
        ("RS", b"PK\x03\x04 a zip", "a zip file"),
        ("RS", b"", "empty"),
        ("RS", b"\n \n", "nothing but blanks"),
        ("RS", b"Dear all,\nplease find attached\n", "text that begins with 'Dear all,'"),
        ("RS", b"\n\nDear all,\nplease find attached\n", "text that begins with 'Dear all,'"),
        ("RS", b"Dear all, look:\nhttp://a.example/\n", "neither NDJSON, nor URLs"),
        ("RS", b'[{"id":"a"}]', "one JSON array"),
        ("RC", rb'{"id":"c","parent_id":"t3_a","body":"a \"url\""}', "comments, which are no links"),
        ("RS", b'{"data":[{"id":"a"}],"error":null}', "an API's answer"),
        ("RS", b'{\n "kind": "Listing",\n "data": {"children": [{"kind": "t3"}]}\n}', "an API's answer"),
        ("RS", "http://a.example/".encode("utf-16"), r"text in UTF-16 or UTF-32 \(save it as UTF-8\)"),
        ("RS", b"\x04\x22\x4d\x18\x64\x40\xa7", "a lz4 file"),
        ("RS", b"ARROW1\0\0", "a Feather file"),
        ("RS", b"http://a.example/1,5\nhttp://a.example/2,-7.5\n", "put `url,score` or such before them"),
        ("RS", b"# x\nurl,score\nhttp://a.example/1,5\nhttp://a.example/2,7\n", "put `url,score` or such"),
        ("RS", b"http://a.example/1|5\nhttp://a.example/2|7\n", "put `url,score` or such before them"),
        ("RS", b"RS.ndjson".ljust(257, b"\0") + b"ustar\0", "a tar archive"),
        ("RS", b'{\n "url": "http://a.example/",\n "score": 5\n}\n', r"JSON over several lines.*`jq -c \."),
        ("RS", b'{"url":{"0":"http://a.example/"},"score":{"0":5}}', "one JSON object of columns"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_was_found(
    name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=says) as refusal:
        source_of(tmp_path / name)
    assert name in str(refusal.value)


@pytest.mark.parametrize(
    ("specification", "says"),
    [
        ("nowhere.zst", "no such file"),
        ("nowhere/*.zst", "no file matches"),
        (".", "a directory"),
        ("gs://bucket/RS.zst", "not a local file"),
        ("https://a.example/RS.zst", "not a local file"),
    ],
)
def test_what_names_no_file_is_refused(
    specification: str, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=says):
        find(specification)


def test_a_pipe_which_could_be_read_only_once_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="a pipe or a device, which cannot be read twice"):
        find(str(tmp_path / "pipe"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "RS.zst"
    path.write_bytes(b"x")
    path.chmod(0)
    with pytest.raises(UserError, match="Permission denied"):
        source_of(path)
