"""How thick a layer is along the ultrasound beam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from operators.measure.planar import Point


@dataclass(frozen=True)
class Thickness:
    """``length`` in mm, or in pixels where the spacing given was 1.

    Its ends are (row, column) in pixels, whose centres have whole numbers: the first is the nearer to the probe.
    """

    length: float
    ends: tuple[Point, Point]


def greatest_thickness(mask: NDArray[np.bool_], row_spacing: float = 1.0) -> Thickness:
    """Return the greatest length of a mask (row, column) along a column, without a gap; rows are ``row_spacing`` apart.

    The beam of a linear probe runs along the columns, from the skin at the top, and meets what lies flat below the skin
    at a right angle. Of several equal lengths it is the middle one. Raises :class:`ValueError` for an empty mask.
    """
    if not mask.any():
        raise ValueError("an empty mask has no thickness")
    runs = np.zeros(mask.shape[1], dtype=np.intp)
    longest, bottom = runs.copy(), runs.copy()
    for row, occupied in enumerate(mask):
        runs = np.where(occupied, runs + 1, 0)
        bottom = np.where(runs > longest, row, bottom)
        longest = np.maximum(longest, runs)
    equal = np.flatnonzero(longest == longest.max())
    column = int(equal[len(equal) // 2])
    pixels, last = int(longest[column]), int(bottom[column])
    return Thickness(pixels * row_spacing, ((last - pixels + 0.5, float(column)), (last + 0.5, float(column))))
