"""A dump that several processes read in slices is read once, and in its order."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webtext.links import slices
from webtext.links.slices import Slice, lines_of

BLOCK = 64


@pytest.fixture(autouse=True, scope="module")
def small_blocks() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "BLOCK_BYTES", BLOCK)
        yield


def chunks_of(lines: list[bytes], ends: set[int]) -> list[memoryview]:
    """The lines in chunks, cut behind those numbered in `ends`; each chunk is a view of a longer buffer."""
    found: list[list[bytes]] = [[]]
    for number, line in enumerate(lines):
        found[-1].append(line)
        if number in ends:
            found.append([])
    joined = [b"".join(each) for each in found]
    return [memoryview(bytearray(each + b"old\nbytes"))[: len(each)] for each in joined if each]


FILES = st.tuples(
    st.lists(st.binary(max_size=150).map(lambda text: text.replace(b"\n", b" ") + b"\n")), st.booleans()
)
CUTS = st.sets(st.integers(0, 20))


@given(file=FILES, ends=CUTS, of=st.integers(1, 5))
def test_every_line_is_of_one_slice_and_keeps_its_number(
    file: tuple[list[bytes], bool], ends: set[int], of: int
) -> None:
    lines, unended = file
    if unended and lines:
        lines[-1] = lines[-1][:-1] or b"x"
    found: dict[int, bytes] = {}
    for number in range(of):
        for first, text in lines_of(chunks_of(lines, ends), Slice(number, of)):
            for at, line in enumerate(_split(bytes(text))):
                assert first + at not in found
                found[first + at] = line
    assert [found[number] for number in sorted(found)] == lines
    assert sorted(found) == list(range(len(lines)))


@given(file=FILES, ends=CUTS, others=CUTS)
def test_where_chunks_end_does_not_matter(
    file: tuple[list[bytes], bool], ends: set[int], others: set[int]
) -> None:
    lines, _ = file
    one, other = (
        [
            (first + at, line)
            for first, text in lines_of(chunks_of(lines, cut), Slice(1, 3))
            for at, line in enumerate(_split(bytes(text)))
        ]
        for cut in (ends, others)
    )
    assert one == other


def test_slices_share_a_file_about_evenly() -> None:
    lines = [b"x" * 9 + b"\n"] * 1000
    sizes = [sum(len(text) for _, text in lines_of(chunks_of(lines, set()), Slice(n, 4))) for n in range(4)]
    assert sum(sizes) == 10_000
    assert max(sizes) - min(sizes) <= 2 * BLOCK


def _split(text: bytes) -> list[bytes]:
    return [line + b"\n" for line in text.split(b"\n")[:-1]] + (
        [text.rpartition(b"\n")[2]] if not text.endswith(b"\n") else []
    )
