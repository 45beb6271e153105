"""Numbers of one mask in a plane: area, long and short axis, perimeter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_fill_holes, gaussian_filter, label
from scipy.spatial import ConvexHull
from skimage.measure import find_contours

Mask = NDArray[np.bool_]
Points = NDArray[np.float64]
Point = tuple[float, float]

_SMOOTHING = 0.8
"""Of the larger spacing."""
_MARGIN = 8


@dataclass(frozen=True)
class PlanarFigures:
    """Figures in mm, area in mm²; in pixels where the spacing given was (1, 1).

    ``long_axis`` is the longest chord of the outline's corners, ``short_axis`` the longest chord across it at a right
    angle, both of the convex hull (as RECIST 1.1 and BI-RADS measure them); their ends are (row, column) in pixels,
    whose centres have whole numbers. ``height`` and ``width`` are the extents along rows and columns.
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
    lowest, highest = corners.min(axis=0), corners.max(axis=0)
    points = corners * scale
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    first, second = np.unravel_index(int(np.argmax(distances)), distances.shape)
    direction = (points[second] - points[first]) / distances[first, second]
    short = _longest_across(points, direction)
    return PlanarFigures(
        area=float(mask.sum() * scale.prod()),
        long_axis=float(distances[first, second]),
        short_axis=float(np.linalg.norm(short[1] - short[0])),
        perimeter=_perimeter(mask, spacing),
        height=float(_extent(np.any(mask, axis=1)) * scale[0]),
        width=float(_extent(np.any(mask, axis=0)) * scale[1]),
        # Rounding must not put an end outside of the picture that the mask touches the edge of.
        long_ends=(_point(corners[first]), _point(corners[second])),
        short_ends=(
            _point(np.clip(short[0] / scale, lowest, highest)),
            _point(np.clip(short[1] / scale, lowest, highest)),
        ),
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


def components(mask: Mask, *, smallest_pixels: int = 0) -> NDArray[np.int32]:
    """Return the connected parts of a mask without their holes, numbered from 1, the largest first.

    Parts of fewer pixels, their holes among them, are left out.
    """
    numbered, count = label(binary_fill_holes(mask))
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable")
    kept = order[sizes[order] >= smallest_pixels]
    numbers = np.zeros(count + 1, dtype=np.int32)
    numbers[1 + kept] = np.arange(1, len(kept) + 1)
    return np.asarray(numbers[numbered], dtype=np.int32)


def _corners(mask: Mask) -> Points:
    """The corners of the convex hull of all pixels, which are squares of side 1 about their centres."""
    places = np.argwhere(mask)
    squares = np.concatenate([places + np.array(step) for step in ((-0.5, -0.5), (-0.5, 0.5), (0.5, -0.5), (0.5, 0.5))])
    return np.asarray(squares[ConvexHull(squares).vertices], dtype=np.float64)


def _longest_across(hull: Points, direction: NDArray[np.float64]) -> tuple[Points, Points]:
    """The ends of a convex polygon's longest chord at a right angle to ``direction``; it runs through a corner."""
    normal = np.array([-direction[1], direction[0]])
    along, across = hull @ direction, hull @ normal
    turned = np.roll(np.arange(len(hull)), -int(np.argmin(along)))
    farthest = int(np.argmax(along[turned]))
    there, back = turned[: farthest + 1], np.append(turned[farthest:], turned[0])[::-1]
    sides = [np.interp(along, along[chain], across[chain]) for chain in (there, back)]
    longest = int(np.argmax(np.abs(sides[0] - sides[1])))
    first, second = (along[longest] * direction + side[longest] * normal for side in sides)
    return first, second


def _perimeter(mask: Mask, spacing: tuple[float, float]) -> float:
    """The length of the outline halfway between inside and outside, after smoothing away the pixels' steps."""
    width = _SMOOTHING * max(spacing)
    sigma = [width / size for size in spacing]
    smooth = gaussian_filter(np.pad(mask, _MARGIN).astype(np.float64), sigma)
    # What is narrower than the smoothing would be lost.
    shown = smooth if smooth.max() > 0.5 else np.pad(mask, _MARGIN).astype(np.float64)
    outlines = [outline * np.array(spacing) for outline in find_contours(shown, 0.5)]
    return float(sum(np.linalg.norm(np.diff(outline, axis=0), axis=1).sum() for outline in outlines))


def _extent(occupied: NDArray[np.bool_]) -> int:
    places = np.flatnonzero(occupied)
    return int(places[-1] - places[0] + 1)


def _point(corner: Points) -> Point:
    return float(corner[0]), float(corner[1])
