"""The links' domains beside OpenAI's list of WebText's: what is missing, over- and under-represented."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines import audit
from webtext.audit.sections import fidelity
from webtext.corpus import Corpus
from webtext.errors import UserError
from webtext.links.hosts import label_of
from webtext.progress import Progress

QUIET = Progress(quiet=True)


@pytest.fixture(scope="module")
def corpus(plant: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    counts = {"google.com": 3, "google.co.uk": 2, "blog.example": 4, "nytimes.com": 1, "mine.org": 6}
    links = [
        plant.link(f"http://{domain}/{n}", domain=domain)
        for domain, links in counts.items()
        for n in range(links)
    ]
    made: Corpus = plant.corpus(tmp_path_factory.mktemp("fidelity") / "c", links, until="pages")
    return made


def measured(corpus: Corpus, tmp_path: Path, text: str) -> dict[str, Any]:
    path = tmp_path / "domains.txt"
    path.write_text(text)
    numbers = audit.run(corpus, tmp_path / "out", QUIET, audit.Against(webtext_domains=path))
    found: dict[str, Any] = numbers["fidelity"]
    return found


LIST = "600 google\n300 nytimes\n90 archive\n10 blog\n"


def test_a_list_that_an_editor_began_with_a_byte_order_mark_is_read(corpus: Corpus, tmp_path: Path) -> None:
    assert measured(corpus, tmp_path, f"\ufeff{LIST}")["listed_links"] == 1000


def test_labels_are_counted_over_all_their_suffixes(corpus: Corpus, tmp_path: Path) -> None:
    found = measured(corpus, tmp_path, LIST)
    assert (found["listed"], found["labels"], found["in_both"]) == (4, 4, 3)
    assert (found["links"], found["links_in_both"]) == (16, 10)
    assert next(row for row in found["under"] if row["label"] == "google") == {
        "label": "google",
        "webtext_links": 600,
        "webtext_share": 0.6,
        "links": 5,
        "share": 0.5,
        "ratio": 0.8333,
    }


def test_what_is_missing_over_and_under_represented_is_named(corpus: Corpus, tmp_path: Path) -> None:
    found = measured(corpus, tmp_path, LIST)
    assert [row["label"] for row in found["missing"]] == ["archive"]
    assert found["over"][0]["label"] == "blog" and found["under"][0]["label"] == "nytimes"
    assert found["unlisted"] == [{"label": "mine", "links": 6}]


def test_no_label_is_over_and_under_represented_at_once(corpus: Corpus, tmp_path: Path) -> None:
    found = measured(corpus, tmp_path, LIST)
    assert [row["label"] for row in found["over"]] == ["blog"]
    assert [row["label"] for row in found["under"]] == ["nytimes", "google"]


def test_the_ratio_of_the_smallest_labels_is_exact(corpus: Corpus, tmp_path: Path) -> None:
    found = measured(corpus, tmp_path, "30000000 google\n1 blog\n0 mine\n")
    (row,) = found["over"]
    assert (row["label"], row["ratio"]) == ("blog", round(4 / 15 * 30_000_001, 4))


def test_a_missing_label_may_be_too_small_to_be_a_share(corpus: Corpus, tmp_path: Path) -> None:
    found = measured(corpus, tmp_path, "30000000 google\n1 archive\n")
    assert [(row["label"], row["webtext_share"]) for row in found["missing"]] == [("archive", 0.0)]


def test_orders_are_compared_by_rank_and_by_their_tops(corpus: Corpus, tmp_path: Path) -> None:
    found = measured(corpus, tmp_path, LIST)
    assert found["rank_correlation"] == 0.5
    assert found["top_shared"][0] == {"top": 10, "shared": 3}


def test_label_and_count_may_stand_the_other_way_round(corpus: Corpus, tmp_path: Path) -> None:
    turned = "".join(" ".join(reversed(line.split())) + "\n" for line in LIST.splitlines())
    assert measured(corpus, tmp_path, turned) == measured(corpus, tmp_path, LIST)


def test_it_is_a_section_of_the_page(corpus: Corpus, tmp_path: Path) -> None:
    measured(corpus, tmp_path, LIST)
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Domains beside WebText" in page and "nytimes" in page


@pytest.mark.parametrize(
    ("text", "said"), [("google 1\nx\n", "2: not a count and a label"), ("", "has no line")]
)
def test_a_file_that_is_no_such_list_is_told(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "domains.txt"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        fidelity.read(path)


def test_openais_list_is_read_whole(shared: Path) -> None:
    listed = fidelity.read(shared / "webtext" / "domains.txt")
    assert len(listed) == 999  # one line has no label
    assert listed.most_common(2) == [("google", 1_542_261), ("archive", 596_207)]


def test_a_label_is_a_domain_without_its_suffix() -> None:
    names = ("bbc.co.uk", "blogspot.com", "site.example", "127.0.0.1", "localhost")
    assert [label_of(name) for name in names] == ["bbc", "blogspot", "site", "127.0.0.1", "localhost"]
