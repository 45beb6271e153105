"""The voxel grids of the two sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Size = Literal["full", "small"]


@dataclass(frozen=True)
class Grid:
    """A stack of slices: `shape` (slice, row, column), `spacing` in mm along the same axes, and the slice count of the
    profile integration. `spacing` is (slice thickness, row spacing, column spacing), in the order of DICOM's
    Pixel Spacing (0028,0030) after the first.
    """

    shape: tuple[int, int, int]
    spacing: tuple[float, float, float]
    subslices: int


@dataclass(frozen=True)
class Protocol:
    """Grids of both sequences and the radii in mm of lesions that suit them."""

    flair: Grid
    t1: Grid
    lesion_radii: tuple[float, float]


PROTOCOLS: dict[Size, Protocol] = {
    # 250 rows of 0.98 mm from front to back, 202 columns of 1.1 mm from right to left.
    "full": Protocol(
        flair=Grid((60, 250, 202), (3.0, 0.98, 1.1), 3),
        t1=Grid((176, 256, 256), (1.0, 1.0, 1.0), 1),
        lesion_radii=(2.0, 8.0),
    ),
    "small": Protocol(
        flair=Grid((24, 80, 64), (6.5, 2.9, 3.1), 5),
        t1=Grid((64, 72, 80), (3.0, 3.0, 3.0), 3),
        lesion_radii=(4.0, 12.0),
    ),
}


def axial_affine(grid: Grid, centre: NDArray[np.float64], tilt_degrees: float) -> NDArray[np.float64]:
    """Axial slices from feet to head, tilted about the left-right axis; rows run to the left, columns to the back."""
    tilt = np.radians(tilt_degrees)
    row = np.array([1.0, 0.0, 0.0])
    column = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    return _affine(grid, centre, row, column)


def sagittal_affine(grid: Grid, centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sagittal slices from left to right; rows run to the back, columns to the feet."""
    return _affine(grid, centre, np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, -1.0]))


def _affine(
    grid: Grid, centre: NDArray[np.float64], row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Affine (column, row, slice, 1) -> LPS mm of a grid around `centre`; slices advance along row x column."""
    slice_mm, row_mm, column_mm = grid.spacing
    affine = np.eye(4)
    affine[:3, 0] = column_mm * row
    affine[:3, 1] = row_mm * column
    affine[:3, 2] = slice_mm * np.cross(row, column)
    middle = (np.array(grid.shape[::-1]) - 1) / 2
    affine[:3, 3] = centre - affine[:3, :3] @ middle
    return affine
