"""Numbers of one mask in a plane: area, long and short axis, perimeter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, label
from scipy.spatial import ConvexHull
from skimage.measure import perimeter_crofton

Mask = NDArray[np.bool_]
Point = tuple[float, float]


@dataclass(frozen=True)
class PlanarFigures:
    """Figures in mm, area in mm²; in pixels where the spacing given was (1, 1).

    ``long_axis`` is the longest chord of the outline's corners, ``short_axis`` the extent across it (as RECIST and
    BI-RADS measure them); their ends are (row, column) in pixels. ``height`` and ``width`` are the extents along rows
    and columns.
    """

    area: float
    long_axis: float
    short_axis: float
    perimeter: float
    height: float
    width: float
    long_ends: tuple[Point, Point]
    short_ends: tuple[Point, Point]


def planar_figures(mask: Mask, spacing: tuple[float, float] = (1.0, 1.0)) -> PlanarFigures:
    """Measure a mask (row, column) whose rows and columns are ``spacing`` apart; :class:`ValueError` if it is empty."""
    if not mask.any():
        raise ValueError("an empty mask has no figures")
    scale = np.array(spacing, dtype=np.float64)
    corners = _corners(mask)
    points = corners * scale
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    first, second = np.unravel_index(int(np.argmax(distances)), distances.shape)
    direction = (points[second] - points[first]) / distances[first, second]
    across = points @ np.array([-direction[1], direction[0]])
    low, high = int(np.argmin(across)), int(np.argmax(across))
    rows, columns = np.any(mask, axis=1), np.any(mask, axis=0)
    return PlanarFigures(
        area=float(mask.sum() * scale.prod()),
        long_axis=float(distances[first, second]),
        short_axis=float(across[high] - across[low]),
        perimeter=float(perimeter_crofton(mask, directions=4) * np.sqrt(scale.prod())),
        height=float(_extent(rows) * scale[0]),
        width=float(_extent(columns) * scale[1]),
        long_ends=(_point(corners[first]), _point(corners[second])),
        short_ends=(_point(corners[low]), _point(corners[high])),
    )


def largest_component(mask: Mask, *, smallest_pixels: int = 0) -> Mask:
    """Return the largest connected part of a mask without its holes; nothing where it has fewer pixels."""
    numbered, count = label(mask)
    if count == 0:
        return np.zeros_like(mask)
    sizes = np.bincount(numbered.ravel())[1:]
    kept = numbered == 1 + int(np.argmax(sizes))
    if sizes.max() < smallest_pixels:
        return np.zeros_like(mask)
    return np.asarray(binary_fill_holes(kept), dtype=bool)


def _corners(mask: Mask) -> NDArray[np.float64]:
    """The corners of the convex hull of all pixels, which are squares of side 1 about their centres."""
    places = np.argwhere(mask)
    squares = np.concatenate([places + np.array(step) for step in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))])
    return np.asarray(squares[ConvexHull(squares).vertices], dtype=np.float64)


def _extent(occupied: NDArray[np.bool_]) -> int:
    places = np.flatnonzero(occupied)
    return int(places[-1] - places[0] + 1)


def _point(corner: NDArray[np.float64]) -> Point:
    return float(corner[0]), float(corner[1])
