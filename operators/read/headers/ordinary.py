"""Numbers and texts straight from the bytes of a header, where these are ordinary: as pydicom would read them, sooner.

What may come out in more than one way, such as a text with other than ASCII characters or a number that is none, is
left to pydicom. The same bytes come again and again in a series, so what they mean is remembered.
"""

from __future__ import annotations

import math
import re
from functools import lru_cache
from struct import unpack

from pydicom import config
from pydicom.uid import UID
from pydicom.valuerep import VR

# Characters of one or several numbers without empty ones between (PS3.5 section 6.2); other ones pydicom judges.
_DECIMALS = re.compile(rb" *[-+0-9.eE]{1,32} *(?:\\ *[-+0-9.eE]{1,32} *)*")
_INTEGERS = re.compile(rb" *[-+0-9]{1,18} *(?:\\ *[-+0-9]{1,18} *)*")

# Binary numbers in little endian: format and bytes of one.
_BINARY = {"US": ("H", 2), "SS": ("h", 2), "UL": ("L", 4), "SL": ("l", 4), "FL": ("f", 4), "FD": ("d", 8)}

_SINGLE_BYTE_TEXTS = frozenset({"AS", "CS", "DA", "DT", "TM"})
_TEXTS = frozenset({"LO", "SH"})
_UID = re.compile(rb"[0-9.]+")

# Under any other, also an empty value is damaged.
_KNOWN = frozenset(vr.value for vr in VR)

# A value that is longer is hardly one that comes again.
_LONGEST_REMEMBERED = 256


def ordinary_numbers(vr: str, value: bytes | None) -> tuple[float, ...] | None:
    """Return the numbers of an element's bytes, little endian; None if pydicom has to read them."""
    if not value:
        return () if vr in _KNOWN else None
    return _numbers(vr, value) if len(value) <= _LONGEST_REMEMBERED else None


def ordinary_text(vr: str, value: bytes | None) -> str | None:
    """Return the text of an element's bytes, several values joined by a backslash; None if pydicom has to read it."""
    if not value:
        return "" if vr in _KNOWN else None
    return _text(vr, value) if len(value) <= _LONGEST_REMEMBERED else None


def ordinary_uid(value: bytes | None) -> UID | None:
    """Return the unique identifier of an element's bytes; None if pydicom has to read it, or there is none."""
    return _uid(value) if value and len(value) <= _LONGEST_REMEMBERED else None


@lru_cache(maxsize=1 << 13)
def _uid(value: bytes) -> UID | None:
    stripped = value.rstrip(b"\0 ")
    return UID(stripped.decode("ascii"), config.IGNORE) if _UID.fullmatch(stripped) else None


@lru_cache(maxsize=1 << 13)
def _numbers(vr: str, value: bytes) -> tuple[float, ...] | None:
    try:
        if vr == "DS" and _DECIMALS.fullmatch(value):
            numbers = tuple(map(float, value.decode("ascii").split("\\")))
        elif vr == "IS" and _INTEGERS.fullmatch(value):
            numbers = tuple(float(int(part)) for part in value.decode("ascii").split("\\"))
        elif vr in _BINARY and len(value) % _BINARY[vr][1] == 0:
            form, size = _BINARY[vr]
            numbers = tuple(map(float, unpack(f"<{len(value) // size}{form}", value)))
        else:
            return None
    except ValueError:
        return None
    return numbers if all(map(math.isfinite, numbers)) else None


@lru_cache(maxsize=1 << 13)
def _text(vr: str, value: bytes) -> str | None:
    # An escape character changes the character set.
    if not value.isascii() or b"\x1b" in value:
        return None
    if vr == "UI":
        return _uid(value)
    if vr in _SINGLE_BYTE_TEXTS:
        parts = value.decode("ascii").rstrip(" \0").split("\\")
    elif vr in _TEXTS:
        parts = [part.rstrip("\0 ") for part in value.decode("ascii").split("\\")]
    else:
        return None
    return "\\".join(part.strip() for part in parts if part)
