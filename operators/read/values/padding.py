"""Pixel padding: the stored values that say "outside the reconstruction" (PS3.3 section C.7.5.1.1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers
from operators.read.geometry.slices import Slice
from operators.read.headers.remembered import Remembered
from operators.read.pixels.pixel_format import PixelFormat
from operators.refused import Reason, Refused

_Ends = tuple[float, float]

_KEYWORDS = ("PixelPaddingValue", "PixelPaddingRangeLimit")
_FLOAT_KEYWORDS = ("FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")


def padding_ranges(slices: Sequence[Slice], forms: Sequence[PixelFormat]) -> list[_Ends | None]:
    """Return of each slice the smallest and largest stored value that mean padding, or None if it has none.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` when an attribute is malformed.
    """
    integers = Remembered(lambda header: _pair(header, *_KEYWORDS), _KEYWORDS)
    floats = Remembered(lambda header: _pair(header, *_FLOAT_KEYWORDS), _FLOAT_KEYWORDS)
    ranges: list[_Ends | None] = []
    for item, form in zip(slices, forms, strict=True):
        is_float = form.dtype.kind == "f"
        try:
            found = (floats if is_float else integers)(item.header)
        except MalformedAttributeError as error:
            raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{item.name}: {error}") from error
        if found is not None and not is_float:
            first, last = sorted(_as_stored(end, form) for end in found)
            found = float(first), float(last)
        ranges.append(found)
    return ranges


def _pair(header: Dataset, value_keyword: str, limit_keyword: str) -> _Ends | None:
    value, limit = _first(header, value_keyword), _first(header, limit_keyword)
    if value is None:
        return None
    return (value, value) if limit is None else (min(value, limit), max(value, limit))


def _first(header: Dataset, keyword: str) -> float | None:
    found = numbers(header, keyword, count=1)
    return found[0] if found else None


def _as_stored(value: float, form: PixelFormat) -> int:
    """The number that a pixel with these bits is read as: scanners write -2000 as 63536 and the other way round."""
    bits = int(value) & ((1 << form.bits_stored) - 1)
    return bits - (1 << form.bits_stored) if form.dtype.kind == "i" and bits >> (form.bits_stored - 1) else bits


def is_padding(
    values: NDArray[Any], lowest: float | NDArray[np.float64], highest: float | NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return which values lie in a range of padding, compared in the values' own type if that is floating."""
    if values.dtype.kind == "f":
        lowest, highest = np.asarray(lowest, values.dtype), np.asarray(highest, values.dtype)
    return np.asarray((values >= lowest) & (values <= highest))
