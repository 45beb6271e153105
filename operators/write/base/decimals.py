"""Numbers as decimal strings (DS, PS3.5 section 6.2)."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.valuerep import DSfloat


def decimal(value: float) -> DSfloat:
    """Return a number as a decimal string of at most 16 characters, as exact as these allow."""
    # Adding 0 turns -0 into 0.
    return DSfloat(float(value) + 0.0, auto_format=True)


def decimals(values: Iterable[float]) -> list[DSfloat]:
    """Return numbers as decimal strings of at most 16 characters each."""
    return [decimal(value) for value in values]
