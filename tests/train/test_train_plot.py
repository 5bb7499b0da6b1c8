"""The loss curve, read back from its SVG by its own axes."""

from itertools import pairwise
from xml.etree import ElementTree

from train.plot import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, loss_svg

Point = tuple[float, float]


class Drawn:
    """What a reader takes from the picture: places by class, and what the axes say of them."""

    def __init__(self, svg: str) -> None:
        self.elements = list(ElementTree.fromstring(svg).iter())
        labels = [element for element in self.elements if element.get("text-anchor") == "end"][:-1]
        levels = [float(label.text or "") for label in labels]
        rows = [points[0][1] for points in self.lines("grid")]
        self._bottom, self._top = rows[0], rows[-1]
        self._low, self._high = levels[0], levels[-1]
        *_, (self._last, self._right) = self.marks()

    def lines(self, kind: str) -> list[list[Point]]:
        """Of a class, in pixels, the legend's last; a curve is one line."""
        return [
            [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.get("points", "").split())]
            for line in self.elements
            if line.get("class") == kind and line.tag.endswith("polyline")
        ]

    def marks(self) -> list[Point]:
        """(step, pixels) along the axis."""
        return [
            (float((mark.text or "").replace(",", "")), float(mark.get("x", "")))
            for mark in self.elements
            if mark.get("text-anchor") == "middle"
        ]

    def texts(self) -> dict[str, Point]:
        """The legend, without the axis' name."""
        entries = [
            text for text in self.elements if text.tag.endswith("text") and not text.get("text-anchor")
        ]
        return {text.text or "": (float(text.get("x", "")), float(text.get("y", ""))) for text in entries[1:]}

    def at(self, place: Point) -> Point:
        """(step, nats) of a place in pixels, as closely as a tenth of one tells."""
        x, y = place
        share = (self._bottom - y) / (self._bottom - self._top)
        step = (x - LEFT) / (self._right - LEFT) * self._last
        return round(step), round(self._low + share * (self._high - self._low), 2)

    def curve(self, kind: str) -> list[Point]:
        return [self.at(place) for place in self.lines(kind)[0]]


def test_every_line_stands_where_the_axes_say() -> None:
    drawn = Drawn(loss_svg([(5, 5.0), (10, 4.0)], [(5, 4.5), (10, 3.5)], [("entropy", [6.0, 2.5])]))
    assert drawn.curve("raw") == [(5, 5.0), (10, 4.0)]
    (_, higher), (_, lower) = drawn.lines("raw")[0]
    assert higher < lower  # pixels are counted from the top
    assert drawn.curve("val") == [(5, 4.5), (10, 3.5)]
    dots = [dot for dot in drawn.elements if dot.get("class") == "dot"]
    assert [(float(dot.get("cx", "")), float(dot.get("cy", ""))) for dot in dots] == drawn.lines("val")[0]
    references = [[drawn.at(place) for place in line] for line in drawn.lines("ref")[:2]]
    assert references == [[(0, 6.0), (10, 6.0)], [(0, 2.5), (10, 2.5)]]


def test_the_smooth_curve_is_an_average_from_its_first_point_on() -> None:
    drawn = Drawn(loss_svg([(5, 5.0), (10, 4.0)], [], []))
    second = (0.9 * 0.1 * 5.0 + 0.1 * 4.0) / (0.9 * 0.1 + 0.1)  # Adam's correction of the start
    assert drawn.curve("smooth") == [(5, 5.0), (10, round(second, 2))]
    assert list(drawn.texts()) == [f"training {second:.2f}"]


def test_many_steps_are_drawn_as_the_means_of_as_many_each() -> None:
    drawn = Drawn(loss_svg([(step, 2.0 + step % 3) for step in range(1, 1001)], [], []))
    assert drawn.curve("raw") == [*((step, 3.0) for step in range(3, 1000, 3)), (1000, 3.0)]


def test_all_that_is_drawn_lies_within_the_grid() -> None:
    drawn = Drawn(loss_svg([(1, 4.0), (10, 3.5)], [(10, 3.6), (12, 1.3)], [("entropy", [6.7])]))
    places = [place for kind in ("raw", "smooth", "val", "ref") for place in drawn.lines(kind)[0]]
    for x, y in places:
        assert LEFT <= x <= WIDTH - RIGHT and TOP <= y <= HEIGHT - BOTTOM


def test_the_legend_names_the_last_values_and_no_entry_lies_on_another() -> None:
    names = ["unigram entropy 6.50", "OpenAI's <124M> " + "3.12 " * 10]
    svg = loss_svg([(1, 4.0)], [(1, 4.5), (2, 4.25)], [(name, [6.5]) for name in names])
    drawn = Drawn(svg)
    texts = drawn.texts()
    assert list(texts) == ["training 4.00", "validation 4.25", *names]
    samples = [(line[-1][0], kind) for kind in ("smooth", "val") for line in drawn.lines(kind)[1:]]
    assert [kind for _, kind in sorted(samples)] == ["smooth", "val"]
    spans = [(y, x, x + 7 * len(text)) for text, (x, y) in texts.items()]
    for (row, _, end), (next_row, begin, _) in pairwise(spans):
        assert begin >= end if row == next_row else next_row > row
    assert max(end for *_, end in spans) <= WIDTH
