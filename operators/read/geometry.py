"""Where the slices of a series lie in the patient: their order, affine and completeness, or a refusal by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, text
from operators.read.spacing import DUPLICATE_DISTANCE_MM, expected_spacing, gap_tolerance, missing_in_gaps
from operators.read.study import Series, instance_name
from operators.refused import Reason, Refused

Vector = NDArray[np.float64]

DIRECTION_TOLERANCE = 1e-4
"""Largest difference of one direction cosine in a series: 0.05 mm at the rim of a 512 mm field of view."""

SPACING_TOLERANCE = 1e-4
"""Largest relative difference of Pixel Spacing in a series."""

# Direction cosines are often written with four decimals only.
_UNIT_TOLERANCE = 1e-3


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


@dataclass(frozen=True, eq=False)
class _Plane:
    """One slice as its header places it (PS3.3 section C.7.6.2)."""

    name: str
    position: Vector
    row_direction: Vector
    column_direction: Vector
    row_spacing: float
    column_spacing: float
    rows: int
    columns: int
    frame_of_reference_uid: str


def slice_geometry(headers: Sequence[Dataset]) -> SliceGeometry:
    """Return the geometry of a stack of slices from their headers, given in any order.

    The affine is exact: directions and spacing are those of the headers' text, the origin is the first slice's
    position and the slice vector is (last - first) / (n - 1), so that a sheared stack stays sheared.

    Raises :class:`Refused` with ``TOO_FEW_SLICES`` (below 2), ``MISSING_GEOMETRY``, ``MIXED_FRAME_OF_REFERENCE``,
    ``MIXED_MATRIX``, ``MIXED_ORIENTATION``, ``DUPLICATE_POSITION``, ``MISSING_SLICE`` or ``UNEVEN_SPACING``.
    """
    planes = _parallel_planes(headers)
    order, gaps = _along_normal(planes)
    ordered = [planes[index] for index in order]
    _refuse_duplicates(ordered, gaps)
    _refuse_irregular_gaps(ordered, gaps)
    first, last = ordered[0], ordered[-1]
    step = (last.position - first.position) / (len(ordered) - 1)
    _refuse_bent_stack(ordered, step)
    affine = np.eye(4)
    affine[:3, 0] = first.row_direction * first.column_spacing
    affine[:3, 1] = first.column_direction * first.row_spacing
    affine[:3, 2] = step
    affine[:3, 3] = first.position
    return SliceGeometry(
        order=order,
        affine=affine + 0.0,  # a header's "-0" would stay a negative zero
        shape=(len(ordered), first.rows, first.columns),
        frame_of_reference_uid=first.frame_of_reference_uid,
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
        _, gaps = _along_normal(_parallel_planes([instance.header for instance in series.instances]))
    # Here the question is what the geometry tells, and the answer that it tells nothing is a valid one.
    except Refused:
        return None
    gaps = gaps[gaps >= DUPLICATE_DISTANCE_MM]
    return (expected_spacing(gaps), gaps) if len(gaps) else None


def _parallel_planes(headers: Sequence[Dataset]) -> list[_Plane]:
    if len(headers) < 2:
        raise Refused(Reason.TOO_FEW_SLICES, f"a volume needs at least 2 slices, the series has {len(headers)}")
    planes = [_plane(header) for header in headers]
    _refuse_mixed(planes, Reason.MIXED_FRAME_OF_REFERENCE, lambda plane: plane.frame_of_reference_uid)
    _refuse_mixed(planes, Reason.MIXED_MATRIX, lambda plane: f"{plane.rows} x {plane.columns}")
    _refuse_deviating(
        planes,
        Reason.MIXED_MATRIX,
        "Pixel Spacing",
        lambda plane: np.log([plane.row_spacing, plane.column_spacing]),
        SPACING_TOLERANCE,
    )
    _refuse_deviating(
        planes,
        Reason.MIXED_ORIENTATION,
        "Image Orientation (Patient)",
        lambda plane: np.concatenate([plane.row_direction, plane.column_direction]),
        DIRECTION_TOLERANCE,
    )
    return planes


def _plane(header: Dataset) -> _Plane:
    name = instance_name(header)
    try:
        position = numbers(header, "ImagePositionPatient", count=3)
        orientation = numbers(header, "ImageOrientationPatient", count=6)
        spacing = numbers(header, "PixelSpacing", count=2)
        rows, columns = integer(header, "Rows"), integer(header, "Columns")
        frame_of_reference_uid = text(header, "FrameOfReferenceUID")
    except MalformedAttributeError as error:
        raise Refused(Reason.MISSING_GEOMETRY, f"{name}: {error}") from error
    found = {
        "Image Position (Patient)": position,
        "Image Orientation (Patient)": orientation,
        "Pixel Spacing": spacing,
        "Rows": rows,
        "Columns": columns,
        "Frame of Reference UID": frame_of_reference_uid,
    }
    if not (position and orientation and spacing and rows and columns and frame_of_reference_uid):
        raise Refused(
            Reason.MISSING_GEOMETRY, f"{name} has no {', '.join(key for key, value in found.items() if not value)}"
        )
    directions = np.array(orientation).reshape(2, 3)
    if not np.allclose(directions @ directions.T, np.eye(2), atol=_UNIT_TOLERANCE):
        raise Refused(
            Reason.MISSING_GEOMETRY,
            f"{name}: Image Orientation (Patient) {orientation} is not two orthogonal unit vectors",
        )
    if min(spacing) <= 0:
        raise Refused(Reason.MISSING_GEOMETRY, f"{name}: Pixel Spacing {spacing} is not positive")
    return _Plane(
        name=name,
        position=np.array(position),
        row_direction=directions[0],
        column_direction=directions[1],
        row_spacing=spacing[0],
        column_spacing=spacing[1],
        rows=rows,
        columns=columns,
        frame_of_reference_uid=frame_of_reference_uid,
    )


def _refuse_mixed(planes: Sequence[_Plane], reason: Reason, value: Callable[[_Plane], str]) -> None:
    counts = Counter(value(plane) for plane in planes)
    if len(counts) > 1:
        usual = counts.most_common(1)[0][0]
        raise Refused(
            reason,
            "; ".join(f"{count} slices have {found}" for found, count in counts.most_common())
            + f": {_list([plane for plane in planes if value(plane) != usual])}",
        )


def _refuse_deviating(
    planes: Sequence[_Plane], reason: Reason, noun: str, value: Callable[[_Plane], Vector], tolerance: float
) -> None:
    found = np.array([value(plane) for plane in planes])
    # The median is the usual value as long as fewer than half of the slices are strangers.
    deviating = np.abs(found - np.median(found, axis=0)).max(axis=1) > tolerance
    if deviating.any():
        strangers = [plane for plane, stranger in zip(planes, deviating, strict=True) if stranger]
        raise Refused(reason, f"{len(strangers)} of {len(planes)} slices differ in {noun}: {_list(strangers)}")


def _along_normal(planes: Sequence[_Plane]) -> tuple[tuple[int, ...], Vector]:
    """Order of the planes along the slice axis, and the distances of neighbours in mm."""
    normal = np.cross(planes[0].row_direction, planes[0].column_direction)
    distances = np.array([plane.position for plane in planes]) @ (normal / np.linalg.norm(normal))
    order = np.argsort(distances, kind="stable")
    return tuple(order.tolist()), np.diff(distances[order])


def _refuse_duplicates(ordered: Sequence[_Plane], gaps: Vector) -> None:
    at = np.flatnonzero(gaps < DUPLICATE_DISTANCE_MM)
    if len(at):
        one, other = ordered[at[0]], ordered[at[0] + 1]
        raise Refused(
            Reason.DUPLICATE_POSITION,
            f"{len(at)} of {len(ordered)} slices lie where another one does, e.g. {one.name} and {other.name} "
            f"at {_point(one.position)}",
        )


def _refuse_irregular_gaps(ordered: Sequence[_Plane], gaps: Vector) -> None:
    spacing = expected_spacing(gaps)
    missing = missing_in_gaps(gaps, spacing)
    if missing is None:
        worst = int(np.abs(gaps - spacing).argmax())
        raise Refused(
            Reason.UNEVEN_SPACING,
            f"distances of neighbouring slices run from {gaps.min():.3f} to {gaps.max():.3f} mm, expected "
            f"{spacing:.3f} mm; the largest deviation is {gaps[worst]:.3f} mm after {ordered[worst].name}",
        )
    if missing:
        after = [ordered[index] for index in np.flatnonzero(np.round(gaps / spacing) > 1).tolist()]
        raise Refused(
            Reason.MISSING_SLICE,
            f"{missing} of {len(ordered) + missing} slices are missing: neighbours should be {spacing:.3f} mm apart "
            f"and are up to {gaps.max():.3f} mm apart, after {_list(after)}",
        )


def _refuse_bent_stack(ordered: Sequence[_Plane], step: Vector) -> None:
    """Small gaps' errors that add up, and slices shifted within their plane, would make the affine untrue."""
    positions = np.array([plane.position for plane in ordered])
    deviation = np.linalg.norm(positions - (positions[0] + np.arange(len(ordered))[:, None] * step), axis=1)
    spacing = float(np.linalg.norm(step))
    worst = int(deviation.argmax())
    if deviation[worst] > gap_tolerance(spacing, spacing):
        raise Refused(
            Reason.UNEVEN_SPACING,
            f"{ordered[worst].name} lies {deviation[worst]:.3f} mm beside its place on the line from "
            f"{_point(ordered[0].position)} to {_point(ordered[-1].position)} mm with steps of {spacing:.3f} mm",
        )


def _point(position: Vector) -> str:
    return "(" + ", ".join(f"{value:.3f}" for value in position) + ") mm"


def _list(planes: Sequence[_Plane]) -> str:
    shown = ", ".join(plane.name for plane in planes[:5])
    return shown if len(planes) <= 5 else f"{shown} and {len(planes) - 5} more"
