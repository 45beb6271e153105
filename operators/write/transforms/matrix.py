"""Homogeneous matrices between coordinate systems (PS3.3 C.20.2.1.1 and C.20.2.1.2)."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.write.base.decimals import decimals

Matrix = NDArray[np.float64]
MatrixType = Literal["RIGID", "RIGID_SCALE", "AFFINE"]

# A rotation that was computed in float32 passes; a scale of one part in 100,000 does not.
_TOLERANCE = 1e-6


def check_matrix(matrix: Matrix, what: str) -> Matrix:
    """Return ``matrix`` as float64; raises :class:`ValueError` unless it is an invertible 4 x 4 homogeneous matrix."""
    found = np.array(matrix, dtype=np.float64)
    if found.shape != (4, 4) or not np.isfinite(found).all():
        raise ValueError(f"{what} is not a finite 4 x 4 matrix but {found.shape}")
    if not np.array_equal(found[3], [0, 0, 0, 1]):
        raise ValueError(f"the last row of {what} is {found[3].tolist()}, not 0 0 0 1")
    singular = np.linalg.svd(found[:3, :3], compute_uv=False)
    if singular[-1] <= 1e-9 * singular[0]:
        raise ValueError(f"{what} maps space onto a plane: it cannot be inverted")
    return found


def matrix_type(matrix: Matrix) -> MatrixType:
    """Return what a matrix does (PS3.3 C.20.2.1.2): rotate and move, scale along its axes as well, or shear, too."""
    linear = matrix[:3, :3]
    lengths = np.linalg.norm(linear, axis=0)
    axes = linear / lengths
    if np.abs(axes.T @ axes - np.eye(3)).max() > _TOLERANCE or np.linalg.det(linear) < 0:
        return "AFFINE"
    return "RIGID" if np.abs(lengths - 1).max() <= _TOLERANCE else "RIGID_SCALE"


def matrix_item(matrix: Matrix) -> Dataset:
    """Return an item with Frame of Reference Transformation Matrix (3006,00C6), row by row, and its type."""
    item = Dataset()
    item.FrameOfReferenceTransformationMatrixType = matrix_type(matrix)
    item.FrameOfReferenceTransformationMatrix = decimals(matrix.ravel().tolist())
    return item
