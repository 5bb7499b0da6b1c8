"""Which split and which shard a document belongs to."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from webtext.sections import Shards
from webtext.shards import layout
from webtext.shards.layout import SPLITS, Layout

IDS = [f"{n:016x}" for n in range(5000)]
TENTHS = Shards(validation=0.1, test=0.1)

ids = st.lists(st.from_regex(r"[0-9a-f]{16}", fullmatch=True), min_size=3, max_size=40, unique=True)
shares = st.tuples(st.floats(0, 0.49), st.floats(0, 0.49))


def settled(ids: list[str], recipe: Shards = TENTHS, size: int = 100) -> Layout:
    return layout.settle(layout.count([(id, size) for id in ids], recipe), recipe)


def test_splits_get_about_their_fractions() -> None:
    found = Counter(map(settled(IDS).split, IDS))
    assert 400 < found["validation"] < 600
    assert 400 < found["test"] < 600


def test_a_document_stays_in_its_split_when_documents_are_added() -> None:
    before, after = settled(IDS[:1000]), settled(IDS)
    assert [before.split(id) for id in IDS[:1000]] == [after.split(id) for id in IDS[:1000]]


def test_another_seed_splits_and_orders_otherwise() -> None:
    one, other = settled(IDS), settled(IDS, Shards(validation=0.1, test=0.1, seed=-1))
    assert [one.place(id) for id in IDS] != [other.place(id) for id in IDS]
    assert [one.split(id) for id in IDS] != [other.split(id) for id in IDS]


@given(ids, shares)
def test_from_three_documents_on_no_wanted_split_is_empty(
    ids: list[str], shares: tuple[float, float]
) -> None:
    recipe = Shards(validation=shares[0], test=shares[1])
    found = Counter(map(settled(ids, recipe).split, ids))
    wanted = {"train": 1.0, "validation": shares[0], "test": shares[1]}
    assert {split for split in SPLITS if found[split]} == {split for split in SPLITS if wanted[split]}


@given(ids, shares)
def test_the_layout_counts_what_its_splits_get(ids: list[str], shares: tuple[float, float]) -> None:
    recipe = Shards(validation=shares[0], test=shares[1])
    sizes = {id: int(id[:3], 16) for id in ids}
    where = layout.settle(layout.count(sizes.items(), recipe), recipe)
    for split in SPLITS:
        members = [id for id in ids if where.split(id) == split]
        assert where.documents[split] == len(members)
        assert where.bytes[split] == sum(sizes[id] for id in members)


@given(ids, st.integers(1, 39))
def test_the_census_of_partitions_adds_up_to_that_of_all(ids: list[str], cut: int) -> None:
    rows = [(id, len(id)) for id in ids]
    parts = layout.add(layout.count(rows[cut:], TENTHS), layout.count(rows[:cut], TENTHS))
    assert parts == layout.count(rows, TENTHS)


def test_one_or_two_documents_are_all_for_training() -> None:
    assert settled(IDS[:2], Shards(validation=0.4, test=0.4)).documents == {
        "train": 2,
        "validation": 0,
        "test": 0,
    }
    assert settled([]).shards() == []


def test_shards_are_as_many_as_the_target_size_asks_for() -> None:
    recipe = Shards(validation=0, test=0, target_mb=1)
    shards = settled(IDS, recipe, size=1 << 10).shards()
    assert [shard.parquet for shard in shards][-1] == "train-00004-of-00005.parquet"
    assert shards[0].bin == "train-00000.bin"


def test_shards_of_a_split_are_filled_evenly_and_in_the_shuffled_order() -> None:
    where = settled(IDS, Shards(validation=0.1, test=0.1, target_mb=0.1))
    places = sorted(
        map(where.place, (id for id in IDS if where.split(id) == "train")), key=lambda place: place[1]
    )
    filled = Counter(shard for shard, _ in places)
    assert [shard for shard, _ in places] == sorted(shard for shard, _ in places)
    assert len(filled) == where.files["train"] == 4
    assert min(filled.values()) > 0.8 * max(filled.values())


def test_no_shard_is_so_small_that_chance_could_leave_it_empty() -> None:
    assert len(settled(IDS[:300], Shards(validation=0, test=0, target_mb=1e-6)).shards()) == 300 // 32


def test_expected_documents_of_a_splits_shards_add_up() -> None:
    where = settled(IDS, Shards(validation=0, test=0, target_mb=0.1))
    assert sum(where.expected(shard) for shard in where.shards()) == len(IDS)
