"""Which segment is on which slice, between which rows: found in one pass, so that nothing empty is touched again."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from operators.write.segments.masks import LabelMap, Masks, SegmentMasks, shape_of

LARGEST_NUMBER = 65535
"""The largest Segment Number (0062,0004), which is an unsigned 16 bit integer."""

_ALL_ROWS = slice(None)


class Occurrence(NamedTuple):
    """A segment (its place among the segments, from 0) on a slice, in rows ``first_row`` to before ``end_row``."""

    segment: int
    slice_index: int
    first_row: int
    end_row: int

    @property
    def rows(self) -> slice:
        """The rows as a slice of an array."""
        return slice(self.first_row, self.end_row)


def occurrences_of(masks: Masks) -> list[Occurrence]:
    """Return every occurrence of a segment on a slice, ordered by segment, then slice.

    Raises :class:`ValueError` for a label that no segment describes, and for a fraction that is not from 0 to 1.
    """
    if isinstance(masks, LabelMap):
        return sorted(_in_label_map(masks))
    return _in_masks(masks)


def do_overlap(masks: Masks, occurrences: list[Occurrence]) -> bool:
    """Return whether any voxel belongs to more than one segment."""
    if isinstance(masks, LabelMap):
        return False
    columns = shape_of(masks)[2]
    by_slice = sorted(occurrences, key=lambda item: item.slice_index)
    for index, group in groupby(by_slice, key=lambda item: item.slice_index):
        here = list(group)
        if len(here) == 1:
            continue
        occupied = np.zeros((max(item.end_row for item in here), columns), bool)
        for item in here:
            plane = masks.plane(item.segment, index, item.rows)
            if (occupied[item.rows] & plane).any():
                return True
            occupied[item.rows] |= plane
    return False


def _in_label_map(labels: LabelMap) -> list[Occurrence]:
    columns = labels.array.shape[2]
    places = {number: place for place, number in enumerate(labels.numbers)}
    found = []
    for index, plane in enumerate(labels.array):
        numbers, firsts, ends = _runs(plane.ravel())
        for number, first, end in zip(numbers.tolist(), firsts.tolist(), ends.tolist(), strict=True):
            if number == 0:
                continue
            if number not in places:
                raise ValueError(
                    f"label {number} on slice {index} is described by no segment: only {len(places)} segments are "
                    f"described, {labels.numbers[0]} to {labels.numbers[-1]}"
                )
            found.append(Occurrence(places[number], index, first // columns, -(-end // columns)))
    return found


def _runs(
    pixels: NDArray[np.unsignedinteger[Any]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the values among ``pixels``, and for each the first pixel that has it and the one after the last.

    A label map has few borders: finding those is several times faster than looking at the value of every pixel.
    """
    borders = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    starts, ends = np.concatenate([[0], borders]), np.concatenate([borders, [pixels.size]])
    values = pixels[starts]
    largest = int(values.max())
    if largest > LARGEST_NUMBER:
        raise ValueError(f"labels go up to {largest}, segments are numbered up to {LARGEST_NUMBER}")
    first, end = np.zeros(largest + 1, np.int64), np.zeros(largest + 1, np.int64)
    # Of several values for one index, the last one stays.
    first[values[::-1]] = starts[::-1]
    end[values] = ends
    present = np.flatnonzero(end)
    return present, first[present], end[present]


def _in_masks(masks: SegmentMasks) -> list[Occurrence]:
    found = []
    for segment, array in enumerate(masks.arrays):
        for index, plane in enumerate(array):
            if array.dtype != bool and not 0 <= plane.min() <= plane.max() <= 1:
                raise ValueError(f"the mask of segment {segment + 1} is not from 0 to 1 on slice {index}")
            rows = np.flatnonzero(masks.plane(segment, index, _ALL_ROWS).any(axis=1))
            if rows.size:
                found.append(Occurrence(segment, index, int(rows[0]), int(rows[-1]) + 1))
    return found
