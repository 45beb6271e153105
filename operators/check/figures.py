"""The quantities and units that gates report (PS3.16 where it has a code, UCUM units)."""

from __future__ import annotations

from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.measurement import Measurement
from operators.refused import CODING_SCHEME

_MILLIMETRE = codes.UCUM.Millimeter
_DEGREE = Code("deg", "UCUM", "degree")
_PERCENT = Code("%", "UCUM", "percent")
_NO_UNITS = Code("1", "UCUM", "no units")
_SLICES = Code("{slice}", "UCUM", "slices")

SLICE_COUNT = Code("number-of-slices", CODING_SCHEME, "Number of slices")
SLICE_SPACING = Code("112226", "DCM", "Spacing between slices")
GAP_DEVIATION = Code("largest-gap-deviation", CODING_SCHEME, "Largest deviation of slice spacing")
SHEAR = Code("shear", CODING_SCHEME, "Angle of slice axis and slice normal")
SLICE_THICKNESS = Code("112225", "DCM", "Slice Thickness")
SLICE_GAP = Code("slice-gap", CODING_SCHEME, "Spacing between slices minus thickness")
MINIMUM = Code("minimum-value", CODING_SCHEME, "Smallest value")
MAXIMUM = Code("maximum-value", CODING_SCHEME, "Largest value")
BLANK_SLICES = Code("blank-slices", CODING_SCHEME, "Slices of one value")
SHARE_AT_MAXIMUM = Code("share-at-maximum", CODING_SCHEME, "Voxels at largest value")
SHARE_AT_MINIMUM = Code("share-at-minimum", CODING_SCHEME, "Voxels at smallest value")
NOISE = Code("noise", CODING_SCHEME, "Noise (standard deviation)")
SIGNAL_TO_NOISE = Code("111787", "DCM", "Signal to Noise Ratio")
GHOSTING = Code("ghosting", CODING_SCHEME, "Ghosting by signal")
EXTENT_LEFT_RIGHT = Code("extent-left-right", CODING_SCHEME, "Field of view, left to right")
EXTENT_ANTERIOR_POSTERIOR = Code("extent-anterior-posterior", CODING_SCHEME, "Field of view, anterior to posterior")
EXTENT_HEAD_FEET = Code("extent-head-feet", CODING_SCHEME, "Field of view, head to feet")
DISTANCE = Code("domain-distance", CODING_SCHEME, "Distance from reference data")
DISTANCE_LIMIT = Code("domain-distance-limit", CODING_SCHEME, "Largest distance accepted")
LOWEST_SCORE = Code("lowest-score", CODING_SCHEME, "Lowest score of a frame")
HIGHEST_SCORE = Code("highest-score", CODING_SCHEME, "Highest score of a frame")
SCORE_THRESHOLD = Code("score-threshold", CODING_SCHEME, "Lowest score accepted")
SHARE_ACCEPTED = Code("share-accepted", CODING_SCHEME, "Frames accepted")
TARGET_ACCEPTED = Code("target-accepted", CODING_SCHEME, "Frames like the reference data that are accepted")


def millimetres(name: Code, value: float) -> Measurement:
    """Return a length in mm, to the micrometre."""
    return Measurement(name, round(float(value), 3), _MILLIMETRE)


def degrees(name: Code, value: float) -> Measurement:
    """Return an angle in degrees, to a thousandth."""
    return Measurement(name, round(float(value), 3), _DEGREE)


def percent(name: Code, share: float) -> Measurement:
    """Return a share (0 to 1) in percent, to six digits."""
    return Measurement(name, float(f"{100 * share:.6g}"), _PERCENT)


def plain(name: Code, value: float) -> Measurement:
    """Return a number without a unit of its own, such as a voxel's value, to six digits."""
    return Measurement(name, float(f"{value:.6g}"), _NO_UNITS)


def slices(name: Code, count: int) -> Measurement:
    """Return a number of slices."""
    return Measurement(name, count, _SLICES)
