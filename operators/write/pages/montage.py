"""Axial pictures of a volume in radiological convention, whatever way it was acquired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_STEP = 4.0
"""Millimetres that neighbouring tiles are apart at least, on average: closer ones look the same."""


@dataclass(frozen=True)
class Tile:
    """One axial picture: row 0 is anterior, column 0 is the patient's right.

    ``image`` is (row, column) of uint8 after windowing, ``labels`` the label map of the same pixels; ``spacing`` is
    (row, column) in mm; ``name`` says which slice it is.
    """

    image: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    spacing: tuple[float, float]
    name: str


def axial_tiles(
    array: NDArray[np.generic],
    affine: NDArray[np.float64],
    labels: NDArray[np.uint8],
    count: int,
    slice_names: Sequence[str] | None = None,
) -> list[Tile]:
    """Return at most ``count`` axial tiles from feet to head, cropped to the head or body.

    ``array`` and ``labels`` are (slice, row, column), ``affine`` maps (column, row, slice, 1) to LPS mm. Oblique
    volumes are shown along their nearest axes, without resampling. The tiles cover the labelled range evenly, each
    showing the most labelled slice of its part; without labels they cover the body. ``slice_names`` name the array's
    slices, e.g. by Instance Number, and are used if those are the axial ones; otherwise a tile is named by its height.
    """
    order, signs = _nearest_axes(affine)
    values = _turned(array.astype(np.float32), order, signs)
    marks = _turned(labels, order, signs)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)[::-1][list(order)]
    low, high = _window(values)
    body = values > low + 0.15 * (high - low)
    rows, columns = (_extent(body.any(axis=0).sum(axis=axis), margin=3) for axis in (1, 0))
    names = _names(array.shape, affine, order, signs, slice_names)
    tiles = []
    for index in _chosen(marks, body, count, max(1, round(_STEP / float(spacing[0])))):
        gray = np.clip((values[index] - low) / (high - low), 0.0, 1.0)
        tiles.append(
            Tile(
                image=np.rint(255 * gray[rows, columns]).astype(np.uint8),
                labels=marks[index][rows, columns],
                spacing=(float(spacing[1]), float(spacing[2])),
                name=names[index],
            )
        )
    return tiles


def _nearest_axes(affine: NDArray[np.float64]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return which array axis runs along patient z, y and x, and in which direction: +1 is head, posterior, left."""
    # Columns of the affine are (column, row, slice); array axes are (slice, row, column).
    directions = (affine[:3, :3] / np.linalg.norm(affine[:3, :3], axis=0))[:, ::-1]
    best = max(permutations(range(3)), key=lambda order: sum(abs(directions[2 - i, a]) for i, a in enumerate(order)))
    signs = tuple(1 if directions[2 - i, axis] >= 0 else -1 for i, axis in enumerate(best))
    return best, signs


_Voxels = TypeVar("_Voxels", bound=np.generic)


def _turned(array: NDArray[_Voxels], order: tuple[int, ...], signs: tuple[int, ...]) -> NDArray[_Voxels]:
    return array.transpose(order)[tuple(slice(None, None, sign) for sign in signs)]


def _window(values: NDArray[np.float32]) -> tuple[float, float]:
    """Return the grey values shown black and white: nearly all of the body lies between them."""
    low, top = (float(value) for value in np.percentile(values, (0.5, 99.5)))
    inside = values[values > low + 0.15 * (top - low)]
    high = float(np.percentile(inside, 99.8)) if inside.size else top
    return low, max(high, low + 1e-6)


def _extent(profile: NDArray[np.int64], margin: int) -> slice:
    """Return where a profile is above 2 % of its length, widened by ``margin``; all of it if nowhere."""
    where = np.flatnonzero(profile > 0.02 * len(profile))
    if not where.size:
        return slice(0, len(profile))
    return slice(max(int(where[0]) - margin, 0), min(int(where[-1]) + 1 + margin, len(profile)))


def _chosen(marks: NDArray[np.uint8], body: NDArray[np.bool_], count: int, step: int) -> list[int]:
    """Return the slices to show: the range that matters in ``count`` equal parts, the most marked slice of each.

    The range is widened so that a part has at least ``step`` slices.
    """
    marked = (marks > 0).sum(axis=(1, 2))
    area = body.sum(axis=(1, 2))
    matters = np.flatnonzero(marked) if marked.any() else np.flatnonzero(area > 0.5 * area.max())
    if not matters.size:
        matters = np.arange(len(marked))
    first, last = _widened(int(matters[0]), int(matters[-1]), min(count * step, len(marked)), len(marked))
    edges = np.linspace(first, last + 1, min(count, last + 1 - first) + 1).round().astype(int)
    chosen = []
    for start, stop in pairwise(edges):
        part = marked[start:stop]
        chosen.append(int(start) + (int(part.argmax()) if part.any() else (int(stop) - int(start)) // 2))
    return chosen


def _widened(first: int, last: int, count: int, length: int) -> tuple[int, int]:
    """Return a range of at least ``count`` slices around first..last."""
    missing = max(count - (last + 1 - first), 0)
    first = min(max(first - missing // 2, 0), length - max(count, last + 1 - first))
    return first, max(last, first + count - 1)


def _names(
    shape: tuple[int, ...],
    affine: NDArray[np.float64],
    order: tuple[int, ...],
    signs: tuple[int, ...],
    slice_names: Sequence[str] | None,
) -> list[str]:
    if slice_names is not None and order[0] == 0:
        return list(slice_names)[:: signs[0]]
    # Height of the slice's centre; the index is (column, row, slice).
    centre = (np.array(shape, dtype=float)[::-1] - 1) / 2
    heights = []
    for index in range(shape[order[0]]):
        point = centre.copy()
        point[2 - order[0]] = index
        heights.append((affine @ np.append(point, 1.0))[2])
    return [f"z {height:.0f} mm" for height in heights[:: signs[0]]]
