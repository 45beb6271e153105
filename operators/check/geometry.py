"""Gate on how the slices of a series lie: the verdict of reading it as a volume, with its figures."""

from __future__ import annotations

import math

import numpy as np
from pydicom.sr.coding import Code

from operators.check.figures import (
    GAP_DEVIATION,
    SHEAR,
    SLICE_COUNT,
    SLICE_GAP,
    SLICE_SPACING,
    SLICE_THICKNESS,
    degrees,
    millimetres,
    slices,
)
from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.measure.measurement import Measurement
from operators.read.attributes import MalformedAttributeError, numbers
from operators.read.geometry.planes import Planes, parallel_planes
from operators.read.geometry.slice_geometry import along_normal
from operators.read.geometry.slices import Slice, slices_of
from operators.read.geometry.spacing import DUPLICATE_DISTANCE_MM, expected_spacing
from operators.read.study import Series
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME, Reason, Refused

GEOMETRY_GATE = Code("geometry-gate", CODING_SCHEME, "Slice geometry")
PIXEL_DATA_GATE = Code("pixel-data-gate", CODING_SCHEME, "Pixel data")

# What reading a volume refuses for other causes than where its slices lie.
_PIXEL_DATA = frozenset(
    {
        Reason.TRUNCATED_PIXEL_DATA,
        Reason.UNSUPPORTED_PIXEL_FORMAT,
        Reason.MIXED_UNITS,
        Reason.MIXED_KERNEL,
        Reason.SUV_UNAVAILABLE,
    }
)


def geometry_gate(series: Series, read: Volume | Refused) -> GateResult:
    """Judge the geometry of a series by what reading it came to: a volume, or the refusal.

    The reason is that of the rule which the slices break (:func:`operators.read.volume.read_volume` names them). A
    series whose pixels were refused gives the verdict of the pixel data in place of the geometry's. The figures are
    the number of slices, their spacing, its largest deviation, the shear, and Slice Thickness against the spacing;
    those that the headers do not tell are left out.
    """
    if isinstance(read, Refused):
        name = PIXEL_DATA_GATE if read.reason in _PIXEL_DATA else GEOMETRY_GATE
        return gate_failed(name, read.reason, read.detail, _figures_of_refused(series))
    figures = _figures(read.slices)
    spacing = next((figure.value for figure in figures if figure.name == SLICE_SPACING), 0.0)
    left_out = f", {len(read.left_out)} others left out" if read.left_out else ""
    return gate_passed(GEOMETRY_GATE, f"{len(read.slices)} slices {spacing:g} mm apart{left_out}", figures)


def _figures_of_refused(series: Series) -> tuple[Measurement, ...]:
    try:
        return _figures(slices_of(series))
    # Frames that cannot be told apart cannot be counted either.
    except Refused:
        return ()


def _figures(found: tuple[Slice, ...]) -> tuple[Measurement, ...]:
    count = slices(SLICE_COUNT, len(found))
    try:
        planes = parallel_planes([item.header for item in found])
    # Slices that are not parallel have no spacing.
    except Refused:
        return (count,)
    order, gaps = along_normal(planes)
    gaps = gaps[gaps >= DUPLICATE_DISTANCE_MM]
    if not len(gaps):
        return (count,)
    spacing = expected_spacing(gaps)
    return (
        count,
        millimetres(SLICE_SPACING, spacing),
        millimetres(GAP_DEVIATION, float(np.abs(gaps - spacing).max())),
        degrees(SHEAR, _shear(planes.take(order))),
        *_thickness(found, spacing),
    )


def _shear(ordered: Planes) -> float:
    """The angle in degrees of the line from the first to the last slice against the slices' normal."""
    step = ordered.positions[-1] - ordered.positions[0]
    normal = np.cross(ordered.orientations[0, :3], ordered.orientations[0, 3:])
    along = float(step @ normal / np.linalg.norm(normal))
    return math.degrees(math.atan2(math.sqrt(max(float(step @ step) - along**2, 0.0)), along))


def _thickness(found: tuple[Slice, ...], spacing: float) -> tuple[Measurement, ...]:
    """Slice Thickness, and the gap that it leaves to the next slice (an overlap is negative)."""
    try:
        thicknesses = {numbers(item.header, "SliceThickness", count=1) for item in found}
    except MalformedAttributeError:
        return ()
    if len(thicknesses) != 1 or not (thickness := thicknesses.pop()):
        return ()
    return millimetres(SLICE_THICKNESS, thickness[0]), millimetres(SLICE_GAP, spacing - thickness[0])
