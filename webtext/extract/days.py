"""The day that a string names: a page's declaration, a line of its text, its address."""

import re
from collections.abc import Iterable
from datetime import date, datetime
from functools import partial

from htmldate import extractors

EARLIEST = datetime(1995, 1, 1)
MOST_CHARS = 200  # of a string that may name a day other than in ISO's form

# Htmldate lets the clock fill in what a date leaves out ("7.2017"): a page's date would depend on the day of
# its extraction. Now it is the first of the month; of "July 2017" there is none.
extractors.dateutil_parse = partial(  # type: ignore[attr-defined]
    extractors.dateutil_parse,  # type: ignore[attr-defined]
    default=datetime(2000, 1, 1),
)

_IN_URL = re.compile(r"/((?:19|20)\d\d)[/-](0?[1-9]|1[0-2])[/-](0?[1-9]|[12]\d|3[01])(?:[/_-]|$|\.)")
# ISO's, or with dots ("2017.07" is no fraction), or with one digit where ISO has two.
_ISO = re.compile(r"((?:19|20)\d\d)([.-])(\d\d?)(?:\2(\d\d?))?(?!\d)")
# What htmldate does not read: months cut short ("Dec. 15, 2019"), any day beside a word in capitals ("EST"),
# and days from the 20th on that the month comes before ("12/25/2019").
MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?"
    r"|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\.?"
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WRITTEN = re.compile(
    rf"(?ai)\b({MONTH}),? (\d\d?)(?:st|nd|rd|th)?(?:,? |,)((?:19|20)\d\d)\b"
    rf"|\b(\d\d?)(?:st|nd|rd|th)?[ -]({MONTH}),?[ -]((?:19|20)\d\d)\b"
)
# Htmldate knows the months of English, German and French.
_FOREIGN_MONTHS = {
    word: str(number)
    for months in (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
        "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
        "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro",
        "januari februari maart april mei juni juli augustus september oktober november december",
        "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia",
        "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    )
    for number, word in enumerate(months.split(), 1)
}
_FOREIGN = re.compile(r"(?i)\b(\d\d?)[º°]? (?:de )?([^\W\d_]{3,12}),?(?: del?)? ((?:19|20)\d\d)\b")
_AMERICAN = re.compile(r"(?<![\d/])(0?[1-9]|1[0-2])/(1[3-9]|2\d|3[01])/((?:19|20)\d\d)\b")
_EITHER = re.compile(
    r"(?<![\d/.-])(0?[1-9]|1[0-2])([/.-])(0?[1-9]|[12]\d|3[01])\2((?:19|20)\d\d|(?<=/)\d\d)\b(?!/)"
)


def day_of_url(url: str, last: datetime) -> str | None:
    """The day (YYYY-MM-DD) in an address's path; none after `last`, as of all functions here."""
    found = _IN_URL.search(url)
    return _valid(found[1], found[2], found[3], last) if found else None


def first_day(strings: Iterable[str], last: datetime, month_first: bool = False) -> str | None:
    """The day that the first string that names one names; `month_first` says what 3/9/2026 is."""
    return next((day for text in strings if text and (day := _day(text, last, month_first))), None)


def _day(text: str, last: datetime, month_first: bool) -> str | None:
    iso = _ISO.match(text.strip())
    if iso:
        return _valid(iso[1], iso[3], iso[4] or "1", last)
    if len(text) > MOST_CHARS or not re.search(r"\d", text):
        return None
    if written := _WRITTEN.search(text):
        month, day, year = written[1] or written[5], written[2] or written[4], written[3] or written[6]
        return _valid(year, str(_MONTHS.index(month[:3].lower()) + 1), day, last)
    if american := _AMERICAN.search(text):
        return _valid(american[3], american[1], american[2], last)
    if month_first and (either := _EITHER.search(text)):
        year = either[4] if len(either[4]) == 4 else ("19" if either[4] > "90" else "20") + either[4]
        return _valid(year, either[1], either[3], last)
    found: str | None = extractors.try_date_expr(text, "%Y-%m-%d", False, EARLIEST, last)
    return found or _foreign(text, last)


def _foreign(text: str, last: datetime) -> str | None:
    """The day in Spanish, Italian, Portuguese, Dutch, Polish or Russian."""
    for day, word, year in _FOREIGN.findall(text):
        if month := _FOREIGN_MONTHS.get(word.lower()):
            return _valid(year, month, day, last)
    return None


def _valid(year: str, month: str, day: str, last: datetime) -> str | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found.isoformat() if EARLIEST.date() <= found <= last.date() else None
