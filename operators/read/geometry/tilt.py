"""Gantry tilt: stacks whose slices are shifted within their plane from one to the next."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from operators.read.geometry.slice_geometry import SliceGeometry

TILT_TOLERANCE_DEGREES = 0.1
"""An upright stack's slice vector is this close to the normal: rounded headers come to some hundredths of a degree."""


def tilt_degrees(geometry: SliceGeometry) -> float:
    """Return the angle between slice vector and normal in degrees; 0 for an upright stack."""
    step = geometry.affine[:3, 2]
    along = float(step @ geometry.normal)
    return math.degrees(math.atan2(float(np.linalg.norm(step - along * geometry.normal)), along))


def upright_grid(geometry: SliceGeometry) -> tuple[NDArray[np.float64], tuple[int, int, int]]:
    """Return affine and shape of an upright grid that holds the whole sheared stack, with the same in-plane grid.

    Slices keep their planes; rows and columns are added where the shear needs them.
    """
    shifts = _shifts(geometry)
    low, high = np.floor(shifts.min(axis=0)), np.ceil(shifts.max(axis=0))
    affine = geometry.affine.copy()
    affine[:3, 2] = geometry.normal * float(geometry.affine[:3, 2] @ geometry.normal)
    affine[:3, 3] += affine[:3, 0] * low[0] + affine[:3, 1] * low[1]
    extra = (high - low).astype(int)
    slices, rows, columns = geometry.shape
    return affine, (slices, rows + int(extra[1]), columns + int(extra[0]))


def _shifts(geometry: SliceGeometry) -> NDArray[np.float64]:
    """Where each slice's first voxel lies on the in-plane grid of the first slice, as (column, row)."""
    step = geometry.affine[:3, 2]
    across = step - geometry.normal * float(step @ geometry.normal)
    in_plane, *_ = np.linalg.lstsq(geometry.affine[:3, :2], across, rcond=None)
    return np.arange(geometry.shape[0])[:, None] * in_plane


def resample_upright(array: NDArray[np.generic], geometry: SliceGeometry) -> NDArray[np.generic]:
    """Return a sheared stack's array (slice, row, column) on :func:`upright_grid`, by linear interpolation.

    What lies outside the acquired slices gets the volume's smallest value: air, in CT. Integers are rounded.
    """
    _, shape = upright_grid(geometry)
    shifts = _shifts(geometry)
    shifts -= np.floor(shifts.min(axis=0))
    outside = array.min()
    result = np.full(shape, outside, dtype=array.dtype)
    rows, columns = array.shape[1:]
    for plane, (column_shift, row_shift), out in zip(array, shifts, result, strict=True):
        first_row, first_column = math.floor(row_shift), math.floor(column_shift)
        moved = _interpolated(plane, row_shift - first_row, column_shift - first_column, float(outside))
        if array.dtype.kind != "f":
            np.rint(moved, out=moved)
        height, width = min(rows + 1, shape[1] - first_row), min(columns + 1, shape[2] - first_column)
        out[first_row : first_row + height, first_column : first_column + width] = moved[:height, :width]
    return result


def _interpolated(plane: NDArray[np.generic], row: float, column: float, outside: float) -> NDArray[np.float64]:
    """A plane moved by fractions of a voxel, one row and one column larger."""
    padded = np.full((plane.shape[0] + 2, plane.shape[1] + 2), outside)
    padded[1:-1, 1:-1] = plane
    by_row = padded[1:] * (1 - row) + padded[:-1] * row
    return by_row[:, 1:] * (1 - column) + by_row[:, :-1] * column
