"""Stored grey values of frames → values in the modality's units, and the ways to show them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from operators.read.geometry.slices import Slice
from operators.read.pixels.pixel_format import PixelFormat
from operators.read.values.display import Voi, values_of_interest
from operators.read.values.rescale import IDENTITY, LookupTable, Transformation, apply, calibration, output_dtype

_Result = TypeVar("_Result")


@dataclass(frozen=True, eq=False)
class FrameValues:
    """Values (frame, row, column) in ``units``, the least and most that they can be, and how to show each frame."""

    array: NDArray[Any]
    units: str
    range: tuple[float, float]
    voi: tuple[tuple[Voi, ...], ...]


def frame_values(items: Sequence[Slice], form: PixelFormat, stored: NDArray[Any]) -> FrameValues:
    """Return what stored values mean by Modality LUT or rescale, frame by frame; ``stored`` may be overwritten.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` and :class:`MalformedAttributeError`.
    """
    calibrations = _of_each(items, calibration)
    transformations = [found.transformation for found in calibrations]
    array = _transformed(form, transformations, stored)
    is_signed = array.dtype.kind != "u"
    return FrameValues(
        array=array,
        units=calibrations[0].units if len({found.units for found in calibrations}) == 1 else "",
        range=_range(form, transformations, array),
        voi=tuple(
            _of_each(
                items,
                lambda item: values_of_interest(item.header, form.transfer_syntax_uid, is_signed=is_signed),
            )
        ),
    )


def _of_each(items: Sequence[Slice], read: Callable[[Slice], _Result]) -> list[_Result]:
    """Read from the header of each frame, once where frames share one."""
    known: dict[int, _Result] = {}
    for item in items:
        if id(item.header) not in known:
            known[id(item.header)] = read(item)
    return [known[id(item.header)] for item in items]


def _transformed(form: PixelFormat, transformations: Sequence[Transformation], stored: NDArray[Any]) -> NDArray[Any]:
    if all(transformation == IDENTITY for transformation in transformations):
        return stored
    dtype = output_dtype([form] * len(transformations), transformations)
    is_in_place = dtype.kind in "iu" and stored.dtype.kind in "iu" and dtype.itemsize == stored.dtype.itemsize
    array = stored.view(dtype) if is_in_place else np.empty(stored.shape, dtype)
    for index, transformation in enumerate(transformations):
        apply(transformation, stored[index], array[index])
    return array


def _range(form: PixelFormat, transformations: Sequence[Transformation], array: NDArray[Any]) -> tuple[float, float]:
    if form.dtype.kind == "f":
        return float(array.min()), float(array.max())
    ends: list[float] = []
    for change in transformations:
        # A table need not rise or fall.
        ends += change.range if isinstance(change, LookupTable) else change.ends(*form.range)
    return min(ends), max(ends)
