"""The attrition as a Sankey: one trunk from submissions to the published documents, losses leaving it below.

Every width is in proportion to a count. Losses end in one column at the right, the latest stage's on top,
so that no two ribbons cross.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from webtext.audit.charts import WHOLE, drawing, xy
from webtext.audit.figures import plain, plain_percent, share
from webtext.audit.markup import Markup, element

TRUNK_TOP = 58
TRUNK_HEIGHT = 300  # of the first node
LABEL_ROOM = 220  # for the names of the ends, at the right
NODE = 10  # width of a node
ROW = 19  # least distance of two ends: a line of text
MOST_ENDS = 6  # a stage; what is more is drawn as one


@dataclass(frozen=True)
class Loss:
    """What leaves the trunk; what is `merged` is not lost but joined to another."""

    reason: str
    count: int
    merged: bool = False


@dataclass(frozen=True)
class Node:
    """What stands at one point of the chain, and what leaves it there."""

    label: str
    count: int
    losses: tuple[Loss, ...]


@dataclass(frozen=True)
class _End:
    """A loss at the right edge: where it leaves the trunk, and where it ends."""

    loss: Loss
    node: int
    start: float  # y of its upper side at the node
    stop: float  # y of its upper side at the right


def sankey(name: str, title: str, nodes: Sequence[Node]) -> Markup:
    """The chart. Each node's count less its losses is the next node's count."""
    unit = TRUNK_HEIGHT / max(1, nodes[0].count)
    right = WHOLE - LABEL_ROOM
    step = (right - NODE) / max(1, len(nodes) - (0 if nodes[-1].losses else 1) + 0.35)
    ends = _ends(nodes, unit)
    bottom = max([TRUNK_TOP + TRUNK_HEIGHT, *(end.stop + end.loss.count * unit + ROW for end in ends)])
    whole = nodes[0].count
    shapes = [
        *(_ribbon(end, end.node * step + NODE, right, unit, whole) for end in ends),
        *(_trunk(n, nodes[n + 1].count, step, unit) for n in range(len(nodes) - 1)),
        *(_node(node, number * step, unit, whole) for number, node in enumerate(nodes)),
    ]
    said = " ".join(_said(node, whole) for node in nodes)
    return drawing(name, title, said, WHOLE, round(bottom + 4), shapes)


def grouped(losses: Sequence[Loss]) -> tuple[Loss, ...]:
    """The largest losses first; those beyond MOST_ENDS as one."""
    order = sorted((loss for loss in losses if loss.count), key=lambda loss: (-loss.count, loss.reason))
    if len(order) <= MOST_ENDS:
        return tuple(order)
    rest = order[MOST_ENDS - 1 :]
    return *order[: MOST_ENDS - 1], Loss(f"{len(rest)} other reasons", sum(loss.count for loss in rest))


def _ends(nodes: Sequence[Node], unit: float) -> list[_End]:
    ends: list[_End] = []
    free = TRUNK_TOP + nodes[-1].count * unit + ROW
    for number in reversed(range(len(nodes))):
        kept = nodes[number].count - sum(loss.count for loss in nodes[number].losses)
        start = TRUNK_TOP + kept * unit
        for loss in nodes[number].losses:
            ends.append(_End(loss, number, start, free))
            start += loss.count * unit
            height = loss.count * unit
            free += height + max(6.0, ROW - height / 2)
        free += 6 if nodes[number].losses else 0
    return ends


def _ribbon(end: _End, left: float, right: float, unit: float, whole: int) -> Markup:
    height = max(0.8, end.loss.count * unit)
    share_of = plain_percent(share(end.loss.count, whole))
    text = f"{plain(end.loss.count)} {end.loss.reason}"
    label = [
        element("tspan", plain(end.loss.count), class_="strong"),
        f" {end.loss.reason}",
    ]
    return element(
        "g",
        element("title", f"{text}, {share_of} of all"),
        element(
            "path",
            d=_band(left, end.start, right, end.stop, height),
            class_="flow-merged" if end.loss.merged else "flow-lost",
        ),
        element(
            "rect",
            x=xy(right),
            y=xy(end.stop),
            width=4,
            height=xy(height),
            class_="fill-plain" if end.loss.merged else "fill-lost",
        ),
        element("text", label, x=xy(right + 12), y=xy(end.stop + height / 2 + 4), class_="label"),
        class_="flow",
    )


def _trunk(number: int, count: int, step: float, unit: float) -> Markup:
    x, height = number * step + NODE, max(0.8, count * unit)
    return element("rect", x=xy(x), y=TRUNK_TOP, width=xy(step - NODE), height=xy(height), class_="flow-kept")


def _node(node: Node, x: float, unit: float, whole: int) -> Markup:
    height = max(2.0, node.count * unit)
    return element(
        "g",
        element(
            "title", f"{node.label}: {plain(node.count)}, {plain_percent(share(node.count, whole))} of all"
        ),
        element("rect", x=xy(x), y=TRUNK_TOP, width=NODE, height=xy(height), class_="fill-kept"),
        element("text", node.label, x=xy(x), y=TRUNK_TOP - 30, class_="label"),
        element("text", plain(node.count), x=xy(x), y=TRUNK_TOP - 11, class_="figure"),
    )


def _band(left: float, start: float, right: float, stop: float, height: float) -> str:
    """A ribbon of constant height that leaves and arrives level."""
    middle = xy((left + right) / 2)
    upper = f"M{xy(left)} {xy(start)}C{middle} {xy(start)} {middle} {xy(stop)} {xy(right)} {xy(stop)}"
    low, end = xy(start + height), xy(stop + height)
    return f"{upper}V{end}C{middle} {end} {middle} {low} {xy(left)} {low}Z"


def _said(node: Node, whole: int) -> str:
    lost = ", ".join(f"{plain(loss.count)} {loss.reason}" for loss in node.losses)
    left = f"; of these leave: {lost}" if lost else ""
    return f"{node.label}: {plain(node.count)}, {plain_percent(share(node.count, whole))}{left}."
