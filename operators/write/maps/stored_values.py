"""Values of a quantity → what is stored in the pixels, and the way back (PS3.3 C.7.6.16.2.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

StoredType = Literal["float32", "float64", "uint16"]

NO_VALUE = 0
"""The stored integer where there is no value (NaN). It lies outside the range of the Real World Value Mapping."""

_LEVELS = (1 << 16) - 1
_FLOAT32_MAX = float(np.finfo(np.float32).max)


@dataclass(frozen=True, eq=False)
class StoredValues:
    """Value = ``slope`` x stored value + ``intercept``, for stored values from ``first`` to ``last``.

    ``pixels`` is (slice, row, column). For floating pixels slope and intercept are 1 and 0 and NaN stays NaN; for
    integers NaN is :data:`NO_VALUE` and every other value is off by at most half the slope.
    """

    pixels: NDArray[np.number[Any]]
    slope: float
    intercept: float
    first: float
    last: float


def stored_values(values: NDArray[np.number[Any]], stored: StoredType, label: str) -> StoredValues:
    """Return what is stored of ``values``; the caller's array is left alone.

    float32 rounds to 24 bits. uint16 divides the range of the values into 65,534 equal steps; whole numbers that need
    no more steps than that keep a slope of 1 and are exact. Raises :class:`ValueError` for a value that the stored
    type cannot hold.
    """
    present = ~np.isnan(values) if values.dtype.kind == "f" else np.ones(values.shape, dtype=bool)
    lowest, highest = (float(values[present].min()), float(values[present].max())) if present.any() else (0.0, 0.0)
    if stored == "uint16":
        return _quantised(values, present, lowest, highest, label)
    if stored == "float32" and max(-lowest, highest) > _FLOAT32_MAX:
        raise ValueError(f"{label!r} goes from {lowest} to {highest}, which float32 cannot hold")
    pixels = values.astype(np.dtype(stored))
    # The ends as they are stored: rounded to the pixels' type, a value may lie beyond those of the array.
    lowest, highest = float(pixels.dtype.type(lowest)), float(pixels.dtype.type(highest))
    return StoredValues(pixels, 1.0, 0.0, lowest, highest)


def _quantised(
    values: NDArray[np.number[Any]], present: NDArray[np.bool_], lowest: float, highest: float, label: str
) -> StoredValues:
    span = highest - lowest
    if not np.isfinite(span):
        raise ValueError(f"{label!r} goes from {lowest} to {highest}, which no slope covers")
    found = values[present].astype(np.float64)
    is_whole = span <= _LEVELS - 1 and bool((found == np.rint(found)).all())
    slope = 1.0 if is_whole or span == 0 else span / (_LEVELS - 1)
    if slope < np.finfo(np.float64).tiny:
        raise ValueError(f"{label!r} goes from {lowest} to {highest}, which cannot be divided into steps")
    intercept = lowest - slope
    pixels = np.full(values.shape, NO_VALUE, dtype=np.uint16)
    steps = np.rint((found - lowest) / slope)
    pixels[present] = steps.astype(np.uint16) + 1
    return StoredValues(pixels, slope, intercept, 1, max(1, int(pixels.max())))
