"""Charts: right sizes, nothing on top of anything else, text for those who cannot see them."""

import re
from itertools import pairwise
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from webtext.audit.charts import Column, Curve, columns, curves
from webtext.audit.sankey import MOST_ENDS, Loss, Node, grouped, sankey

NAMES = {"svg": "http://www.w3.org/2000/svg"}


def _tree(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def _child(parent: ElementTree.Element, name: str) -> ElementTree.Element:
    found = parent.find(f"svg:{name}", NAMES)
    assert found is not None
    return found


@st.composite
def _nodes(draw: st.DrawFn) -> list[Node]:
    left = draw(st.integers(0, 10**9))
    nodes = [Node("end", left, ())]
    for stage in range(draw(st.integers(1, 5))):
        counts = draw(st.lists(st.integers(1, 10**9), max_size=MOST_ENDS))
        left += sum(counts)
        nodes.insert(0, Node(f"n{stage}", left, tuple(Loss(f"r{i}", c) for i, c in enumerate(counts))))
    return nodes


@given(_nodes())
def test_the_ends_of_a_sankey_never_overlap(nodes: list[Node]) -> None:
    tree = _tree(sankey("s", "t", nodes))
    height = float(tree.attrib["viewBox"].split()[3])
    ends = [
        (float(_child(g, "rect").attrib["y"]), float(_child(g, "rect").attrib["height"]), g)
        for g in tree.findall("svg:g[@class='flow']", NAMES)
    ]
    ends.sort(key=lambda end: end[0])
    for (y, h, _), (below, _, _) in pairwise(ends):
        assert y + h < below
    labels = [float(_child(g, "text").attrib["y"]) for _, _, g in ends]
    assert all(second - first > 15 for first, second in pairwise(labels))
    assert all(y + h <= height for y, h, _ in ends)


def test_the_width_of_a_flow_is_in_proportion_to_its_count() -> None:
    nodes = [Node("in", 100, (Loss("a", 50), Loss("b", 25))), Node("out", 25, ())]
    tree = _tree(sankey("s", "t", nodes))
    a, b = (float(r.attrib["height"]) for r in tree.findall("svg:g[@class='flow']/svg:rect", NAMES))
    assert a == 2 * b


def test_the_smallest_losses_are_drawn_as_one_and_none_is_lost() -> None:
    losses = [Loss(f"r{n}", n) for n in range(12)]
    drawn = grouped(losses)
    assert len(drawn) == MOST_ENDS
    assert sum(loss.count for loss in drawn) == sum(loss.count for loss in losses)
    assert drawn[-1].reason == "6 other reasons"


def test_a_sankey_says_in_words_what_it_shows() -> None:
    svg = sankey("s", "t", [Node("Links", 4, (Loss("dns", 1),)), Node("Pages", 3, ())])
    said = _tree(svg).find("svg:desc", NAMES)
    assert said is not None
    assert said.text == "Links: 4, 100.0\u202f%; of these leave: 1 dns. Pages: 3, 75.0\u202f%."


def test_a_column_is_as_high_as_its_count_and_tells_it_on_hover() -> None:
    tree = _tree(columns("c", "t", [Column("one", (10,)), Column("two", (5,))], parts=["x"], axis="a"))
    one, two = (float(r.attrib["height"]) for r in tree.findall("svg:g/svg:rect[@class='fill-kept']", NAMES))
    assert one == 2 * two
    assert [t.text for t in tree.findall("svg:g/svg:title", NAMES)] == ["one: 10 x", "two: 5 x"]


def test_a_tiny_count_is_still_seen() -> None:
    tree = _tree(columns("c", "t", [Column("huge", (10**9,)), Column("one", (1,))], parts=["x"], axis="a"))
    heights = [float(r.attrib["height"]) for r in tree.findall("svg:g/svg:rect[@class='fill-kept']", NAMES)]
    assert min(heights) >= 1


@given(st.lists(st.integers(0, 10**12), max_size=40))
def test_columns_of_any_counts_stay_inside_the_chart(counts: list[int]) -> None:
    tree = _tree(columns("c", "t", [Column("x", (count,)) for count in counts], parts=["x"], axis="a"))
    for rect in tree.iter(f"{{{NAMES['svg']}}}rect"):
        top, height = float(rect.attrib["y"]), float(rect.attrib["height"])
        assert top >= 0
        assert top + height <= 261


def test_a_curve_of_one_domain_is_drawn() -> None:
    svg = curves("d", "t", [Curve("links", ((1, 1.0),))], axis="a")
    assert re.search(r"links: top 1 100\.0", svg)


def test_an_axis_of_a_few_has_no_half_documents() -> None:
    drawn = columns("few", "Few", [Column("all", (2,))], parts=["documents"], axis="words")
    assert re.findall(r'class="tick end">([^<]+)<', drawn) == ["1", "2"]
