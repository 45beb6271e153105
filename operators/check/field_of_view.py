"""Gate on the field of view: does the volume reach as far as the app needs?"""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.check.figures import EXTENT_ANTERIOR_POSTERIOR, EXTENT_HEAD_FEET, EXTENT_LEFT_RIGHT, millimetres
from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME, Reason

FIELD_OF_VIEW_GATE = Code("field-of-view-gate", CODING_SCHEME, "Field of view")

_AXES = (EXTENT_LEFT_RIGHT, EXTENT_ANTERIOR_POSTERIOR, EXTENT_HEAD_FEET)


def sides_mm(volume: Volume) -> tuple[float, float, float]:
    """Return the lengths of the volume's sides (slice, row, column axis) in mm, from outer edge to outer edge."""
    column, row, slice_ = (
        float(length) * count
        for length, count in zip(np.linalg.norm(volume.affine[:3, :3], axis=0), volume.array.shape[::-1], strict=True)
    )
    return slice_, row, column


def patient_extents_mm(volume: Volume) -> tuple[float, float, float]:
    """Return the lengths of the volume's sides in mm: left-right, anterior-posterior, head-feet.

    Each side counts for the patient axis that it is closest to, one side for each axis.
    """
    sides: NDArray[np.float64] = np.array(sides_mm(volume)[::-1])
    cosines = np.abs(volume.affine[:3, :3] / np.linalg.norm(volume.affine[:3, :3], axis=0))
    # order[axis] is the side (column, row, slice) that runs along that patient axis.
    order = max(permutations(range(3)), key=lambda order: sum(cosines[axis, side] for axis, side in enumerate(order)))
    left_right, anterior_posterior, head_feet = (float(sides[side]) for side in order)
    return left_right, anterior_posterior, head_feet


def field_of_view_gate(volume: Volume, minimum_mm: float | tuple[float, float, float]) -> GateResult:
    """Judge whether the volume's sides are at least ``minimum_mm`` long.

    A single number counts for every side, three for left-right, anterior-posterior and head-feet. Not passed
    (``IMAGE_QUALITY``) when a side is shorter.
    """
    extents = patient_extents_mm(volume)
    figures = tuple(millimetres(name, extent) for name, extent in zip(_AXES, extents, strict=True))
    if isinstance(minimum_mm, tuple):
        found, needed, wanted = extents, minimum_mm, f"must be at least {_shown(minimum_mm)} mm"
        order = " (left-right x anterior-posterior x head-feet)"
    else:
        found, needed = sides_mm(volume), (minimum_mm,) * 3
        order, wanted = "", f"every side must be at least {minimum_mm:.0f} mm"
    detail = f"the field of view is {_shown(found)} mm{order}"
    if any(extent < minimum for extent, minimum in zip(found, needed, strict=True)):
        return gate_failed(FIELD_OF_VIEW_GATE, Reason.IMAGE_QUALITY, f"{detail}, {wanted}", figures)
    return gate_passed(FIELD_OF_VIEW_GATE, detail, figures)


def _shown(extents: tuple[float, float, float]) -> str:
    return " x ".join(f"{extent:.0f}" for extent in extents)
