"""The one way to say that an input must not be analysed."""

from __future__ import annotations

from enum import Enum

from pydicom.sr.coding import Code

CODING_SCHEME = "99GANTRY"
"""Private coding scheme designator (PS3.16 section 8.2: private designators begin with "99")."""


class Reason(str, Enum):
    """Why an input was not analysed; the value is the code value in the coding scheme 99GANTRY."""

    NO_READABLE_INSTANCE = "no-readable-instance"
    CONFLICTING_INSTANCES = "conflicting-instances"
    SEVERAL_STUDIES = "several-studies"
    SEVERAL_PATIENTS = "several-patients"
    NO_SUITABLE_SERIES = "no-suitable-series"
    MISSING_GEOMETRY = "missing-geometry"
    MIXED_ORIENTATION = "mixed-orientation"
    MIXED_MATRIX = "mixed-matrix"
    MIXED_FRAME_OF_REFERENCE = "mixed-frame-of-reference"
    DUPLICATE_POSITION = "duplicate-position"
    MISSING_SLICE = "missing-slice"
    UNEVEN_SPACING = "uneven-spacing"
    TOO_FEW_SLICES = "too-few-slices"
    SEVERAL_VOLUMES = "several-volumes"
    NO_SUCH_VOLUME = "no-such-volume"
    GANTRY_TILT = "gantry-tilt"
    SLICE_GAP = "slice-gap"
    SLICE_OVERLAP = "slice-overlap"
    MIXED_KERNEL = "mixed-kernel"
    MIXED_UNITS = "mixed-units"
    SUV_UNAVAILABLE = "suv-unavailable"
    TRUNCATED_PIXEL_DATA = "truncated-pixel-data"
    UNSUPPORTED_PIXEL_FORMAT = "unsupported-pixel-format"
    TRUNCATED_WAVEFORM_DATA = "truncated-waveform-data"
    UNSUPPORTED_WAVEFORM = "unsupported-waveform"
    MISSING_SENSITIVITY = "missing-sensitivity"
    IMAGE_QUALITY = "image-quality"
    SIGNAL_QUALITY = "signal-quality"
    DOMAIN_SHIFT = "domain-shift"

    @property
    def meaning(self) -> str:
        """The reason as a person reads it, at most 64 characters (LO)."""
        return _MEANINGS[self]

    @property
    def code(self) -> Code:
        """The reason as a coded concept for result objects."""
        return Code(self.value, CODING_SCHEME, self.meaning)


_MEANINGS = {
    Reason.NO_READABLE_INSTANCE: "No readable DICOM instance",
    Reason.CONFLICTING_INSTANCES: "Different instances with one SOP Instance UID",
    Reason.SEVERAL_STUDIES: "Instances of several studies",
    Reason.SEVERAL_PATIENTS: "Instances of several patients",
    Reason.NO_SUITABLE_SERIES: "No suitable series in the study",
    Reason.MISSING_GEOMETRY: "Position or orientation is absent",
    Reason.MIXED_ORIENTATION: "Slices are not parallel",
    Reason.MIXED_MATRIX: "Slices differ in matrix or pixel spacing",
    Reason.MIXED_FRAME_OF_REFERENCE: "Slices differ in frame of reference",
    Reason.DUPLICATE_POSITION: "Several slices at one position",
    Reason.MISSING_SLICE: "A slice is missing",
    Reason.UNEVEN_SPACING: "Slices are unevenly spaced",
    Reason.TOO_FEW_SLICES: "Too few slices",
    Reason.SEVERAL_VOLUMES: "Several volumes in one series",
    Reason.NO_SUCH_VOLUME: "The volume asked for is not in the series",
    Reason.GANTRY_TILT: "Slices are sheared by a gantry tilt",
    Reason.SLICE_GAP: "Gaps between slices are too large",
    Reason.SLICE_OVERLAP: "Slices overlap too much",
    Reason.MIXED_KERNEL: "Slices differ in convolution kernel",
    Reason.MIXED_UNITS: "Slices differ in the units of their values",
    Reason.SUV_UNAVAILABLE: "SUV cannot be computed from the header",
    Reason.TRUNCATED_PIXEL_DATA: "Pixel data is shorter than the header says",
    Reason.UNSUPPORTED_PIXEL_FORMAT: "Pixel format cannot be read",
    Reason.TRUNCATED_WAVEFORM_DATA: "Waveform data is shorter than the header says",
    Reason.UNSUPPORTED_WAVEFORM: "Waveform cannot be read",
    Reason.MISSING_SENSITIVITY: "A channel does not tell its units",
    Reason.IMAGE_QUALITY: "Image quality is too low",
    Reason.SIGNAL_QUALITY: "Signal quality is too low",
    Reason.DOMAIN_SHIFT: "Unlike the data that the app was made for",
}


class Refused(Exception):  # noqa: N818 - a verdict on the input, not an error of ours
    """The input must not be analysed: told to the user with its code, never retried.

    ``detail`` names the figures and the instances concerned, in one sentence.
    """

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.reason.meaning}: {self.detail}"
