"""How a volume's slices lie, in words."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

_PLANES = ("sagittal", "coronal", "axial")

_STRAIGHT_DEGREES = 1.0


def orientation(affine: NDArray[np.float64]) -> str:
    """Return the plane of the slices: ``axial``, or ``axial, oblique by 12°`` where their normal leans.

    ``affine`` (4, 4) maps (column, row, slice, 1) to LPS mm.
    """
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    cosines = np.abs(normal) / np.linalg.norm(normal)
    axis = int(cosines.argmax())
    degrees = math.degrees(math.acos(min(1.0, float(cosines[axis]))))
    return _PLANES[axis] if degrees < _STRAIGHT_DEGREES else f"{_PLANES[axis]}, oblique by {degrees:.0f}°"
