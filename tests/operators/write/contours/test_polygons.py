"""Polygons along pixel borders enclose exactly the mask, whichever way an independent rasteriser fills them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from matplotlib.path import Path as Outline
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from operators.write.contours.borders import Vertex, regions_of
from operators.write.contours.polygons import MOST_VERTICES, InnerContours, polygons_of

RING = np.array(
    [
        [0, 1, 1, 1, 1, 1, 0],
        [1, 1, 0, 0, 0, 1, 1],
        [1, 0, 0, 1, 0, 0, 1],
        [1, 1, 0, 0, 0, 1, 1],
        [0, 1, 1, 1, 1, 1, 1],
    ],
    dtype=bool,
)
"""A ring with an island in its hole."""


def filled_by_matplotlib(polygon: Sequence[Vertex], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    rows, columns = np.indices(shape)
    centres = np.stack([columns.ravel() + 0.5, rows.ravel() + 0.5], axis=1)
    outline = Outline([(column, row) for row, column in polygon])
    return np.asarray(outline.contains_points(centres)).reshape(shape)


def filled_by_pillow(polygon: Sequence[Vertex], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Drawn four times as large, so that the centres of pixels lie away from the lines."""
    page = Image.new("1", (4 * shape[1] + 1, 4 * shape[0] + 1))
    ImageDraw.Draw(page).polygon([(4 * column, 4 * row) for row, column in polygon], fill=1)
    return np.array(page)[2::4, 2::4]


def combined(polygons: Sequence[Sequence[Vertex]], shape: tuple[int, ...], inner: InnerContours) -> NDArray[np.bool_]:
    by_both = []
    for fill in (filled_by_matplotlib, filled_by_pillow):
        found = np.zeros(shape, dtype=int)
        for polygon in polygons:
            found += fill(polygon, shape)
        # Contours of one structure add up, those of the XOR technique cancel each other.
        by_both.append(found % 2 == 1 if inner == "xor" else found > 0)
    np.testing.assert_array_equal(by_both[0], by_both[1])
    return by_both[0]


@pytest.mark.parametrize("inner", ["keyhole", "xor"])
def test_a_ring_with_an_island(inner: InnerContours) -> None:
    polygons = polygons_of(RING, inner)
    assert len(polygons) == {"keyhole": 2, "xor": 3}[inner]
    np.testing.assert_array_equal(combined(polygons, RING.shape, inner), RING)
    # The island is a square: four corners.
    assert min(map(len, polygons)) == 4


def test_pixels_that_touch_at_a_corner_are_regions_of_their_own() -> None:
    mask = np.array([[1, 0], [0, 1]], dtype=bool)
    assert [region.outer for region in regions_of(mask)] == [
        ((0, 0), (0, 1), (1, 1), (1, 0)),
        ((1, 1), (1, 2), (2, 2), (2, 1)),
    ]
    # Background that touches at a corner is one, and open: there is no hole.
    open_ring = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1]], dtype=bool)
    (region,) = regions_of(open_ring)
    assert region.holes == ()


def test_holes_behind_holes_are_all_joined() -> None:
    mask = np.ones((5, 12), dtype=bool)
    mask[1, [1, 3, 5, 7]] = mask[2, 9:11] = mask[3, [2, 4]] = False
    (polygon,) = polygons_of(mask, "keyhole")
    np.testing.assert_array_equal(combined([polygon], mask.shape, "keyhole"), mask)
    assert len(polygons_of(mask, "xor")) == 8


@pytest.mark.parametrize("inner", ["keyhole", "xor"])
def test_a_long_line_is_cut(inner: InnerContours) -> None:
    comb = np.zeros((4, 1000), dtype=bool)
    comb[0] = comb[1:, ::2] = True
    comb[3] = True
    polygons = polygons_of(comb, inner)
    assert max(map(len, polygons)) <= MOST_VERTICES
    np.testing.assert_array_equal(combined(polygons, comb.shape, inner), comb)


def test_nothing_has_no_polygon() -> None:
    assert polygons_of(np.zeros((3, 4), dtype=bool), "keyhole") == []


@settings(deadline=None, max_examples=150)
@given(
    mask=arrays.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))), inner=st.sampled_from(["keyhole", "xor"])
)
def test_any_mask_comes_back(mask: NDArray[np.bool_], inner: InnerContours) -> None:
    before = mask.copy()
    polygons = polygons_of(mask, inner)
    np.testing.assert_array_equal(mask, before)
    np.testing.assert_array_equal(combined(polygons, mask.shape, inner), mask)
    for polygon in polygons:
        points = np.array([*polygon, *polygon[:2]])
        steps = np.diff(points, axis=0)
        # Along rows or columns, turning at every corner.
        assert ((steps == 0).sum(axis=1) == 1).all()
        assert (np.sign(steps[1:]) != np.sign(steps[:-1])).any(axis=1).all()
