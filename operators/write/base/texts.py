"""Texts that have to fit their value representation, checked before anything is written."""

from __future__ import annotations

import re

from pydicom import config
from pydicom.valuerep import validate_value


def require_text(what: str, value: str, vr: str, *, empty: bool = False) -> str:
    """Return ``value`` if VR ``vr`` (PS3.5 table 6.2-1) can hold it; ``what`` names it in the message.

    Raises :class:`ValueError` for a text that is too long, has a character that the VR forbids or, unless ``empty`` is
    allowed, says nothing.
    """
    if not value.strip() and not empty:
        raise ValueError(f"{what} is empty")
    if vr in _ONE_LINE and re.search(r"[\\\x00-\x1f\x7f]", value):
        raise ValueError(f"{what} {value!r} has a backslash, which separates values, or a control character")
    try:
        validate_value(vr, value, config.RAISE)
    except ValueError as error:
        raise ValueError(f"{what} {value!r}: {error}") from error
    return value


_ONE_LINE = frozenset({"CS", "LO", "PN", "SH", "UC"})
