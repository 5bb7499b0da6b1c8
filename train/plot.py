"""The loss curve as a small SVG, drawn by hand: it needs no plotting library and follows light and dark."""

import math
from collections.abc import Sequence
from html import escape

WIDTH, HEIGHT = 760, 400
LEFT, RIGHT, TOP, BOTTOM = 52, 16, 64, 40
POINTS = 400  # no more are drawn; each is the mean of its steps
SMOOTHING = 0.9

STYLE = """
.loss text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.loss polyline { fill: none; stroke-linejoin: round; }
.loss .grid { stroke: #d7dbe0; }
.loss .raw { stroke: #1f6feb; stroke-opacity: .3; }
.loss .smooth { stroke: #1f6feb; stroke-width: 2; }
.loss .val { stroke: #d1570b; stroke-width: 2; }
.loss .dot { fill: #d1570b; }
.loss .ref { stroke: #6a737d; stroke-width: 1.5; stroke-dasharray: 6 4; }
@media (prefers-color-scheme: dark) {
  .loss text { fill: #e2e6ea; }
  .loss .grid { stroke: #343a42; }
  .loss .raw, .loss .smooth { stroke: #6cb0ff; }
  .loss .val { stroke: #ff9d5c; }
  .loss .dot { fill: #ff9d5c; }
  .loss .ref { stroke: #9aa4af; }
}
"""

Points = Sequence[tuple[float, float]]


References = Sequence[tuple[str, Sequence[float]]]


def loss_svg(training: Points, validation: Points, references: References) -> str:
    """An SVG of (step, nats per token) points, with reference lines across it: (legend, levels in nats)."""
    drawn = _binned(training)
    lines = [level for _, levels in references for level in levels]
    levels = [y for _, y in (*drawn, *validation)] + lines
    plot = _Plot(
        last=max([x for x, _ in (*drawn, *validation)], default=1.0),
        low=min(levels, default=0.0),
        high=max(levels, default=1.0),
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="loss" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f"<title>Training and validation loss by step</title><style>{STYLE}</style>",
        *plot.axes(),
        *(f'<polyline class="ref" points="{plot.line([(0, y), (plot.last, y)])}"/>' for y in lines),
        f'<polyline class="raw" points="{plot.line(drawn)}"/>',
        f'<polyline class="smooth" points="{plot.line(_smoothed(drawn))}"/>',
        f'<polyline class="val" points="{plot.line(validation)}"/>',
        *(
            f'<circle class="dot" cx="{plot.x(x):.1f}" cy="{plot.y(y):.1f}" r="3"/>'
            for x, y in _binned(validation, 40)
        ),
        *_legend(drawn, validation, references),
        "</svg>\n",
    ]
    return "\n".join(parts)


class _Plot:
    """Steps and nats to places in the picture."""

    def __init__(self, last: float, low: float, high: float) -> None:
        self.last = max(last, 1.0)
        self.levels = ticks(low, max(high, low + 0.5), 6, outside=True)
        self.low, self.high = self.levels[0], self.levels[-1]

    def x(self, step: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * step / self.last

    def y(self, nats: float) -> float:
        return TOP + (HEIGHT - TOP - BOTTOM) * (self.high - nats) / (self.high - self.low)

    def line(self, points: Points) -> str:
        return " ".join(f"{self.x(x):.1f},{self.y(y):.1f}" for x, y in points)

    def axes(self) -> list[str]:
        parts = []
        for level in self.levels:
            parts.append(f'<polyline class="grid" points="{self.line([(0, level), (self.last, level)])}"/>')
            parts.append(
                f'<text x="{LEFT - 8}" y="{self.y(level) + 4:.1f}" text-anchor="end">{level:g}</text>'
            )
        for step in filter(float.is_integer, ticks(0, self.last, 8)):
            at = f'x="{self.x(step):.1f}" y="{HEIGHT - BOTTOM + 18}"'
            parts.append(f'<text {at} text-anchor="middle">{step:,.0f}</text>')
        parts.append(f'<text x="{WIDTH - RIGHT}" y="{HEIGHT - 6}" text-anchor="end">step</text>')
        return parts


def _legend(training: Points, validation: Points, references: References) -> list[str]:
    """What each line is, in as many rows as it takes."""
    entries = []
    if training:
        entries.append(("smooth", f"training {_smoothed(training)[-1][1]:.2f}"))
    if validation:
        entries.append(("val", f"validation {validation[-1][1]:.2f}"))
    entries += [("ref", legend) for legend, _ in references]
    parts, at, row = [f'<text x="{LEFT}" y="18">nats per token</text>'], LEFT + 110, 18
    for kind, text in entries:
        width = 52 + 7 * len(text)
        if at + width > WIDTH and at > LEFT:
            at, row = LEFT, row + 18
        parts.append(f'<polyline class="{kind}" points="{at},{row - 4} {at + 22},{row - 4}"/>')
        parts.append(f'<text x="{at + 28}" y="{row}">{escape(text)}</text>')
        at += width
    return parts


def _binned(points: Points, most: int = POINTS) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / most) or 1
    bins = (points[at : at + size] for at in range(0, len(points), size))
    return [(bin_[-1][0], sum(y for _, y in bin_) / len(bin_)) for bin_ in bins]


def _smoothed(points: Points) -> list[tuple[float, float]]:
    """Exponential moving average, corrected for its start."""
    mean, weight, found = 0.0, 0.0, []
    for x, y in points:
        mean, weight = SMOOTHING * mean + (1 - SMOOTHING) * y, SMOOTHING * weight + 1 - SMOOTHING
        found.append((x, mean / weight))
    return found


def ticks(low: float, high: float, most: int, *, outside: bool = False) -> list[float]:
    """Round numbers between two values, or just around them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    first = math.floor(low / step) if outside else math.ceil(low / step)
    last = math.ceil(high / step) if outside else math.floor(high / step)
    return [round(at * step, 10) for at in range(first, last + 1)]
