"""Regions of ultrasound frames with their physical units (PS3.3 section C.8.5.5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, values

SPATIAL_FORMATS = ("none", "2D", "M-mode", "spectral", "waveform", "graphics")
"""Region Spatial Format (0018,6012), C.8.5.5.1.1."""

DATA_TYPES = (
    "none",
    "tissue",
    "color flow",
    "PW spectral Doppler",
    "CW spectral Doppler",
    "Doppler mean trace",
    "Doppler mode trace",
    "Doppler max trace",
    "volume trace",
    "volume derivative trace",
    "ECG trace",
    "pulse trace",
    "phonocardiogram trace",
    "gray bar",
    "color bar",
    "integrated backscatter",
    "area trace",
    "area derivative trace",
    "other physiological trace",
)
"""Region Data Type (0018,6014), C.8.5.5.1.2."""

UNITS = ("", "%", "dB", "cm", "s", "Hz", "dB/s", "cm/s", "cm2", "cm2/s", "cm3", "cm3/s", "deg")
"""Physical Units X and Y Direction (0018,6024), C.8.5.5.1.15; empty where there are none."""

UNKNOWN = "unknown"
"""A code that the standard does not know."""

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True)
class UltrasoundRegion:
    """A rectangle of the frame, both corners included, and what its pixels measure.

    One pixel to the right is ``delta_x`` of ``unit_x``, one pixel down ``delta_y`` of ``unit_y``. The pixel
    ``reference_pixel`` (x, y), counted from the rectangle's upper left corner, has the values ``reference_value``.
    """

    spatial_format: str
    data_type: str
    left: int
    top: int
    right: int
    bottom: int
    delta_x: float
    delta_y: float
    unit_x: str
    unit_y: str
    flags: int = 0
    reference_pixel: tuple[int, int] | None = None
    reference_value: tuple[float, float] | None = None

    @property
    def has_low_priority(self) -> bool:
        """Whether pixels that belong to another region too are that one's (bit 0 of the flags, C.8.5.5.1.3)."""
        return bool(self.flags & 1)

    @property
    def spacing_mm(self) -> tuple[float, float] | None:
        """Row and column spacing in mm of a two-dimensional image of the body; None where the axes are not lengths.

        Scanners that know no scale write deltas of 0.
        """
        if (
            self.spatial_format != "2D"
            or (self.unit_x, self.unit_y) != ("cm", "cm")
            or 0 in (self.delta_x, self.delta_y)
        ):
            return None
        return abs(self.delta_y) * 10.0, abs(self.delta_x) * 10.0

    def value_at(self, x: float, y: float) -> tuple[float, float] | None:
        """Return what a pixel of the frame (column ``x``, row ``y``) measures in both directions; None if not told."""
        if self.reference_pixel is None or self.reference_value is None:
            return None
        return (
            self.reference_value[0] + (x - self.left - self.reference_pixel[0]) * self.delta_x,
            self.reference_value[1] + (y - self.top - self.reference_pixel[1]) * self.delta_y,
        )


def ultrasound_regions(header: Dataset) -> tuple[UltrasoundRegion, ...]:
    """Return the regions of Sequence of Ultrasound Regions (0018,6011); empty if there are none.

    Raises :class:`MalformedAttributeError` when one has no place, format, units or deltas.
    """
    return tuple(_region(item) for item in values(header, "SequenceOfUltrasoundRegions"))


def _region(item: Dataset) -> UltrasoundRegion:
    left, top = _required(item, "RegionLocationMinX0"), _required(item, "RegionLocationMinY0")
    right, bottom = _required(item, "RegionLocationMaxX1"), _required(item, "RegionLocationMaxY1")
    if right < left or bottom < top:
        raise MalformedAttributeError(f"an ultrasound region reaches from {left}, {top} to {right}, {bottom}")
    units = [_required(item, f"PhysicalUnits{axis}Direction") for axis in "XY"]
    deltas = [numbers(item, f"PhysicalDelta{axis}", count=1) for axis in "XY"]
    if not all(deltas):
        raise MalformedAttributeError("an ultrasound region has no Physical Delta")
    return UltrasoundRegion(
        spatial_format=_name(SPATIAL_FORMATS, _required(item, "RegionSpatialFormat")),
        data_type=_name(DATA_TYPES, _required(item, "RegionDataType")),
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        delta_x=deltas[0][0],
        delta_y=deltas[1][0],
        unit_x=_name(UNITS, units[0]),
        unit_y=_name(UNITS, units[1]),
        flags=integer(item, "RegionFlags") or 0,
        reference_pixel=_pair(integer(item, "ReferencePixelX0"), integer(item, "ReferencePixelY0")),
        reference_value=_pair(
            _number(item, "ReferencePixelPhysicalValueX"), _number(item, "ReferencePixelPhysicalValueY")
        ),
    )


def _required(item: Dataset, keyword: str) -> int:
    found = integer(item, keyword)
    if found is None or found < 0:
        raise MalformedAttributeError(f"an ultrasound region has the {keyword} {found}")
    return found


def _name(names: tuple[str, ...], code: int) -> str:
    return names[code] if code < len(names) else UNKNOWN


def _number(item: Dataset, keyword: str) -> float | None:
    found = numbers(item, keyword, count=1)
    return found[0] if found else None


def _pair(x: _Number | None, y: _Number | None) -> tuple[_Number, _Number] | None:
    return None if x is None or y is None else (x, y)
