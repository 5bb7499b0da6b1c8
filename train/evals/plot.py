"""Each task against model size, with the paper's line: a small SVG a task, side by side in one."""

import math
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from train.evals import paper
from train.plot import ticks

WIDTH, HEIGHT, COLUMNS = 300, 210, 3
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 44, 34
LEGEND = 24  # its height
FAR = 20  # times the smallest value: from here on the scale is logarithmic

STYLE = """
.tasks text { font: 11px system-ui, sans-serif; fill: #1f2328; }
.tasks .name { font-size: 13px; font-weight: 600; }
.tasks .grid { stroke: #d7dbe0; }
.tasks .paper { fill: none; stroke: #6a737d; stroke-width: 1.5; stroke-dasharray: 6 4; }
.tasks .paper-dot { fill: #6a737d; }
.tasks .dot { fill: #d1570b; }
@media (prefers-color-scheme: dark) {
  .tasks text { fill: #e2e6ea; }
  .tasks .grid { stroke: #343a42; }
  .tasks .paper { stroke: #9aa4af; }
  .tasks .paper-dot { fill: #9aa4af; }
  .tasks .dot { fill: #ff9d5c; }
}
"""

Point = tuple[float, float, str]  # parameters, value, what it is


def tasks_svg(results: Sequence[Mapping[str, Any]]) -> str:
    """An SVG with a panel for each task's first metric of the paper, or its first; a dot a model."""
    panels: dict[str, list[Point]] = {}
    lines: dict[str, list[Point]] = {}
    for result in results:
        metric = next(iter(result["paper"] or result["metrics"]))
        title = f"{result['task']}: {metric.replace('_', ' ')}"
        if result["metrics"][metric] is None:  # beyond all numbers
            continue
        panels.setdefault(title, []).append((result["parameters"], result["metrics"][metric], result["name"]))
        reported = result["paper"].get(metric, {})
        lines[title] = [
            (paper.SIZES[size], value, f"paper, {size}")
            for size, value in reported.items()
            if value is not None
        ]
    rows = math.ceil(len(panels) / COLUMNS) or 1
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" class="tasks" role="img" '
        f'viewBox="0 0 {WIDTH * COLUMNS} {HEIGHT * rows + LEGEND}">',
        f"<title>Each task against model size, with the paper's values dashed</title><style>{STYLE}</style>",
    ]
    for at, (title, points) in enumerate(panels.items()):
        parts.append(f'<g transform="translate({at % COLUMNS * WIDTH} {at // COLUMNS * HEIGHT})">')
        parts += [*_panel(title, points, lines[title]), "</g>"]
    for kind, what, x in (("dot", "evaluated here", LEFT), ("paper-dot", "the paper", LEFT + 130)):
        parts.append(f'<circle class="{kind}" cx="{x}" cy="{HEIGHT * rows + 6}" r="3.5"/>')
        parts.append(f'<text x="{x + 10}" y="{HEIGHT * rows + 10}">{what}</text>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(title: str, points: list[Point], line: list[Point]) -> list[str]:
    values = [value for _, value, _ in (*points, *line)]
    sizes = [math.log10(size) for size, _, _ in (*points, *line)]
    levels, scale = _levels(min(values), max(values))
    left, right = min(sizes) - 0.15, max(sizes) + 0.15
    if math.ceil(left) > right:  # no power of ten between them
        left, right = math.floor(left), math.ceil(right)

    def place(size: float, value: float) -> tuple[float, float]:
        x = LEFT + (WIDTH - LEFT - RIGHT) * (math.log10(size) - left) / (right - left)
        share = (scale(value) - scale(levels[0])) / (scale(levels[-1]) - scale(levels[0]))
        return round(x, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)

    name, _, metric = title.partition(": ")
    parts = [f'<text class="name" x="{LEFT}" y="16">{escape(name)}</text>']
    parts.append(f'<text x="{LEFT}" y="32">{escape(metric)}</text>')
    for level in levels:
        _, y = place(10**left, level)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y}" x2="{WIDTH - RIGHT}" y2="{y}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4}" text-anchor="end">{_short(level)}</text>')
    for power in range(math.ceil(left), math.floor(right) + 1):
        x, _ = place(10.0**power, levels[0])
        parts.append(
            f'<text x="{x}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">{_short(10.0**power)}</text>'
        )
    if line:
        path = " ".join("{},{}".format(*place(size, value)) for size, value, _ in line)
        parts.append(f'<polyline class="paper" points="{path}"/>')
    for kind, dots in (("paper-dot", line), ("dot", points)):
        for size, value, what in dots:
            x, y = place(size, value)
            label = f"<title>{escape(what)}: {value:,.2f}</title>"
            parts.append(f'<circle class="{kind}" cx="{x}" cy="{y}" r="3.5">{label}</circle>')
    return parts


def _levels(low: float, high: float) -> tuple[list[float], Callable[[float], float]]:
    """Where the grid's lines are, and the scale they are drawn in: logarithmic where values lie far apart."""
    if low > 0 and high / low > FAR:
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        return [10.0**power for power in powers], math.log10
    return ticks(low, high if high > low else low + (abs(low) or 1.0) / 2, 4, outside=True), float


def _short(number: float) -> str:
    for unit, name in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:g}{name}"
    return f"{number:g}"
