"""Where the segments are: a label map or one mask for each segment, checked and read slice by slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.write.segments.form import SegmentationForm

Labels = NDArray[Any] | Sequence[NDArray[Any]]
"""A label map, one mask, or several masks; see :func:`masks_of`."""

FULL = 255
"""Maximum Fractional Value: the stored value of 1."""


@dataclass(frozen=True, eq=False)
class LabelMap:
    """A label map (slice, row, column) of unsigned integers; ``numbers`` are the segments' values, ascending."""

    array: NDArray[np.unsignedinteger[Any]]
    numbers: tuple[int, ...]

    def plane(self, segment: int, index: int, rows: slice) -> NDArray[np.bool_]:
        """Return where segment ``segment`` (its place in ``numbers``) is in these rows of a slice."""
        return self.array[index, rows] == self.numbers[segment]

    def fractions(self, segment: int, index: int, rows: slice) -> NDArray[np.uint8]:
        """Return the same as stored fractions: 0 or 255."""
        return self.plane(segment, index, rows) * np.uint8(FULL)


@dataclass(frozen=True, eq=False)
class SegmentMasks:
    """One mask (slice, row, column) for each segment: of booleans, or of fractions from 0 to 1. They may overlap."""

    arrays: tuple[NDArray[Any], ...]

    def plane(self, segment: int, index: int, rows: slice) -> NDArray[np.bool_]:
        """Return where a segment is in these rows of a slice."""
        array = self.arrays[segment]
        return array[index, rows] if array.dtype == bool else self.fractions(segment, index, rows) > 0

    def fractions(self, segment: int, index: int, rows: slice) -> NDArray[np.uint8]:
        """Return a segment in these rows of a slice as stored fractions, rounded."""
        part = self.arrays[segment][index, rows]
        if part.dtype == bool:
            return part * np.uint8(FULL)
        return np.rint(part * part.dtype.type(FULL)).astype(np.uint8)


Masks = LabelMap | SegmentMasks


def masks_of(labels: Labels, numbers: tuple[int, ...], form: SegmentationForm) -> Masks:
    """Return the input of a Segmentation as masks; nothing is copied and nothing is changed.

    ``labels`` is one of: a label map (slice, row, column) of uint8, uint16 or uint32, whose values are ``numbers`` and
    0; a mask (slice, row, column) of booleans, or of fractions from 0 to 1 (float16, float32, float64), of the one
    segment; or one such mask for each segment, as an array (segment, slice, row, column) or as a sequence.

    Raises :class:`ValueError` for any other type or shape, and for fractions in a form that holds none. What the values
    are is checked where they are read.
    """
    if isinstance(labels, np.ndarray) and labels.dtype in (np.uint8, np.uint16, np.uint32):
        if labels.ndim != 3:
            raise ValueError(f"a label map is (slice, row, column), not {labels.shape}")
        return LabelMap(labels, numbers)
    arrays = (labels,) if isinstance(labels, np.ndarray) and labels.ndim == 3 else tuple(labels)
    for array in arrays:
        if array.dtype != bool and array.dtype not in (np.float16, np.float32, np.float64):
            raise ValueError(f"labels must be uint8, uint16 or uint32, masks bool or float, not {array.dtype}")
        if array.dtype != bool and not form.is_fractional:
            raise ValueError(f"masks of {array.dtype} hold fractions, which a {form.type} segmentation does not")
        if array.ndim != 3 or array.shape != arrays[0].shape:
            raise ValueError(f"masks are (slice, row, column), all alike, not {[array.shape for array in arrays]}")
    if len(arrays) != len(numbers):
        raise ValueError(f"there are {len(arrays)} masks, but {len(numbers)} segments are described")
    if numbers == (1,) and arrays[0].dtype == bool:
        return LabelMap(arrays[0].view(np.uint8), numbers)
    return SegmentMasks(arrays)


def shape_of(masks: Masks) -> tuple[int, int, int]:
    """Return (slices, rows, columns)."""
    slices, rows, columns = (masks.array if isinstance(masks, LabelMap) else masks.arrays[0]).shape
    return slices, rows, columns
