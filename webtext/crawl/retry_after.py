"""When a failing host may be asked again."""

import time
from email.utils import parsedate_to_datetime

MAX_WAIT_S = 300.0  # what a Retry-After header may ask for
BACK_OFF_S, MAX_BACK_OFF_S = 1.0, 60.0


def asked_wait_s(value: str | None) -> float:
    """The wait that a Retry-After header asks for (RFC 9110 §10.2.3: seconds or a date), within bounds."""
    if value is None:
        return 0.0
    value = value.strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), MAX_WAIT_S)
    try:
        wait_s = parsedate_to_datetime(value).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError, IndexError):
        return 0.0
    return min(max(wait_s, 0.0), MAX_WAIT_S)


def back_off_s(failures: int) -> float:
    """The wait after so many failures in a row: doubling each time."""
    return float(min(BACK_OFF_S * 2 ** min(failures - 1, 30), MAX_BACK_OFF_S))
