"""Preformatted text, most of it code."""

from lxml import etree

LINES = frozenset(("br", "div", "li", "p", "tr"))  # begin a line of code
MOST_DIGITS = 6  # of a line's number


def preformatted(element: etree._Element) -> str:
    """The text of a `<pre>` as it is, without empty lines at its ends."""
    parts: list[str] = []
    for event, node in etree.iterwalk(element, events=("start", "end")):
        if event == "start":
            if node.tag in LINES:
                parts.append("\n")
            parts.append(node.text or "")
        elif node is not element:
            parts.append(node.tail or "")
    return "".join(parts).replace("\xa0", " ").strip("\n").rstrip()


def counts_up(text: str) -> bool:
    """Whether its lines are the numbers of those beside it, if it is a table's cell."""
    numbers = [line.strip() for line in text.split("\n")]
    if len(numbers) < 2 or not numbers[0].isdecimal() or len(numbers[0]) > MOST_DIGITS:
        return False
    first = int(numbers[0])
    return numbers == [str(number) for number in range(first, first + len(numbers))]
