"""Where in an image or in the patient something was measured, as plain data (PS3.3 sections C.18.6 and C.18.9)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from pydicom.dataset import Dataset

ImageGraphic = Literal["POINT", "MULTIPOINT", "POLYLINE", "CIRCLE", "ELLIPSE"]
PatientGraphic = Literal["POINT", "MULTIPOINT", "POLYLINE", "POLYGON", "ELLIPSE", "ELLIPSOID"]

_EXACT_POINTS = {"POINT": 1, "CIRCLE": 2, "ELLIPSE": 4, "ELLIPSOID": 6}
_LEAST_POINTS = {"MULTIPOINT": 1, "POLYLINE": 2, "POLYGON": 4}


@dataclass(frozen=True, eq=False)
class ImageRegion:
    """A graphic on one image or one frame of it.

    ``header`` is the image's header, received or written here. ``points`` are (column, row) in pixels: 0, 0 is the
    outer corner of the first pixel, 0.5, 0.5 its centre. A POLYLINE is closed if its last point is its first; a CIRCLE
    is centre and a point on it; an ELLIPSE has the ends of its major axis, then those of its minor axis. ``frame``
    (from 1) is that of a multi-frame image.
    """

    header: Dataset
    graphic: ImageGraphic
    points: tuple[tuple[float, float], ...]
    frame: int | None = None

    def __post_init__(self) -> None:
        _check_points(self.graphic, self.points, 2)
        rows, columns = self.header.get("Rows"), self.header.get("Columns")
        if rows is None or columns is None:
            raise ValueError(f"{self.header.get('SOPInstanceUID')} is no image: nothing can be outlined on it")
        if any(not (0 <= column <= columns and 0 <= row <= rows) for column, row in self.points):
            raise ValueError(f"a point of the {self.graphic} is outside the image of {rows} rows x {columns} columns")
        check_frames(self.header, () if self.frame is None else (self.frame,))
        if self.frame is None and int(self.header.get("NumberOfFrames") or 1) > 1:
            raise ValueError(f"{self.header.SOPInstanceUID} has several frames: the graphic must name the one it is on")


@dataclass(frozen=True, eq=False)
class PatientRegion:
    """A graphic in the patient: ``points`` are LPS coordinates in mm in the frame of reference.

    A POLYGON is closed: its last point is its first; an ELLIPSOID has the ends of its three axes.
    """

    frame_of_reference_uid: str
    graphic: PatientGraphic
    points: tuple[tuple[float, float, float], ...]

    def __post_init__(self) -> None:
        _check_points(self.graphic, self.points, 3)
        if not self.frame_of_reference_uid:
            raise ValueError("coordinates in the patient need a frame of reference")
        if self.graphic == "POLYGON" and self.points[0] != self.points[-1]:
            raise ValueError("a POLYGON must end where it begins (PS3.3 C.18.9.1.2)")


def check_frames(header: Dataset, frames: tuple[int, ...]) -> None:
    """Raise :class:`ValueError` for a frame number (from 1) that an instance does not have."""
    count = int(header.get("NumberOfFrames") or 1)
    for frame in frames:
        if not 1 <= frame <= count:
            raise ValueError(f"{header.SOPInstanceUID} has {count} frames, named is frame {frame}")


def _check_points(graphic: str, points: tuple[tuple[float, ...], ...], dimensions: int) -> None:
    exact, least = _EXACT_POINTS.get(graphic), _LEAST_POINTS.get(graphic)
    if exact is None and least is None:
        raise ValueError(f"{graphic!r} is no graphic type (PS3.3 C.18.6.1.2, C.18.9.1.2)")
    if any(len(point) != dimensions or not all(math.isfinite(value) for value in point) for point in points):
        raise ValueError(f"every point of a {graphic} needs {dimensions} finite coordinates")
    if exact is not None and len(points) != exact:
        raise ValueError(f"a {graphic} has {exact} points, not {len(points)}")
    if least is not None and len(points) < least:
        raise ValueError(f"a {graphic} has at least {least} points, not {len(points)}")
