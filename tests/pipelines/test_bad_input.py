"""Every mistake of a user is one line that says what, where, what to do; exit code 2; nothing lost."""

import json
import os
from pathlib import Path

import pytest

from pipelines import build_shards
from pipelines.request import Request
from tests.pipelines import chains
from tests.pipelines.chains import settings, url_list
from tests.pipelines.removals import QUIET, Built, Here
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.recipe import Recipe
from webtext.sections import Crawl


@pytest.fixture
def links(tmp_path: Path) -> Path:
    return url_list(tmp_path / "links.txt", ["http://127.0.0.1:9/a"])


def refused(*arguments: object) -> str:
    return chains.refused(*arguments).splitlines()[-1]


def test_a_directory_that_is_not_a_corpus_is_called_so(tmp_path: Path) -> None:
    for name in ("build-shards", "status", "audit"):
        assert "is not a corpus" in refused(name, tmp_path)


def test_a_corpus_that_does_not_exist_is_called_so(tmp_path: Path) -> None:
    assert "does not exist" in refused("status", tmp_path / "nowhere")


def test_a_path_with_a_line_break_is_told_in_one_line(tmp_path: Path) -> None:
    (line,) = refused("status", f"{tmp_path}/two\nlines").splitlines()
    assert f"{tmp_path}/two\\u000alines: does not exist" in line


@pytest.mark.parametrize("left", [0, 7, -1], ids=["nothing", "a head", "all but a line"])
def test_a_recipe_that_was_cut_short_is_not_taken_for_another(tmp_path: Path, left: int) -> None:
    Corpus(tmp_path).freeze(Recipe(crawl=Crawl(allow_private=True)))
    lines = (tmp_path / "recipe.toml").read_text().splitlines(keepends=True)
    (tmp_path / "recipe.toml").write_text("".join(lines[:left]))
    line = refused("status", tmp_path)
    assert f"{tmp_path}/recipe.toml: was cut short, it has no tokens.dtype: put a copy of it there" in line


def test_a_folder_with_other_things_in_it_is_not_made_a_corpus(tmp_path: Path, links: Path) -> None:
    assert "exists and is not a corpus" in refused("crawl", tmp_path, "--links", links)


@pytest.mark.parametrize("command", ["crawl", "status"])
def test_a_corpus_that_lost_its_recipe_is_called_one(tmp_path: Path, links: Path, command: str) -> None:
    (tmp_path / "corpus" / "links").mkdir(parents=True)
    (tmp_path / "corpus" / "links" / "_manifest.json").touch()
    source = ["--links", links] if command == "crawl" else []
    line = refused(command, tmp_path / "corpus", *source)
    assert "a corpus that lost its recipe.toml: put a copy of it there" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ("crawl", "", "--links", "links.txt"),
        ("crawl", "corpus", "--links", ""),
        ("audit", "corpus", "--out", ""),
        ("demo", "--out", ""),
        ("explain", "corpus", "a.example", "--view", ""),
    ],
    ids=" ".join,
)
def test_an_empty_name_is_not_taken_for_the_working_directory(arguments: tuple[str, ...]) -> None:
    assert "without a name" in (said := refused(*arguments)) or "an empty name" in said


@pytest.mark.parametrize("option", [["--recipe", "none.toml"], ["--set", "links.domains_blocked=none.txt"]])
def test_a_file_that_is_not_there_is_told_without_numbers(
    option: list[str], tmp_path: Path, links: Path
) -> None:
    said = refused("crawl", tmp_path / "corpus", "--links", links, *option)
    assert "cannot be read (No such file or directory); " in said


def test_a_missing_source_is_named(tmp_path: Path) -> None:
    line = refused("crawl", tmp_path / "corpus", "--links", tmp_path / "RS_2011-01.zst")
    assert str(tmp_path / "RS_2011-01.zst") in line


def test_a_source_that_may_not_be_read_is_named(tmp_path: Path, links: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    links.chmod(0)
    assert str(links) in refused("crawl", tmp_path / "corpus", "--links", links)


def test_a_dump_that_is_not_zstd_is_named(tmp_path: Path) -> None:
    dump = tmp_path / "RS_2011-01.zst"
    dump.write_bytes(b"\x00\x01 not a dump \xff" * 100)
    assert str(dump) in refused("crawl", tmp_path / "corpus", "--links", dump)


def test_a_first_crawl_without_a_source_asks_for_one(tmp_path: Path) -> None:
    assert "--links" in refused("crawl", tmp_path / "corpus")


def test_an_unknown_recipe_key_names_the_nearest(tmp_path: Path, links: Path) -> None:
    line = refused("crawl", tmp_path / "corpus", "--links", links, *settings("links.min_carma=3"))
    assert "did you mean links.min_karma?" in line


def test_a_recipe_value_of_the_wrong_type_is_named_with_its_key(tmp_path: Path, links: Path) -> None:
    line = refused("crawl", tmp_path / "corpus", "--links", links, *settings("links.min_karma=lots"))
    assert "links.min_karma" in line
    assert "'lots'" in line


def test_a_recipe_file_that_is_not_toml_is_called_so(tmp_path: Path, links: Path) -> None:
    recipe = tmp_path / "mine.toml"
    recipe.write_text("[links\n")
    assert "mine.toml: not valid TOML" in refused(
        "crawl", tmp_path / "c", "--links", links, "--recipe", recipe
    )


def test_a_crawl_without_a_single_link_says_which_rules_left_them_out(tmp_path: Path) -> None:
    source = tmp_path / "low.ndjson"
    source.write_text(
        '{"id":"a1","url":"http://a.example/","score":1,"created_utc":1300000000,"subreddit":"x"}\n'
    )
    line = refused("crawl", tmp_path / "corpus", "--links", source)
    assert "no link qualified" in line
    assert "1 karma" in line


def test_a_crawl_that_fetches_nothing_is_done_and_says_why(tmp_path: Path, links: Path) -> None:
    corpus = tmp_path / "corpus"
    said = chains.forked("crawl", corpus, "--links", links, "--json", code=0)
    *_, why, result = said.splitlines()
    assert why == "no page was fetched: 1 link, 1 port; `webtext explain` tells more"
    assert json.loads(result)["ledger"] == {"in": 1, "out": 1, "merged": 0, "dropped": {}}
    assert "no page was fetched" in refused("build-shards", corpus)


@pytest.mark.parametrize("setting", ["links.min_karma=50", "crawl.robots=false", "links.domains_blocked=[]"])
@pytest.mark.parametrize("option", [(), ("--dry-run",)])
def test_a_build_is_not_asked_for_other_links_or_pages(
    tmp_path: Path, setting: str, option: tuple[str, ...]
) -> None:
    Corpus(tmp_path).freeze(Recipe())
    line = refused("build-shards", tmp_path, *settings(setting), *option)
    assert setting.partition("=")[0] in line
    assert f"give it to `webtext crawl {tmp_path}`" in line
    assert Corpus(tmp_path).recipe() == Recipe()


def test_another_recipe_leaves_a_builds_links_and_pages_as_they_are(tmp_path: Path) -> None:
    Corpus(tmp_path).freeze(Recipe(crawl=Crawl(allow_private=True)))
    named = Request(tmp_path, recipe="openwebtext2")
    wanted = build_shards.recipe_for(Corpus(tmp_path), named)
    assert (wanted.links, wanted.crawl) == (Corpus(tmp_path).recipe().links, Corpus(tmp_path).recipe().crawl)
    assert wanted.dedup == named.wanted().dedup != Corpus(tmp_path).recipe().dedup


def test_a_build_may_be_told_how_fast_to_crawl_next_time(tmp_path: Path) -> None:
    Corpus(tmp_path).freeze(Recipe())
    assert "its crawl has not finished" in refused("build-shards", tmp_path, *settings("crawl.threads=8"))


def test_public_hosts_are_not_asked_without_a_contact(tmp_path: Path) -> None:
    links = url_list(tmp_path / "links.txt", ["http://www.python.org/"])
    assert "crawl.contact" in refused("crawl", tmp_path / "corpus", "--links", links)


def test_a_second_command_on_a_corpus_is_refused(tmp_path: Path, links: Path) -> None:
    corpus = Corpus(tmp_path / "corpus")
    corpus.root.mkdir()
    corpus.freeze(Recipe())
    with corpus.lock():
        assert "is writing to this corpus" in refused("crawl", corpus.root, "--links", links)


def test_a_corpus_that_cannot_be_written_to_is_called_so(tmp_path: Path, links: Path) -> None:
    (tmp_path / "corpus" / ".lock").mkdir(parents=True)  # root may write everywhere else
    Corpus(tmp_path / "corpus").freeze(Recipe())
    for name, *options in (["crawl", "--links", links], ["remove", "--url", "http://a.example/"]):
        line = refused(name, tmp_path / "corpus", *options)
        assert f"{tmp_path / 'corpus'}: cannot be written to" in line


def test_a_table_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    Corpus(tmp_path).freeze(Recipe())
    manifest = tmp_path / "links" / "_manifest.json"
    manifest.parent.mkdir()
    manifest.touch(0)
    if os.access(manifest, os.R_OK):
        pytest.skip("root may read everything")
    for name, *options in (["status"], ["audit"], ["explain", "http://a.example/"]):
        line = refused(name, tmp_path, *options)
        assert line == f"webtext: {manifest}: Permission denied: give this user the right to it"


def test_training_before_there_are_tokens(tmp_path: Path) -> None:
    Corpus(tmp_path).freeze(Recipe())
    assert "build-shards" in refused("train", tmp_path, "--out", tmp_path / "run")


def test_sampling_from_what_is_not_a_run(tmp_path: Path) -> None:
    assert str(tmp_path) in refused("sample", tmp_path)


def test_explaining_a_link_that_is_not_there(tmp_path: Path) -> None:
    Corpus(tmp_path).freeze(Recipe())
    assert "no links yet" in refused("explain", tmp_path, "http://a.example/")


@pytest.mark.parametrize(
    "arguments",
    [
        ("nosuch",),
        ("crawl",),
        ("crawl", "c", "--workers", "-1"),
        ("crawl", "c", "--engine", "x"),
        ("crawl", "-z"),
        ("export", "s3://b/run", "s3://b/model"),
        ("eval", "run", "--out", "s3://b/evals"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(arguments: tuple[str, ...]) -> None:
    stderr = chains.refused(*arguments)
    assert stderr.startswith("webtext: ")
    assert "--help` tells more" in stderr
    assert stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("build", "c"), "No such command 'build': did you mean build-shards? "),
        (("crwl", "c"), "No such command 'crwl': did you mean crawl? "),
        (("crawl", "c", "--engine", "rya"), "'--engine': 'rya' is not one of 'local', 'ray'; "),
        (("crawl", "c", "--workers", "two"), "'--workers': must be a whole number, not 'two'; "),
        (("sample", "r", "--top-p", "1.5"), "'--top-p': must be at most 1, not '1.5'; "),
    ],
)
def test_a_mistyped_command_or_value_is_told_what_could_be_meant(
    arguments: tuple[str, ...], told: str
) -> None:
    assert told in refused(*arguments)


def test_a_source_without_its_option_is_told_of_it(tmp_path: Path, links: Path) -> None:
    told = refused("crawl", tmp_path / "c", links)
    assert f"{links}: belongs to no option; sources are named with --links" in told


def test_files_behind_one_option_as_a_shell_spells_a_glob_out_are_all_sources(tmp_path: Path) -> None:
    lists = [url_list(tmp_path / f"{n}.txt", [f"http://127.0.0.1:9/{n}"]) for n in "ab"]
    done = chains.webtext("crawl", tmp_path / "c", "--links", *lists, "--dry-run", "--json")
    assert json.loads(done.stdout)["links"] == 2


def test_an_option_with_too_few_values_points_to_its_command() -> None:
    assert "2 arguments; `webtext audit --help` tells more" in refused("audit", "--compare", "a")


def test_the_address_of_a_cluster_that_nobody_would_ask_is_refused(tmp_path: Path, links: Path) -> None:
    line = refused("crawl", tmp_path / "c", "--links", links, "--ray-address", "127.0.0.1:9")
    assert "--ray-address 127.0.0.1:9: add --engine ray" in line


def test_a_name_that_is_not_utf_8_is_refused_at_once(tmp_path: Path, links: Path) -> None:
    name = tmp_path / os.fsdecode(b"caf\xe9")
    name.write_text("http://127.0.0.1:9/a\n")
    for arguments in (
        ("crawl", name, "--links", links),
        ("crawl", tmp_path / "c", "--links", name),
        ("crawl", tmp_path / "c", "--links", tmp_path / "caf*"),
        ("demo", "--out", name),
    ):
        assert "caf\\udce9': a name that is not UTF-8" in refused(*arguments)
    Corpus(tmp_path).freeze(Recipe())
    assert "a name that is not UTF-8" in refused("audit", tmp_path, "--against", name)


def test_a_place_where_no_directory_can_be_is_called_so(tmp_path: Path, links: Path) -> None:
    (tmp_path / "file").touch()
    assert "not a directory" in refused("crawl", tmp_path / "file" / "corpus", "--links", links)
    assert "not a directory" in refused("demo", "--out", tmp_path / "file")


@pytest.mark.slow
def test_a_refused_recipe_leaves_nothing_that_refuses_the_corrected_one(tmp_path: Path, links: Path) -> None:
    corpus = tmp_path / "corpus"
    for mistake in ("links.min_carma=3", 'crawl.sources=["dead"]', "crawl.proxy=nonsense"):
        refused("crawl", corpus, "--links", links, *settings(mistake))
        assert not (corpus / "recipe.toml").exists()
    corpus.mkdir(exist_ok=True)
    (corpus / ".lock").touch()  # as a crawl leaves it that was killed in its first moments
    quick = settings("crawl.allow_private=true", "crawl.retries=0", "crawl.robots=false")
    chains.forked("crawl", corpus, "--links", links, *quick, code=0)


@pytest.mark.slow
def test_a_refused_crawl_leaves_the_recipe_of_a_corpus_as_it_was(tmp_path: Path, links: Path) -> None:
    corpus = tmp_path / "corpus"
    quick = settings("crawl.allow_private=true", "crawl.retries=0", "crawl.robots=false")
    chains.forked("crawl", corpus, "--links", links, *quick, code=0)  # nothing was fetched
    before = (corpus / "recipe.toml").read_text()
    none_fit = tmp_path / "none_fit.txt"
    none_fit.write_text("http://127.0.0.1/a.jpg\n")
    refusals: dict[str, list[object]] = {
        "no such file": ["--links", "none.txt", *settings("links.min_karma=50")],
        "there is no builtin:redit": [*settings('links.domains_blocked=["builtin:redit"]')],
        "there is no builtin:adlt": [*settings('filter.adult_words=["builtin:adlt"]')],
        "no link qualified": ["--links", none_fit, *settings("links.min_karma=50")],
    }
    for said, wrong in refusals.items():
        assert said in refused("crawl", corpus, *wrong)
        assert (corpus / "recipe.toml").read_text() == before
    links.write_text("http://127.0.0.1:9/other\n")
    assert "is not what the links were made from" in refused("crawl", corpus, *settings("links.min_karma=50"))
    assert (corpus / "recipe.toml").read_text() == before


def test_settings_of_a_first_crawl_that_was_refused_do_not_stay(tmp_path: Path, links: Path) -> None:
    corpus = tmp_path / "corpus"
    for wrong in (
        ("--links", "none.txt", *settings("links.min_karma=50")),
        ("--links", links, *settings('links.domains_blocked=["builtin:redit"]')),
        ("--links", links, *settings('filter.spam_words=["builtin:spm"]')),
    ):
        refused("crawl", corpus, *wrong)
        assert not (corpus / "recipe.toml").exists()


def test_settings_of_a_first_crawl_without_a_link_do_not_stay(tmp_path: Path) -> None:
    none_fit = tmp_path / "none_fit.txt"
    none_fit.write_text("http://127.0.0.1/a.jpg\n")
    corpus = tmp_path / "corpus"
    said = refused("crawl", corpus, "--links", none_fit, *settings("links.min_karma=50"))
    assert "no link qualified" in said
    assert not corpus.exists()


@pytest.mark.slow
def test_a_first_crawl_that_lacks_a_contact_keeps_what_it_read_and_no_settings(tmp_path: Path) -> None:
    source = tmp_path / "links.txt"  # whose public host is beyond a look at the first rows
    source.write_text("http://127.0.0.1/\n" * 20_000 + "http://www.python.org/\n")
    crawl = ("crawl", tmp_path / "corpus", "--links", source)
    assert "crawl.contact is not set" in refused(*crawl, *settings("links.min_karma=50"))
    assert [path.name for path in (tmp_path / "corpus" / "links").iterdir()] == ["spill"]
    assert not (tmp_path / "corpus" / "recipe.toml").exists()
    chains.forked(*crawl, "--dry-run", code=0)  # the directory is nobody else's


def test_a_folder_called_as_a_corpus_table_is_still_a_strangers(tmp_path: Path, links: Path) -> None:
    (tmp_path / "mine" / "links").mkdir(parents=True)
    (tmp_path / "mine" / "links" / "part-00000.parquet").touch()
    assert "exists and is not a corpus" in refused("crawl", tmp_path / "mine", "--links", links)


def test_where_a_first_crawl_was_killed_as_it_froze_its_recipe_it_can_be_given_again(
    tmp_path: Path, links: Path
) -> None:
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus" / ".recipe.toml.7.tmp").touch()
    chains.forked("crawl", tmp_path / "corpus", "--links", links, "--dry-run", "--workers", 1, code=0)


def test_settings_that_want_an_archive_that_is_gone_are_not_frozen(built: Built) -> None:
    archive = built.root / "pages" / "warc"
    archive.rename(built.root / "elsewhere")
    before = Corpus(built.root).recipe()
    with pytest.raises(UserError, match="put the file back"):
        build_shards.run(Here(built.root, settings=("extract.favor=recall",)), QUIET)
    assert Corpus(built.root).recipe() == before
    build_shards.run(Here(built.root), QUIET)
    (built.root / "elsewhere").rename(archive)
    build_shards.run(Here(built.root, settings=("extract.favor=recall",)), QUIET)
    assert Corpus(built.root).recipe().extract.favor == "recall"


def test_a_tokenizer_at_which_its_library_panics_is_refused_in_one_line(
    tmp_path: Path,
) -> None:
    Corpus(tmp_path).freeze(Recipe())
    entries = {"vocab": {"a": 0, "b": 1}, "merges": [["a", "b"]]}
    cut = {"type": "BPE", "continuing_subword_prefix": "##", **entries}
    (tmp_path / "panics.json").write_text(json.dumps({"added_tokens": [], "model": cut}))
    said = chains.refused("build-shards", tmp_path, *settings(f"tokens.tokenizer={tmp_path / 'panics.json'}"))
    assert said.count("\n") == 1 and "cannot be read as a vocabulary" in said


def test_a_refused_tokenizer_is_not_frozen(tmp_path: Path) -> None:
    Corpus(tmp_path).freeze(Recipe())
    (tmp_path / "words.json").write_text("{}")
    for wrong in ("missing.json", "words.json"):
        line = refused("build-shards", tmp_path, *settings(f"tokens.tokenizer={tmp_path / wrong}"))
        assert "tokens.tokenizer" in line
    assert "no builtin:adlt" in refused(
        "build-shards", tmp_path, *settings('filter.adult_words=["builtin:adlt"]')
    )
    assert Corpus(tmp_path).recipe() == Recipe()


def test_an_evaluation_set_that_is_not_there(tmp_path: Path) -> None:
    line = refused("eval", tmp_path / "run", "--tasks", "enwik8", "--data", tmp_path)
    assert f"{tmp_path} has no enwik8/enwik8 or enwik8: get it from mattmahoney.net" in line


@pytest.mark.parametrize(
    "arguments",
    [("status", "c"), ("sample", "r"), ("export", "r", "m"), ("explain", "c", "http://a.example/")],
)
def test_every_command_takes_quiet(arguments: tuple[str, ...], tmp_path: Path) -> None:
    command, first, *rest = arguments
    assert "does not exist" in refused(command, tmp_path / first, *rest, "--quiet")


@pytest.mark.parametrize(
    "name", ["demo", "crawl", "build-shards", "train", "sample", "eval", "status", "explain", "audit"]
)
def test_help_has_an_example(name: str) -> None:
    assert f"webtext {name}" in chains.forked(name, "--help", code=0).split("Example", 1)[1]


@pytest.mark.parametrize(
    "arguments",
    [
        ("explain", "c", "http://a.example/", "--view"),
        ("remove", "c", "--from"),
        ("audit", "c", "--webtext-domains"),
        ("build-shards", "c", "--recipe"),
        ("train", "c", "--out", "r", "--config"),
    ],
    ids=lambda arguments: arguments[-1],
)
def test_a_file_in_a_bucket_is_refused_where_one_of_this_machine_is_meant(arguments: tuple[str, ...]) -> None:
    line = refused(*arguments, "s3://bucket/file")
    assert "s3://bucket/file is an address; name a file of this machine" in line
