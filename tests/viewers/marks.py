"""Marks in an image by which a screenshot tells where its pixels went, whatever the viewer did with them.

In a black margin stand three white squares of different size, upper left, upper right and lower left: their centres
give the map from image to screen, with every flip and turn. Small white cells along the lower margin are the slice's
number in binary, behind one that is always white.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Number = TypeVar("Number", bound=np.generic)

MARGIN = 12
LEAST_SIDE = 56
MOST_SLICES = 128

_INSET = 3
_SQUARES = (8, 6, 4)
_CELL = 2
_BITS = 7
# Half way between light grey and white: there an interpolated edge lies where the pixel ends.
_WHITE = 160


@dataclass(frozen=True)
class View:
    """What a screenshot shows of an image: the slice's number and the matrix from (column, row, 1) to (x, y, 1)."""

    number: int
    matrix: NDArray[np.float64]


def draw_marks(array: NDArray[Number], white: float) -> NDArray[Number]:
    """Return a copy of (slice, row, column), at least 56 x 56 pixels and at most 128 slices, with margin and marks.

    A viewer must show ``white`` white, and nothing within the margin brighter than half of it.
    """
    marked = array.copy()
    count, rows, columns = marked.shape
    marked[:, ~_inside(rows, columns)] = 0
    for (row, column), size in zip(_corners(rows, columns), _SQUARES, strict=True):
        marked[:, row : row + size, column : column + size] = white
    for number in range(count):
        for (row, column), is_white in zip(_cells(rows), _digits(number), strict=True):
            if is_white:
                marked[number, row : row + _CELL, column : column + _CELL] = white
    return marked


def find_view(screenshot: NDArray[np.uint8], rows: int, columns: int) -> View | None:
    """Find the marks of an image of this size in a screenshot, (y, x, 3) of sRGB; None where they are not seen."""
    white = np.all(screenshot > _WHITE, axis=-1)
    blobs, count = ndimage.label(white)
    if count < len(_SQUARES):
        return None
    areas = np.bincount(blobs.ravel())[1:]
    largest = np.argsort(areas)[: -len(_SQUARES) - 1 : -1]
    seen = np.array(ndimage.center_of_mass(white, blobs, largest + 1))[:, ::-1]
    centres = [
        (column + (size - 1) / 2, row + (size - 1) / 2, 1.0)
        for (row, column), size in zip(_corners(rows, columns), _SQUARES, strict=True)
    ]
    matrix = np.eye(3)
    matrix[:2] = np.linalg.solve(np.array(centres), seen).T
    # Another white thing taken for a square makes a map that does not lead to a square of that size.
    if not np.allclose(areas[largest], np.square(_SQUARES) * abs(np.linalg.det(matrix)), rtol=0.25):
        return None
    cells = [_is_white(white, matrix, row, column) for row, column in _cells(rows)]
    if not cells[0]:
        return None
    return View(sum(int(digit) << bit for bit, digit in enumerate(cells[1:])), matrix)


def on_screen(
    plane: NDArray[np.uint8], view: View, height: int, width: int
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Lay a plane of labels, (row, column), on the screen as the view shows its image.

    Returns the label at each pixel of the screen, (y, x), and which pixels are within the margin of the image.
    """
    y, x = np.mgrid[:height, :width]
    points = np.linalg.inv(view.matrix) @ np.stack([x.ravel(), y.ravel(), np.ones(x.size)])
    column, row = np.rint(points[:2]).astype(int)
    rows, columns = plane.shape
    within = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    within[within] = _inside(rows, columns)[row[within], column[within]]
    labels = np.zeros(x.size, np.uint8)
    labels[within] = plane[row[within], column[within]]
    return labels.reshape(height, width), within.reshape(height, width)


def _inside(rows: int, columns: int) -> NDArray[np.bool_]:
    if min(rows, columns) < LEAST_SIDE:
        raise ValueError(f"{rows} x {columns} pixels have no room for the marks")
    inside = np.zeros((rows, columns), bool)
    inside[MARGIN:-MARGIN, MARGIN:-MARGIN] = True
    return inside


def _corners(rows: int, columns: int) -> Iterator[tuple[int, int]]:
    """Yield first row and column of each square."""
    _, second, third = _SQUARES
    yield _INSET, _INSET
    yield _INSET, columns - _INSET - second
    yield rows - _INSET - third, _INSET


def _cells(rows: int) -> Iterator[tuple[int, int]]:
    """Yield first row and column of each cell: the one that is always white, then the digits, lowest first."""
    for index in range(1 + _BITS):
        yield rows - _INSET - _CELL, MARGIN + 2 * index * _CELL


def _digits(number: int) -> list[bool]:
    if number >= MOST_SLICES:
        raise ValueError(f"slice {number} has more than {_BITS} binary digits")
    return [True, *(bool(number >> bit & 1) for bit in range(_BITS))]


def _is_white(white: NDArray[np.bool_], matrix: NDArray[np.float64], row: int, column: int) -> bool:
    middle = (_CELL - 1) / 2
    x, y, _ = np.rint(matrix @ [column + middle, row + middle, 1.0]).astype(int)
    height, width = white.shape
    return bool(0 <= y < height and 0 <= x < width and white[y, x])
