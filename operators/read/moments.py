"""Moments in headers: DA, TM and DT values without their time zone (PS3.5 section 6.2)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

_DATE = re.compile(r"(\d{4})\.?(\d{2})\.?(\d{2})")
_TIME = re.compile(r"(\d{2}):?(\d{2})?:?(\d{2})?(?:\.(\d{1,6}))?")


def date_and_time(date: str | None, time: str | None) -> datetime | None:
    """Return the moment of a DA and a TM value; None if either is absent or not one."""
    day, clock = _DATE.fullmatch(date or ""), _TIME.fullmatch((time or "").strip())
    if day is None or clock is None:
        return None
    hours, minutes, seconds, fraction = clock.groups()
    try:
        start = datetime(*map(int, day.groups()))  # type: ignore[arg-type]
    except ValueError:
        return None
    return start + timedelta(
        hours=int(hours),
        minutes=int(minutes or 0),
        seconds=int(seconds or 0),
        microseconds=int((fraction or "0").ljust(6, "0")),
    )


def moment(value: str | None) -> datetime | None:
    """Return the moment of a DT value in its own time zone; None if it is absent, not one, or has no time of day."""
    if not value:
        return None
    local = re.split(r"[+\-&]", value.strip())[0]
    return date_and_time(local[:8], local[8:])
