"""Masks → the frames of a label map, in the type of its pixel data."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from operators.write.segments.masks import LabelMap, Masks, SegmentMasks


def stored_type(largest_number: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the type of a label map's pixel data: 8 bits where they hold every number, else 16 (PS3.3 C.8.20.2)."""
    return np.dtype("<u1" if largest_number <= np.iinfo(np.uint8).max else "<u2")


def label_plane(
    masks: Masks, index: int, numbers: tuple[int, ...], dtype: np.dtype[np.unsignedinteger[Any]]
) -> NDArray[np.unsignedinteger[Any]]:
    """Return slice ``index`` with the segments' numbers as values; masks must not overlap."""
    if isinstance(masks, LabelMap):
        return masks.array[index].astype(dtype, copy=False)
    return _composed(masks, index, numbers, dtype)


def _composed(
    masks: SegmentMasks, index: int, numbers: tuple[int, ...], dtype: np.dtype[np.unsignedinteger[Any]]
) -> NDArray[np.unsignedinteger[Any]]:
    plane = np.zeros(masks.arrays[0].shape[1:], dtype)
    for array, number in zip(masks.arrays, numbers, strict=True):
        plane[array[index]] = number
    return plane
