"""Many shapes of one kind → an item of the Annotation Group Sequence (PS3.3 C.37.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code

from operators.measure.units import is_unit
from operators.provenance import Analysis
from operators.write.base.codes import code_sequence
from operators.write.base.equipment import algorithm_identification
from operators.write.base.texts import require_text


class Shape(str, Enum):
    """What the points of one annotation are (Graphic Type (0070,0023), C.37.1.2)."""

    POINT = "POINT"
    POLYLINE = "POLYLINE"
    """An open line of at least 2 points."""
    POLYGON = "POLYGON"
    """At least 3 points; the first is not repeated."""
    ELLIPSE = "ELLIPSE"
    """The ends of the major axis, then those of the minor axis."""
    RECTANGLE = "RECTANGLE"
    """Top left, top right, bottom right and bottom left corner; the sides need not be along rows and columns."""


_POINTS = {Shape.POINT: 1, Shape.ELLIPSE: 4, Shape.RECTANGLE: 4}
_LEAST = {Shape.POLYLINE: 2, Shape.POLYGON: 3}


@dataclass(frozen=True, eq=False)
class GroupMeasurement:
    """One quantity of each annotation of a group: ``values`` in ``unit`` (UCUM), NaN where it was not measured."""

    name: Code
    unit: Code
    values: NDArray[np.floating]


@dataclass(frozen=True, eq=False)
class AnnotationGroup:
    """Annotations of one kind, e.g. all nuclei that are called tumour cells.

    ``points`` holds the points of all annotations one after the other: (point, 2) of (column, row) in pixels of the
    total pixel matrix, the corner of its first pixel is (0, 0), or (point, 3) of the frame of reference in mm.
    ``lengths`` tells how many belong to each polyline or polygon; the other shapes have as many as they need.
    ``category`` and ``type`` say what is annotated; ``optical_paths`` are the identifiers of those for which the
    annotations hold, none for all. ``colour`` is sRGB of 0 to 255.
    """

    label: str
    category: Code
    type: Code
    shape: Shape
    points: NDArray[np.floating]
    lengths: NDArray[np.integer] | None = None
    measurements: Sequence[GroupMeasurement] = field(default=())
    description: str = ""
    colour: tuple[int, int, int] | None = None
    optical_paths: tuple[str, ...] = ()

    @property
    def counts(self) -> NDArray[np.int64]:
        """How many points each annotation has."""
        if self.lengths is not None:
            return np.asarray(self.lengths, dtype=np.int64)
        each = _POINTS.get(self.shape, 1)
        return np.full(len(self.points) // each, each, dtype=np.int64)


def joined(shapes: Sequence[NDArray[np.floating]]) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    """Return the points of shapes, each (point, 2) or (point, 3), as :class:`AnnotationGroup` takes them."""
    return np.concatenate(shapes), np.array([len(shape) for shape in shapes], dtype=np.int64)


def check_group(group: AnnotationGroup, dimensions: int) -> None:
    """Raise :class:`ValueError` for a group that cannot be written."""
    require_text("a group's label", group.label, "LO")
    require_text("a group's description", group.description, "UT", empty=True)
    points = group.points
    if points.ndim != 2 or points.shape[1] != dimensions or points.dtype.kind != "f":
        raise ValueError(
            f"{group.label}: points are (point, {dimensions}) of float, not {points.shape}, {points.dtype}"
        )
    if not len(points):
        raise ValueError(f"{group.label}: a group has at least one annotation")
    if not np.isfinite(points).all():
        raise ValueError(f"{group.label}: a point is not finite")
    _check_counts(group)
    if group.colour is not None and not all(0 <= part <= 255 for part in group.colour):
        raise ValueError(f"{group.label}: the colour {group.colour} is not three numbers of 0 to 255")
    for path in group.optical_paths:
        require_text(f"{group.label}: an optical path's identifier", path, "SH")
    for measurement in group.measurements:
        _check_measurement(group, measurement)


def _check_counts(group: AnnotationGroup) -> None:
    counts = group.counts
    each, least = _POINTS.get(group.shape), _LEAST.get(group.shape)
    if (group.lengths is None) != (each is not None):
        raise ValueError(f"{group.label}: lengths are for polylines and polygons, and these need them")
    if counts.ndim != 1 or counts.sum() != len(group.points):
        raise ValueError(f"{group.label}: {len(group.points)} points are not those of {counts.size} annotations")
    if least is not None and counts.min() < least:
        raise ValueError(f"{group.label}: a {group.shape.value} has at least {least} points")
    if group.shape == Shape.POLYGON:
        first = np.cumsum(counts) - counts
        if (group.points[first] == group.points[first + counts - 1]).all(axis=1).any():
            raise ValueError(f"{group.label}: the last point of a POLYGON must not repeat the first")


def _check_measurement(group: AnnotationGroup, measurement: GroupMeasurement) -> None:
    values, what = measurement.values, f"{group.label}, {measurement.name.meaning}"
    if values.shape != group.counts.shape:
        raise ValueError(f"{what}: {values.shape} values for {len(group.counts)} annotations")
    if measurement.unit.scheme_designator != "UCUM" or not is_unit(measurement.unit.value):
        raise ValueError(f"{what}: {measurement.unit.value!r} is no unit of UCUM")
    if np.isinf(values).any() or np.isnan(values).all():
        raise ValueError(f"{what}: there is no value, or one that is not finite")
    if np.nanmax(np.abs(values)) > np.finfo(np.float32).max:
        raise ValueError(f"{what}: a value is too large for single precision")


def group_item(group: AnnotationGroup, number: int, uid: str, analysis: Analysis) -> Dataset:
    """Return the item of a group that was checked."""
    item = Dataset()
    item.AnnotationGroupNumber = number
    item.AnnotationGroupUID = uid
    item.AnnotationGroupLabel = group.label
    if group.description:
        item.AnnotationGroupDescription = group.description
    item.AnnotationGroupGenerationType = "AUTOMATIC"
    item.AnnotationGroupAlgorithmIdentificationSequence = DicomSequence([algorithm_identification(analysis)])
    item.AnnotationPropertyCategoryCodeSequence = code_sequence(group.category)
    item.AnnotationPropertyTypeCodeSequence = code_sequence(group.type)
    item.NumberOfAnnotations = len(group.counts)
    item.AnnotationAppliesToAllOpticalPaths = "NO" if group.optical_paths else "YES"
    if group.optical_paths:
        item.ReferencedOpticalPathIdentifier = list(group.optical_paths)
    item.GraphicType = group.shape.value
    _write_points(group, item)
    if group.colour is not None:
        item.RecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*group.colour).value)
    if group.measurements:
        item.MeasurementsSequence = DicomSequence([_measurement(measurement) for measurement in group.measurements])
    return item


def _write_points(group: AnnotationGroup, item: Dataset) -> None:
    """Write coordinates in single precision where that holds them exactly, else in double; a common height once."""
    points = group.points
    if points.shape[1] == 3:
        item.AnnotationAppliesToAllZPlanes = "NO"
        if (points[:, 2] == points[0, 2]).all():
            item.CommonZCoordinateValue = float(points[0, 2])
            points = points[:, :2]
    single = points.astype("<f4")
    if np.array_equal(single, points):
        item.PointCoordinatesData = single.tobytes()
    else:
        item.DoublePointCoordinatesData = points.astype("<f8").tobytes()
    if group.lengths is not None:
        # Where each annotation's first value stands, from 1.
        first = (np.cumsum(group.counts) - group.counts) * points.shape[1] + 1
        item.LongPrimitivePointIndexList = first.astype("<u4").tobytes()


def _measurement(measurement: GroupMeasurement) -> Dataset:
    item = Dataset()
    item.ConceptNameCodeSequence = code_sequence(measurement.name)
    item.MeasurementUnitsCodeSequence = code_sequence(measurement.unit)
    measured = ~np.isnan(measurement.values)
    values = Dataset()
    values.FloatingPointValues = measurement.values[measured].astype("<f4").tobytes()
    if not measured.all():
        values.AnnotationIndexList = (np.flatnonzero(measured) + 1).astype("<u4").tobytes()
    item.MeasurementValuesSequence = DicomSequence([values])
    return item
