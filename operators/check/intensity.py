"""Gates on the values of a volume: is anything in it, and was it clipped?"""

from __future__ import annotations

import numpy as np
from pydicom.sr.coding import Code

from operators.check.figures import (
    BLANK_SLICES,
    MAXIMUM,
    MINIMUM,
    SHARE_AT_MAXIMUM,
    SHARE_AT_MINIMUM,
    percent,
    plain,
    slices,
)
from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME, Reason

CONTENT_GATE = Code("content-gate", CODING_SCHEME, "Image content")
CLIPPING_GATE = Code("clipping-gate", CODING_SCHEME, "Clipping of image values")

MAXIMUM_SATURATED_SHARE = 0.01
"""An unclipped image has its largest value in a handful of voxels; a hundredth of all is a large part of an organ."""

MAXIMUM_BLANK_SHARE = 0.5
"""Scanners and reformatting leave single blank slices at the ends, never half of the volume."""


def content_gate(volume: Volume, *, maximum_blank_share: float = MAXIMUM_BLANK_SHARE) -> GateResult:
    """Judge whether the volume shows anything; a slice is blank when all its voxels are equal.

    Not passed (``IMAGE_QUALITY``) when every voxel has one value, a value is not finite, or more than
    ``maximum_blank_share`` of the slices are blank.
    """
    lowest, highest = volume.array.min(axis=(1, 2)), volume.array.max(axis=(1, 2))
    count, minimum, maximum = len(volume.array), float(lowest.min()), float(highest.max())
    if not (np.isfinite(minimum) and np.isfinite(maximum)):
        return gate_failed(CONTENT_GATE, Reason.IMAGE_QUALITY, "some voxels are not a number")
    blank = int(np.count_nonzero(lowest == highest))
    figures = (plain(MINIMUM, minimum), plain(MAXIMUM, maximum), slices(BLANK_SLICES, blank))
    if minimum == maximum:
        return gate_failed(CONTENT_GATE, Reason.IMAGE_QUALITY, f"every voxel is {minimum:g}", figures)
    if blank > maximum_blank_share * count:
        return gate_failed(CONTENT_GATE, Reason.IMAGE_QUALITY, f"{blank} of {count} slices are blank", figures)
    return gate_passed(
        CONTENT_GATE, f"values from {minimum:g} to {maximum:g}, {blank} of {count} slices are blank", figures
    )


def clipping_gate(
    volume: Volume,
    *,
    maximum_at_top: float = MAXIMUM_SATURATED_SHARE,
    maximum_at_bottom: float = 1.0,
) -> GateResult:
    """Judge the shares of voxels at the largest and at the smallest value of the volume, from 0 to 1.

    The background of an image is often one value, so only the top is limited unless ``maximum_at_bottom`` says
    otherwise. A volume of one value is left to :func:`content_gate`.
    """
    array = volume.array
    minimum, maximum = array.min(), array.max()
    if not minimum < maximum:
        return gate_passed(CLIPPING_GATE, "not measured: the volume has one value only")
    at_top = np.count_nonzero(array == maximum) / array.size
    at_bottom = np.count_nonzero(array == minimum) / array.size
    figures = (percent(SHARE_AT_MAXIMUM, at_top), percent(SHARE_AT_MINIMUM, at_bottom))
    problems = [
        f"{100 * share:.1f} % of the voxels are clipped at {end:g}, at most {100 * limit:.1f} % may be"
        for share, end, limit in ((at_top, maximum, maximum_at_top), (at_bottom, minimum, maximum_at_bottom))
        if share > limit
    ]
    if problems:
        return gate_failed(CLIPPING_GATE, Reason.IMAGE_QUALITY, "; ".join(problems), figures)
    return gate_passed(
        CLIPPING_GATE,
        f"{100 * at_top:.2g} % of the voxels are at the largest value, {100 * at_bottom:.2g} % at the smallest",
        figures,
    )
