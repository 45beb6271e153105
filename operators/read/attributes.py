"""Typed access to header attributes: present, absent, or malformed, and never an exception of the parser's own."""

from __future__ import annotations

import math
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.sequence import Sequence


class MalformedAttributeError(ValueError):
    """An attribute is there, but its value breaks its value representation (PS3.5 section 6.2)."""


def values(header: Dataset, keyword: str) -> tuple[Any, ...]:
    """Return the values (of a sequence: the items) of an attribute; empty if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when the bytes cannot be read as the attribute's value representation.
    """
    try:
        value = header.get(keyword)
    # pydicom converts a value when it is first asked for, and what a damaged one makes it raise can be anything.
    except Exception as error:
        raise MalformedAttributeError(f"{keyword} cannot be read: {error}") from error
    if value is None:
        return ()
    if isinstance(value, (MultiValue, Sequence, list, tuple)):
        return tuple(item for item in value if item is not None and item != "")
    return () if value == "" else (value,)


def numbers(header: Dataset, keyword: str, count: int | None = None) -> tuple[float, ...]:
    """Return the numbers of an attribute as float64; empty if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when a value is not a finite number or there are not ``count`` of them.
    """
    found = values(header, keyword)
    try:
        result = tuple(float(value) for value in found)
    except (TypeError, ValueError) as error:
        raise MalformedAttributeError(f"{keyword} is not a number: {error}") from error
    if not all(math.isfinite(value) for value in result):
        raise MalformedAttributeError(f"{keyword} is not finite: {_shown(found)}")
    if result and count is not None and len(result) != count:
        raise MalformedAttributeError(f"{keyword} has {len(result)} values instead of {count}: {_shown(found)}")
    return result


def integer(header: Dataset, keyword: str) -> int | None:
    """Return the one integer of an attribute, or None if it is absent or has no value.

    Raises :class:`MalformedAttributeError` when it is not one integer.
    """
    found = numbers(header, keyword, count=1)
    if found and not found[0].is_integer():
        raise MalformedAttributeError(f"{keyword} is not an integer: {found[0]}")
    return int(found[0]) if found else None


def text(header: Dataset, keyword: str) -> str | None:
    """Return the text of an attribute without padding, or None if it is absent or has no value.

    Several values are joined by a backslash, as they stand in the file.
    """
    return _shown(values(header, keyword)) or None


def _shown(found: tuple[Any, ...]) -> str:
    return "\\".join(str(value).strip() for value in found)
