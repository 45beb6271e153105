"""A displacement field on its grid (PS3.3 C.20.3.1.2 and C.20.3.1.3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.write.base.decimals import decimals

_LONGEST_DATA = 0xFFFFFFFE


@dataclass(frozen=True, eq=False)
class DisplacementField:
    """Where each point of a grid goes.

    ``vectors`` is (slice, row, column, 3): x, y and z of the displacement in LPS mm, three NaN where the transformation
    is not defined; ``affine`` (4, 4) maps (column, row, slice, 1) to LPS mm.
    """

    vectors: NDArray[np.floating[Any]]
    affine: NDArray[np.float64]


def check_field(field: DisplacementField) -> None:
    """Raise :class:`ValueError` for a field that is none, or whose axes are not perpendicular, which DICOM's are."""
    vectors, affine = field.vectors, np.asarray(field.affine, dtype=float)
    if vectors.ndim != 4 or vectors.shape[3] != 3 or 0 in vectors.shape or vectors.dtype.kind != "f":
        raise ValueError(f"a displacement field is (slice, row, column, 3) of floats, not {vectors.shape}")
    if vectors.size * 4 > _LONGEST_DATA:
        raise ValueError(f"a displacement field of {vectors.shape} does not fit into one object")
    if affine.shape != (4, 4) or not np.isfinite(affine).all() or not np.array_equal(affine[3], [0, 0, 0, 1]):
        raise ValueError("the grid's affine is not a finite 4 x 4 matrix with the last row 0 0 0 1")
    lengths = np.linalg.norm(affine[:3, :3], axis=0)
    if lengths.min() <= 0:
        raise ValueError("the grid's affine has an axis without length")
    axes = affine[:3, :3] / lengths
    if np.abs(axes.T @ axes - np.eye(3)).max() > 1e-4:
        raise ValueError("the axes of the grid are not perpendicular, which those of DICOM's deformation grids are")
    undefined = np.isnan(vectors)
    if not np.array_equal(undefined.any(axis=3), undefined.all(axis=3)):
        raise ValueError("where a displacement is not defined, all three of its components have to be NaN")
    if np.abs(vectors[~undefined]).max(initial=0.0) > np.finfo(np.float32).max:
        raise ValueError("a displacement is infinite or too large for float32")


def grid_item(field: DisplacementField) -> Dataset:
    """Return an item of the Deformable Registration Grid Sequence (0064,0005).

    Vectors are rounded to float32: by at most 1e-5 mm for displacements below 256 mm. As the third axis of DICOM's
    grids is the cross product of the first two, a grid that runs the other way is written from its other end.
    """
    affine, vectors = np.array(field.affine, dtype=np.float64), field.vectors
    if np.linalg.det(affine[:3, :3]) < 0:
        affine[:3, 3] += (vectors.shape[0] - 1) * affine[:3, 2]
        affine[:3, 2] = -affine[:3, 2]
        vectors = vectors[::-1]
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    axes = affine[:3, :3] / spacing
    item = Dataset()
    item.ImagePositionPatient = decimals(affine[:3, 3].tolist())
    item.ImageOrientationPatient = decimals(axes[:, :2].T.ravel().tolist())
    item.GridDimensions = [int(count) for count in vectors.shape[2::-1]]
    item.GridResolution = spacing.tolist()
    item.VectorGridData = np.ascontiguousarray(vectors, dtype="<f4").tobytes()
    return item
