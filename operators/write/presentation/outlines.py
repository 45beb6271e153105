"""Masks → outlines along the edges of their pixels: what an outline encloses is exactly the mask."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from operators.write.contours.borders import Vertex, regions_of


def mask_outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return the closed outlines of a mask, (row, column), each as (point, 2) of (column, row).

    The corner of the first pixel is (0, 0), its centre (0.5, 0.5); the last point repeats the first. Holes have
    outlines of their own; pixels that touch at a corner only are outlined apart.
    """
    return [_outline(line) for region in regions_of(mask) for line in (region.outer, *region.holes)]


def _outline(line: Sequence[Vertex]) -> NDArray[np.float64]:
    """Return the corners at which a line turns, as points, the first one again at the end."""
    points = np.array(line, dtype=np.float64)[:, ::-1]
    steps = np.diff(points, axis=0, append=points[:1])
    corners = points[(steps != np.roll(steps, 1, axis=0)).any(axis=1)]
    return np.concatenate([corners, corners[:1]])
