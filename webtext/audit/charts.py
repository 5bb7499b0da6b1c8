"""Charts as SVG: columns over buckets, curves over ranks, small bars for tables.

A chart is one `svg` element without script, style or identifiers from data; colours are classes that
chart.css gives a light and a dark value. Every shape tells its numbers on hover.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from webtext.audit.figures import compact, plain, plain_percent
from webtext.audit.markup import Child, Markup, element

SVG = "http://www.w3.org/2000/svg"
LEFT, RIGHT, TOP, BOTTOM = 48, 10, 12, 44  # room for the axes, in SVG units
HALF, WHOLE = 520, 1080  # widths: one of two charts side by side, or alone


@dataclass(frozen=True)
class Column:
    """One column: `parts` are stacked from the bottom up; `tick` is written below its left edge."""

    label: str
    parts: tuple[int, ...]
    tick: str = ""


@dataclass(frozen=True)
class Curve:
    """Points (rank, share), in order of rank."""

    label: str
    points: tuple[tuple[int, float], ...]


@dataclass(frozen=True)
class Plot:
    """The rectangle inside the axes."""

    width: int
    height: int = 260

    @property
    def across(self) -> int:
        return self.width - LEFT - RIGHT

    @property
    def down(self) -> int:
        return self.height - TOP - BOTTOM

    @property
    def floor(self) -> int:
        return TOP + self.down


def drawing(name: str, title: str, description: str, width: int, height: int, *children: Child) -> Markup:
    """The `svg` element, named and described for those who cannot see it."""
    return element(
        "svg",
        element("title", title, id=f"{name}-title"),
        element("desc", description, id=f"{name}-desc"),
        *children,
        xmlns=SVG,
        class_="chart",
        viewBox=f"0 0 {width} {height}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
    )


def columns(
    name: str, title: str, bars: Sequence[Column], *, parts: Sequence[str], axis: str, width: int = HALF
) -> Markup:
    """Stacked columns side by side; `parts` names the layers from the bottom up, `axis` the x-axis."""
    plot = Plot(width)
    highest = max(bars, key=lambda bar: sum(bar.parts), default=Column("none", (0,)))
    marks = _round_marks(sum(highest.parts))
    step = plot.across / max(1, len(bars))
    left = [LEFT + number * step for number in range(len(bars))]
    shapes = [_column(plot, bar, x, step, marks[-1], parts) for bar, x in zip(bars, left, strict=True)]
    ticks = [_tick(plot, bar.tick, x) for bar, x in zip(bars, left, strict=True) if bar.tick]
    grid = _grid(plot, [(mark / marks[-1], compact(mark)) for mark in marks])
    described = f"{len(bars)} columns. The highest is {highest.label}: {plain(sum(highest.parts))}."
    return drawing(name, title, described, width, plot.height, grid, shapes, ticks, _axis(plot, axis))


def curves(name: str, title: str, drawn: Sequence[Curve], *, axis: str) -> Markup:
    """Shares between 0 and 1 over ranks from 1, which are on a log scale."""
    plot = Plot(HALF)
    last = max((curve.points[-1][0] for curve in drawn), default=1)
    decades = math.log10(max(2, last))

    def at(rank: int, share: float) -> tuple[float, float]:
        return LEFT + plot.across * math.log10(rank) / decades, plot.floor - plot.down * share

    ticks = [_tick(plot, compact(10**n), at(10**n, 0)[0], "middle") for n in range(math.floor(decades) + 1)]
    shapes = [_curve(curve, number, at) for number, curve in enumerate(drawn)]
    grid = _grid(plot, [(mark, f"{mark:.0%}") for mark in (0.25, 0.5, 0.75, 1)])
    described = " ".join(_said(curve) for curve in drawn)
    return drawing(name, title, described, plot.width, plot.height, grid, shapes, ticks, _axis(plot, axis))


def bar(share: float, colour: str = "kept") -> Markup:
    """A small bar for a table's cell, its length a share between 0 and 1; the number stands beside it."""
    return element(
        "svg",
        element("rect", width=100, height=8, class_="track"),
        element("rect", width=xy(100 * min(1.0, max(0.0, share))), height=8, class_=f"fill-{colour}"),
        class_="bar",
        viewBox="0 0 100 8",
        preserveAspectRatio="none",
        aria_hidden="true",
    )


def xy(value: float) -> str:
    """A coordinate, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


LAYERS = ("kept", "lost")  # colours of stacked parts, from the bottom up
STROKES = ("kept", "plain")  # colours of curves


def _column(plot: Plot, bar: Column, x: float, step: float, top: float, parts: Sequence[str]) -> Markup:
    gap = 1.0 if step > 4 else 0.0
    floor = float(plot.floor)
    shapes = []
    for count, colour in zip(bar.parts, LAYERS, strict=False):
        height = max(1.5, plot.down * count / top) if count else 0.0
        floor -= height
        if count:
            box = {"x": xy(x + gap / 2), "y": xy(floor), "width": xy(step - gap), "height": xy(height)}
            shapes.append(element("rect", class_=f"fill-{colour}", **box))
    counts = ", ".join(f"{plain(count)} {part}" for count, part in zip(bar.parts, parts, strict=True))
    hit = element("rect", x=xy(x), y=TOP, width=xy(step), height=plot.down, class_="hit")
    return element("g", element("title", f"{bar.label}: {counts}"), shapes, hit)


def _curve(curve: Curve, number: int, at: Callable[[int, float], tuple[float, float]]) -> Markup:
    places = [(at(rank, share), rank, share) for rank, share in curve.points]
    path = "M" + "L".join(f"{xy(x)} {xy(y)}" for (x, y), _, _ in places)
    dots = [
        element(
            "circle",
            element("title", f"{curve.label}, top {plain(rank)}: {plain_percent(share)}"),
            cx=xy(x),
            cy=xy(y),
            r=4,
            class_=f"fill-{STROKES[number]}",
        )
        for (x, y), rank, share in places
    ]
    return element("g", element("path", d=path, class_=f"line-{STROKES[number]}"), dots)


def _said(curve: Curve) -> str:
    return f"{curve.label}: " + ", ".join(f"top {plain(r)} {plain_percent(s)}" for r, s in curve.points) + "."


def _round_marks(highest: int) -> list[float]:
    """Three to six round values from the first step up to at least `highest`."""
    if highest <= 0:
        return [1]
    size = 10 ** math.floor(math.log10(highest))
    step = next(step for step in (size / 5, size / 2, size, 2 * size) if highest / step <= 5)
    step = max(1, step)
    return [step * number for number in range(1, math.ceil(highest / step) + 1)]


def _grid(plot: Plot, marks: Sequence[tuple[float, str]]) -> list[Markup]:
    """Horizontal lines at heights between 0 and 1, with their labels, and the floor."""
    drawn = [_line(plot, plot.floor, "floor")]
    for height, label in marks:
        y = plot.floor - plot.down * height
        drawn += [_line(plot, y, "rule"), element("text", label, x=LEFT - 6, y=xy(y + 4), class_="tick end")]
    return drawn


def _line(plot: Plot, y: float, colour: str) -> Markup:
    return element("line", x1=LEFT, x2=LEFT + plot.across, y1=xy(y), y2=xy(y), class_=colour)


def _tick(plot: Plot, label: str, x: float, anchor: str = "start") -> Markup:
    return element("text", label, x=xy(x), y=plot.floor + 16, class_=f"tick {anchor}")


def _axis(plot: Plot, name: str) -> Markup:
    return element("text", name, x=LEFT + plot.across / 2, y=plot.height - 6, class_="axis middle")
