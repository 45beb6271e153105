"""Where the slices of a series lie in the patient: their order, affine and completeness, or a refusal by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.geometry.planes import Planes, Vector, parallel_planes
from operators.read.geometry.slices import slices_of
from operators.read.geometry.spacing import DUPLICATE_DISTANCE_MM, expected_spacing, gap_tolerance, missing_in_gaps
from operators.read.study import Series
from operators.refused import Reason, Refused


@dataclass(frozen=True, eq=False)
class SliceGeometry:
    """The geometry of a complete stack of parallel slices.

    ``order`` holds the indices of the given headers in the direction of the slice axis, which is the cross product of
    row and column direction; ``affine`` (4, 4, float64) maps (column, row, slice, 1) to LPS mm (PS3.3 equation
    C.7.6.2.1-1); ``shape`` is (slices, rows, columns); ``gaps`` are the distances of neighbours along the axis in mm.
    """

    order: tuple[int, ...]
    affine: NDArray[np.float64]
    shape: tuple[int, int, int]
    frame_of_reference_uid: str
    gaps: Vector

    @property
    def normal(self) -> Vector:
        """Unit vector along the slice axis: the cross product of row and column direction."""
        normal = np.cross(self.affine[:3, 0], self.affine[:3, 1])
        return normal / np.linalg.norm(normal)


def slice_geometry(headers: Sequence[Dataset]) -> SliceGeometry:
    """Return the geometry of a stack of slices from their headers, given in any order.

    The affine is exact: directions and spacing are those of the headers' text, the origin is the first slice's
    position and the slice vector is (last - first) / (n - 1), so that a sheared stack stays sheared.

    Raises :class:`Refused` with ``TOO_FEW_SLICES`` (below 2), ``MISSING_GEOMETRY``, ``MIXED_FRAME_OF_REFERENCE``,
    ``MIXED_MATRIX``, ``MIXED_ORIENTATION``, ``DUPLICATE_POSITION``, ``MISSING_SLICE`` or ``UNEVEN_SPACING``.
    """
    return stack_geometry(parallel_planes(headers))


def stack_geometry(planes: Planes) -> SliceGeometry:
    """Return the geometry of a stack of parallel planes; raises :class:`Refused` like :func:`slice_geometry`."""
    if len(planes) < 2:
        raise Refused(Reason.TOO_FEW_SLICES, f"a volume needs at least 2 slices, there is {len(planes)}")
    order, gaps = along_normal(planes)
    ordered = planes.take(order)
    refuse_duplicates(ordered, gaps)
    _refuse_irregular_gaps(ordered, gaps)
    step = (ordered.positions[-1] - ordered.positions[0]) / (len(ordered) - 1)
    _refuse_bent_stack(ordered, step)
    row_spacing, column_spacing = ordered.spacings[0]
    affine = np.eye(4)
    affine[:3, 0] = ordered.orientations[0, :3] * column_spacing
    affine[:3, 1] = ordered.orientations[0, 3:] * row_spacing
    affine[:3, 2] = step
    affine[:3, 3] = ordered.positions[0]
    return SliceGeometry(
        order=tuple(order.tolist()),
        affine=affine + 0.0,  # a header's "-0" would stay a negative zero
        shape=(len(ordered), *ordered.matrix),
        frame_of_reference_uid=ordered.frame_of_reference_uid,
        gaps=gaps,
    )


def missing_slices(series: Series) -> int | None:
    """Return how many slices are missing between those that are there; None if the geometry does not tell.

    From the headers alone. Several slices at one position count once, so a dynamic or diffusion series has an answer
    too. Slices missing at the ends, or every second slice of the whole stack, leave no trace in the positions.
    """
    spacing_and_gaps = _spacing_and_gaps(series)
    if spacing_and_gaps is None:
        return None
    spacing, gaps = spacing_and_gaps
    return missing_in_gaps(gaps, spacing)


def slice_spacing(series: Series) -> float | None:
    """Return the distance between neighbouring slices in mm; None if the geometry does not tell.

    From the headers alone, for a series of any kind; missing slices do not widen it.
    """
    spacing_and_gaps = _spacing_and_gaps(series)
    return None if spacing_and_gaps is None else spacing_and_gaps[0]


def _spacing_and_gaps(series: Series) -> tuple[float, Vector] | None:
    try:
        _, gaps = along_normal(parallel_planes([item.header for item in slices_of(series)]))
    # Here the question is what the geometry tells, and the answer that it tells nothing is a valid one.
    except Refused:
        return None
    gaps = gaps[gaps >= DUPLICATE_DISTANCE_MM]
    return (expected_spacing(gaps), gaps) if len(gaps) else None


def along_normal(planes: Planes) -> tuple[NDArray[np.intp], Vector]:
    """Return the order of the planes along the slice axis, and the distances of neighbours in mm."""
    normal = np.cross(planes.orientations[0, :3], planes.orientations[0, 3:])
    distances = planes.positions @ (normal / np.linalg.norm(normal))
    order = np.argsort(distances, kind="stable")
    return order, np.diff(distances[order])


def refuse_duplicates(ordered: Planes, gaps: Vector) -> None:
    """Raise :class:`Refused` with ``DUPLICATE_POSITION`` if planes in the order of the slice axis lie in one place."""
    at = np.flatnonzero(gaps < DUPLICATE_DISTANCE_MM)
    if len(at):
        raise Refused(
            Reason.DUPLICATE_POSITION,
            f"{len(at)} of {len(ordered)} slices lie where another one does, e.g. {ordered.name(at[0])} and "
            f"{ordered.name(at[0] + 1)} at {_point(ordered.positions[at[0]])}",
        )


def _refuse_irregular_gaps(ordered: Planes, gaps: Vector) -> None:
    spacing = expected_spacing(gaps)
    missing = missing_in_gaps(gaps, spacing)
    if missing is None:
        worst = int(np.abs(gaps - spacing).argmax())
        raise Refused(
            Reason.UNEVEN_SPACING,
            f"distances of neighbouring slices run from {gaps.min():.3f} to {gaps.max():.3f} mm, expected "
            f"{spacing:.3f} mm; the largest deviation is {gaps[worst] - spacing:+.3f} mm after {ordered.name(worst)}",
        )
    if missing:
        after = np.flatnonzero(np.round(gaps / spacing) > 1)
        raise Refused(
            Reason.MISSING_SLICE,
            f"{missing} of {len(ordered) + missing} slices are missing: neighbours should be {spacing:.3f} mm apart "
            f"and are up to {gaps.max():.3f} mm apart, after {ordered.names(after)}",
        )


def _refuse_bent_stack(ordered: Planes, step: Vector) -> None:
    """Small gaps' errors that add up, and slices shifted within their plane, would make the affine untrue."""
    positions = ordered.positions
    deviation = np.linalg.norm(positions - (positions[0] + np.arange(len(ordered))[:, None] * step), axis=1)
    spacing = float(np.linalg.norm(step))
    worst = int(deviation.argmax())
    if deviation[worst] > gap_tolerance(spacing, spacing):
        raise Refused(
            Reason.UNEVEN_SPACING,
            f"{ordered.name(worst)} lies {deviation[worst]:.3f} mm beside its place on the line from "
            f"{_point(positions[0])} to {_point(positions[-1])} with steps of {spacing:.3f} mm",
        )


def _point(position: Vector) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in position) + ") mm"
