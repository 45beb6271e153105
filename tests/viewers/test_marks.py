"""The measure itself, on drawn pictures: what it finds and what it does not let pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from tests.viewers.examinations import COLOURS, asymmetric_labels
from tests.viewers.marks import View, draw_marks, find_view, on_screen
from tests.viewers.overlay import agreement
from tests.viewers.waiting import LEAST_DICE

ROWS, COLUMNS, SLICES = 64, 80, 6
# About as large as the viewer's; a pixel of the image is about ten of the screen.
HEIGHT, WIDTH = 720, 900
LABELS = asymmetric_labels((SLICES, ROWS, COLUMNS))
IMAGE = draw_marks(np.full((SLICES, ROWS, COLUMNS), 90.0), 255.0)
TURNS = {
    "as it is": [[1, 0], [0, 1]],
    "left and right": [[-1, 0], [0, 1]],
    "up and down": [[1, 0], [0, -1]],
    "transposed": [[0, 1], [1, 0]],
    "quarter turn": [[0, -1], [1, 0]],
    "half turn": [[-1, 0], [0, -1]],
}


def picture(number: int, turn: list[list[int]], scale: float, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A screen with the slice in its middle, linearly interpolated, the labels over it, half opaque."""
    matrix = np.eye(3)
    matrix[:2, :2] = np.array(turn) * scale
    matrix[:2, 2] = [WIDTH / 2, HEIGHT / 2] - matrix[:2, :2] @ [(COLUMNS - 1) / 2, (ROWS - 1) / 2]
    inverse = np.linalg.inv(matrix)
    # Of (y, x) and (row, column).
    grey = ndimage.affine_transform(
        IMAGE[number], inverse[1::-1, 1::-1], inverse[1::-1, 2], output_shape=(HEIGHT, WIDTH), order=1
    )
    screen = np.repeat(grey[..., np.newaxis], 3, axis=-1)
    shown, _ = on_screen(labels[number], View(number, matrix), HEIGHT, WIDTH)
    for segment, colour in COLOURS.items():
        screen[shown == segment] = (screen[shown == segment] + colour) / 2
    return screen.astype(np.uint8)


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS)
@pytest.mark.parametrize("number", [0, 3])
def test_an_overlay_in_its_place_agrees(turn: list[list[int]], number: int) -> None:
    screen = picture(number, turn, 8.3, LABELS)
    view = find_view(screen, ROWS, COLUMNS)
    assert view is not None
    assert view.number == number
    assert min(agreement(screen, view, LABELS, COLOURS).values()) > LEAST_DICE


@given(scale=st.floats(8.0, 11.0), number=st.integers(0, SLICES - 1))
@settings(deadline=None, max_examples=10)
def test_size_does_not_matter(scale: float, number: int) -> None:
    screen = picture(number, TURNS["as it is"], scale, LABELS)
    view = find_view(screen, ROWS, COLUMNS)
    assert view is not None
    np.testing.assert_allclose(np.diag(view.matrix)[:2], scale, rtol=0.01)
    assert min(agreement(screen, view, LABELS, COLOURS).values()) > LEAST_DICE


def test_no_marks_no_view() -> None:
    assert find_view(np.zeros((HEIGHT, WIDTH, 3), np.uint8), ROWS, COLUMNS) is None
    white = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for x in (50, 200, 350):
        white[100:130, x : x + 30] = 255
    assert find_view(white, ROWS, COLUMNS) is None
