"""Masks → outlines along the edges of their pixels: what an outline encloses is exactly the mask."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mask_outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return the closed outlines of a mask, (row, column), each as (point, 2) of (column, row).

    The corner of the first pixel is (0, 0), its centre (0.5, 0.5); the last point repeats the first. With rows going
    down, the outside of a region is traced clockwise and the edge of a hole the other way round, so their signed areas
    add up to the number of pixels. Pixels that touch at a corner only are outlined apart. Outlines are in the order of
    their first pixel.
    """
    next_points = _edges(mask)
    outlines = []
    # Dictionaries keep their order, so the same mask gives the same outlines.
    for start in list(next_points):
        while next_points[start]:
            outlines.append(_trace(next_points, start))
    return outlines


def signed_area(outline: NDArray[np.float64]) -> float:
    """Return the area that a closed outline encloses, in pixels: below 0 for the edge of a hole."""
    x, y = outline[:, 0], outline[:, 1]
    return float((x[:-1] * y[1:] - x[1:] * y[:-1]).sum() / 2)


_Point = tuple[int, int]


def _edges(mask: NDArray[np.bool_]) -> dict[_Point, list[_Point]]:
    """Return where edges between mask and background lead to from each corner, the mask on their right."""
    inside = np.pad(np.asarray(mask, dtype=bool), 1)
    centre = inside[1:-1, 1:-1]
    # (neighbour is outside, start and end of the edge from the pixel's upper left corner as (column, row))
    sides = (
        (centre & ~inside[:-2, 1:-1], (0, 0), (1, 0)),
        (centre & ~inside[1:-1, 2:], (1, 0), (1, 1)),
        (centre & ~inside[2:, 1:-1], (1, 1), (0, 1)),
        (centre & ~inside[1:-1, :-2], (0, 1), (0, 0)),
    )
    found: dict[_Point, list[_Point]] = {}
    for side, start, end in sides:
        for row, column in np.argwhere(side).tolist():
            edge_end = (column + end[0], row + end[1])
            found.setdefault((column + start[0], row + start[1]), []).append(edge_end)
    return found


def _trace(next_points: dict[_Point, list[_Point]], start: _Point) -> NDArray[np.float64]:
    """Take one outline's edges out of ``next_points`` and return its corners."""
    point = next_points[start].pop()
    corners = [start]
    came = (point[0] - start[0], point[1] - start[1])
    first = came
    while point != start:
        following = next_points[point]
        # Where pixels touch at a corner two edges lead on: the one to the right stays with the pixel.
        right = (point[0] - came[1], point[1] + came[0])
        step = following.pop(following.index(right) if right in following else 0)
        direction = (step[0] - point[0], step[1] - point[1])
        if direction != came:
            corners.append(point)
        point, came = step, direction
    if came == first:
        corners.pop(0)
    return np.array([*corners, corners[0]], dtype=np.float64)
