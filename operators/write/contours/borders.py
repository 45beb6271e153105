"""A mask → the closed lines along the borders of its pixels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Vertex = tuple[int, int]
"""A corner of pixels: (row, column) is the upper left corner of that pixel, at half a pixel less than its centre."""

# Directions of an edge: to the right, down, to the left, up; each with the step that it makes and, from the corner
# where it begins, the pixel of the mask on its right-hand side.
_STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
_PIXELS = ((0, 0), (0, -1), (-1, -1), (-1, 0))


@dataclass(frozen=True)
class Region:
    """Pixels that are connected by their sides: the line around them, and those around the holes in them.

    Lines go from corner to corner in single steps, the mask on their right-hand side, and do not repeat their first
    corner. They never cross themselves or each other but may touch at corners.
    """

    outer: tuple[Vertex, ...]
    holes: tuple[tuple[Vertex, ...], ...]


def regions_of(mask: NDArray[np.bool_]) -> list[Region]:
    """Return the regions of a mask (row, column), in the order of their first pixels.

    Pixels that touch at a corner only belong to different regions; background that touches at a corner is connected.
    A corner therefore is inside none of the lines, and no centre of a pixel lies on one.
    """
    labels, count = ndimage.label(mask)
    outer: dict[int, tuple[Vertex, ...]] = {}
    holes: dict[int, list[tuple[Vertex, ...]]] = {label: [] for label in range(1, count + 1)}
    for line, label in _lines(mask, labels):
        if _area(line) > 0:
            outer[label] = line
        else:
            holes[label].append(line)
    return [Region(outer[label], tuple(holes[label])) for label in range(1, count + 1)]


def _lines(mask: NDArray[np.bool_], labels: NDArray[np.int32]) -> list[tuple[tuple[Vertex, ...], int]]:
    """Return every closed line with the label of the pixels on its right-hand side."""
    padded = np.pad(mask, 1)
    inside = padded[1:-1, 1:-1]
    width = mask.shape[1] + 1
    has_edge = np.zeros((4, (mask.shape[0] + 1) * width), dtype=bool)
    neighbours = (padded[:-2, 1:-1], padded[1:-1, 2:], padded[2:, 1:-1], padded[1:-1, :-2])
    for direction, (neighbour, pixel) in enumerate(zip(neighbours, _PIXELS, strict=True)):
        rows, columns = np.nonzero(inside & ~neighbour)
        has_edge[direction, (rows - pixel[0]) * width + columns - pixel[1]] = True

    directions, starts = np.nonzero(has_edge)
    steps = np.array([row * width + column for row, column in _STEPS])
    ends = starts + steps[directions]
    # At a corner where two pixels meet, turning right keeps to the pixel that the line goes around.
    following = (directions - 1) % 4
    for turn in (0, 1):
        candidate = (directions + turn) % 4
        following = np.where(has_edge[candidate, ends], candidate, following)
    number = np.zeros(has_edge.shape, dtype=np.int64)
    number[directions, starts] = np.arange(len(starts))
    next_edge = number[following, ends].tolist()

    corner_rows, corner_columns = np.divmod(starts, width)
    offsets = np.array(_PIXELS)[directions]
    label_of = labels[corner_rows + offsets[:, 0], corner_columns + offsets[:, 1]].tolist()
    corners = list(zip(corner_rows.tolist(), corner_columns.tolist(), strict=True))
    found = []
    visited = bytearray(len(corners))
    for first in range(len(corners)):
        if visited[first]:
            continue
        line, edge = [], first
        while not visited[edge]:
            visited[edge] = 1
            line.append(corners[edge])
            edge = next_edge[edge]
        found.append((tuple(line), label_of[first]))
    return found


def _area(line: tuple[Vertex, ...]) -> float:
    """Return the area in pixels within a line, negative if the mask is outside."""
    rows, columns = np.array(line).T
    return float(columns @ np.roll(rows, -1) - rows @ np.roll(columns, -1)) / 2
