"""Moments in headers: DA, TM and DT values without their time zone (PS3.5 section 6.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?")
_DATE_TIME = re.compile(r"(\d{8})(\d{2,6}(?:\.\d{1,6})?)([+-]\d{4})?")
_ZONE = re.compile(r"([+-])(\d{2})(\d{2})")


def date_and_time(date: str | None, time: str | None) -> datetime | None:
    """Return the moment of a DA and a TM value; None if either is absent or not one."""
    day, clock = _DATE.fullmatch(date or ""), _TIME.fullmatch((time or "").strip())
    if day is None or clock is None:
        return None
    hours, minutes, seconds, fraction = clock.groups()
    since_midnight = timedelta(
        hours=int(hours),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(6, "0")),
    )
    try:
        return datetime(*map(int, day.groups())) + since_midnight  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None


def moment(value: str | None, zone: str | None = None) -> datetime | None:
    """Return the moment of a DT value; None if it is absent, not one, or has no time of day.

    A value with an offset from UTC is brought to ``zone``, the Timezone Offset From UTC (0008,0201) of the other times
    of its header; where that is not told, the value is taken to be in the same zone as they are.
    """
    found = _DATE_TIME.fullmatch((value or "").strip())
    if found is None:
        return None
    start = date_and_time(*found.group(1, 2))
    own, other = _offset(found.group(3)), _offset(zone)
    if start is None or own is None or other is None:
        return start
    try:
        return start - own + other
    except OverflowError:
        return None


def _offset(value: str | None) -> timedelta | None:
    found = _ZONE.fullmatch((value or "").strip())
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    return (-1 if sign == "-" else 1) * timedelta(hours=int(hours), minutes=int(minutes))
