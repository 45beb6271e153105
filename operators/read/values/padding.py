"""Pixel padding: the stored values that say "outside the reconstruction" (PS3.3 section C.7.5.1.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers
from operators.read.geometry.slices import Slice
from operators.read.headers.remembered import tags_of
from operators.read.pixels.pixel_format import PixelFormat
from operators.refused import Reason, Refused

(_PADDING,) = tags_of(("PixelPaddingValue",))


def padding_range(item: Slice, form: PixelFormat) -> tuple[float, float] | None:
    """Return the smallest and largest stored value that mean padding, or None if the slice has none.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` when an attribute is malformed.
    """
    header = item.header
    if form.dtype.kind == "f":
        return _pair(item, "FloatPixelPaddingValue", "FloatPixelPaddingRangeLimit")
    found = _pair(item, "PixelPaddingValue", "PixelPaddingRangeLimit") if _PADDING in header else None
    if found is None:
        return None
    ends = sorted(_as_stored(end, form) for end in found)
    return float(ends[0]), float(ends[1])


def _pair(item: Slice, value_keyword: str, limit_keyword: str) -> tuple[float, float] | None:
    try:
        value = _first(item.header, value_keyword)
        limit = _first(item.header, limit_keyword)
    except MalformedAttributeError as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{item.name}: {error}") from error
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
