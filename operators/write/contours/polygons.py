"""A mask → closed polygons whose insides together are the mask, with inner contours as PS3.3 C.8.8.6.3 allows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from operators.write.contours.borders import Region, Vertex, regions_of

InnerContours = Literal["keyhole", "xor"]

MOST_VERTICES = 1280
"""Polygons with more are cut: Contour Data (DS) of more points might exceed the 65,534 bytes of explicit VR."""


def polygons_of(mask: NDArray[np.bool_], inner: InnerContours) -> list[tuple[Vertex, ...]]:
    """Return polygons (corners of pixels, not repeating the first) of a mask (row, column).

    ``keyhole``: one polygon for each region; a channel of no width, along borders of pixels, joins its holes to its
    outer line. ``xor``: one polygon for each line, holes and islands alike, to be combined by exclusive or. Either way
    a polygon has at most :data:`MOST_VERTICES` corners; a region that would need more is cut along a row of pixels.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return []
    top, left = int(rows[0]), int(columns[0])
    part = mask[top : int(rows[-1]) + 1, left : int(columns[-1]) + 1]
    found = []
    for region in regions_of(part):
        lines = [_with_channels(region)] if inner == "keyhole" else [region.outer, *region.holes]
        polygons = [_corners(line) for line in lines]
        if max(map(len, polygons)) > MOST_VERTICES:
            polygons = _cut(region, part.shape, inner)
        found += [tuple((row + top, column + left) for row, column in polygon) for polygon in polygons]
    return found


def _cut(region: Region, shape: tuple[int, ...], inner: InnerContours) -> list[tuple[Vertex, ...]]:
    """Return the polygons of the upper and of the lower half of a region."""
    mask = _filled(region, shape)
    rows = np.flatnonzero(mask.any(axis=1))
    half = int(rows[0] + rows[-1] + 1) // 2
    upper, lower = mask.copy(), mask
    upper[half:], lower[:half] = False, False
    return polygons_of(upper, inner) + polygons_of(lower, inner)


def _filled(region: Region, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return the pixels of a region: those with an odd number of vertical edges on their left."""
    edges = np.zeros((shape[0], shape[1] + 1), dtype=np.int64)
    for line in (region.outer, *region.holes):
        for (row, column), (next_row, _) in zip(line, (*line[1:], line[0]), strict=True):
            if row != next_row:
                edges[min(row, next_row), column] += 1
    return (np.cumsum(edges, axis=1) % 2).astype(bool)[:, :-1]


def _with_channels(region: Region) -> Sequence[Vertex]:
    """Return one line around a region and its holes.

    From the upper end of its leftmost edge each hole is joined, straight to the left, to the first line there: the
    outer one, or that of a hole that reaches further to the left and was joined before.
    """
    line = list(region.outer)
    known = set(line)
    for hole in sorted(region.holes, key=_leftmost):
        column, row = _leftmost(hole)
        start = hole.index((row, column))
        turned = [*hole[start:], *hole[:start]]
        column -= 1
        while (row, column) not in known:
            column -= 1
        at = line.index((row, column))
        line[at : at + 1] = [line[at], *turned, turned[0], line[at]]
        known.update(hole)
    return line


def _leftmost(line: Sequence[Vertex]) -> Vertex:
    """Return (column, row) of the leftmost corner, the uppermost of several."""
    return min((column, row) for row, column in line)


def _corners(line: Sequence[Vertex]) -> tuple[Vertex, ...]:
    """Return the corners at which a line turns."""
    points = np.array(line)
    incoming = np.sign(points - np.roll(points, 1, axis=0))
    outgoing = np.roll(incoming, -1, axis=0)
    return tuple(map(tuple, points[(incoming != outgoing).any(axis=1)].tolist()))
