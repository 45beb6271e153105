"""Private attributes by their owner, wherever its block lies (PS3.5 section 7.8.1)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import BaseTag

from operators.read.attributes import MalformedAttributeError
from operators.read.headers.elements import known_tag


@lru_cache
def _owners(group: int) -> tuple[BaseTag, ...]:
    """The tags of a group's first owners; no writer needs as many."""
    return tuple(known_tag(group << 16 | number) for number in range(0x10, 0x20))


def private_values(header: Dataset, creator: str, group: int, offset: int) -> tuple[Any, ...]:
    """Return the values of a private attribute; empty if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when the bytes cannot be read.
    """
    # Looking for an owner that is not there takes pydicom long.
    if not any(tag in header for tag in _owners(group)):
        return ()
    try:
        block = header.private_block(group, creator)
        value = block[offset].value if offset in block else None
    except KeyError:
        return ()
    # pydicom converts a value when it is first asked for, and what a damaged one makes it raise can be anything.
    except Exception as error:
        raise MalformedAttributeError(f"{creator} ({group:04X},xx{offset:02X}) cannot be read: {error}") from error
    if value is None or value in ("", b""):
        return ()
    return tuple(value) if isinstance(value, (MultiValue, list)) else (value,)


def private_numbers(header: Dataset, creator: str, group: int, offset: int) -> tuple[float, ...]:
    """Return the numbers of a private attribute; empty if it is absent or holds none.

    A value that stands as bytes of unknown representation (UN), as after a passage through a system that does not know
    it, is read as the text of decimal or integer strings.
    """
    found = private_values(header, creator, group, offset)
    try:
        if len(found) == 1 and isinstance(found[0], bytes):
            found = tuple(part for part in found[0].decode("ascii").strip("\0 ").split("\\") if part.strip())
        result = tuple(float(value) for value in found)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedAttributeError(f"{creator} ({group:04X},xx{offset:02X}) is not a number: {error}") from error
    if not all(map(math.isfinite, result)):
        raise MalformedAttributeError(f"{creator} ({group:04X},xx{offset:02X}) is not finite: {result}")
    return result
