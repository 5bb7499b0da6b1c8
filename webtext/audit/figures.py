"""How numbers read: grouped digits, percents, bytes; each with its exact value in the markup."""

from typing import Any

from webtext.audit.markup import Markup, element

NARROW_SPACE = "\u202f"


def share(part: float, whole: float) -> float:
    """The part of the whole as the report stores it: six digits, 0 of nothing."""
    return round(part / whole, 6) if whole else 0.0


def number(value: Any) -> Markup:
    """An int or float (or None, shown as a dash) for people, with the exact value for machines."""
    return _data(value, "–" if value is None else plain(value))


def percent(value: float | None) -> Markup:
    """A share between 0 and 1 as a percentage."""
    return _data(value, "–" if value is None else plain_percent(value))


def size(value: float | None) -> Markup:
    """Bytes in decimal units."""
    return _data(value, "–" if value is None else plain_size(value))


def plain(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}".replace("-", "−")
    return f"{value:,.2f}".replace("-", "−")


def plain_percent(value: float) -> str:
    if value == 0:
        return f"0{NARROW_SPACE}%"
    if value < 0.0001:
        return f"<{NARROW_SPACE}0.01{NARROW_SPACE}%"
    digits = 2 if value < 0.01 else 1
    return f"{100 * value:.{digits}f}{NARROW_SPACE}%"


def plain_size(value: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return (
                f"{value:.0f}{NARROW_SPACE}{unit}" if unit == "bytes" else f"{value:.1f}{NARROW_SPACE}{unit}"
            )
        value /= 1000
    return f"{value:,.1f}{NARROW_SPACE}TB"


def compact(value: float) -> str:
    """For an axis: 1,500 → 1.5k."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{unit}"
    return f"{value:g}"


def _data(value: float | None, text: str) -> Markup:
    return Markup(text) if value is None else element("data", text, value=value)
