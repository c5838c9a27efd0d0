"""Times as kubectl prints them: dates in full, ages in at most two units."""

import time
from datetime import datetime

from labctl.api.objects import parse_time

_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_YEAR = 365 * _DAY


def date(text: str | None) -> str:
    """`Mon, 23 Nov 2026 16:00:00 +0000` in local time (RFC 1123 with a numeric zone)."""
    if not text:
        return "<unset>"
    moment = datetime.fromtimestamp(parse_time(text)).astimezone()
    return moment.strftime("%a, %d %b %Y %H:%M:%S %z")


def age(text: str | None) -> str:
    """How long ago a time is; `<unknown>` when there is none."""
    return duration(time.time() - parse_time(text)) if text else "<unknown>"


def duration(seconds: float) -> str:
    """As k8s.io/apimachinery's duration.HumanDuration."""
    total = int(max(0.0, seconds))
    for limit, big, small in (
        (2 * _MINUTE, (1, "s"), None),
        (10 * _MINUTE, (_MINUTE, "m"), (1, "s")),
        (3 * _HOUR, (_MINUTE, "m"), None),
        (8 * _HOUR, (_HOUR, "h"), (_MINUTE, "m")),
        (2 * _DAY, (_HOUR, "h"), None),
        (8 * _DAY, (_DAY, "d"), (_HOUR, "h")),
        (2 * _YEAR, (_DAY, "d"), None),
        (8 * _YEAR, (_YEAR, "y"), (_DAY, "d")),
    ):
        if total < limit:
            return _units(total, big, small)
    return f"{total // _YEAR}y"


def _units(total: int, big: tuple[int, str], small: tuple[int, str] | None) -> str:
    text = f"{total // big[0]}{big[1]}"
    rest = total % big[0] // small[0] if small is not None else 0
    return f"{text}{rest}{small[1]}" if rest and small is not None else text
