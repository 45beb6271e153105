"""Distances of neighbouring slices: how far apart they should be, and how many are missing between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, numbers
from operators.refused import Reason, Refused

DUPLICATE_DISTANCE_MM = 0.01
"""Slices closer than this lie at one position: no scanner measures so thin, no header is written so coarsely."""

GAP_TOLERANCE_MM = 0.1
GAP_TOLERANCE_SHARE = 0.01
"""A gap between slices is uniform within 0.1 mm or 1 % of the spacing, whichever is larger."""


def gap_tolerance(distance: float | NDArray[np.float64], spacing: float) -> float | NDArray[np.float64]:
    """Return how far a distance of slices ``spacing`` mm apart may be from what it should be, in mm."""
    # A tolerance of 0.1 mm must stay small against spacings of a fraction of a millimetre.
    return np.maximum(GAP_TOLERANCE_SHARE * distance, min(GAP_TOLERANCE_MM, 0.2 * spacing))


def expected_spacing(gaps: NDArray[np.float64]) -> float:
    """Return the distance of neighbours where nothing is missing, in mm, from all ``gaps`` (at least one, none 0)."""
    # The lower median is a distance that occurs. Where it fails, more slices may be missing than are there.
    median = float(np.sort(gaps)[(len(gaps) - 1) // 2])
    for spacing in (median, float(gaps.min())):
        if missing_in_gaps(gaps, spacing) is not None:
            return float(gaps[np.round(gaps / spacing) == 1].mean())
    return median


def missing_in_gaps(gaps: NDArray[np.float64], spacing: float) -> int | None:
    """Return how many slices are missing if neighbours are ``spacing`` mm apart; None if the gaps are no multiples."""
    steps = np.round(gaps / spacing)
    if (steps < 1).any() or (np.abs(gaps - steps * spacing) > gap_tolerance(gaps, spacing)).any():
        return None
    return int((steps - 1).sum())


@dataclass(frozen=True)
class ThicknessGap:
    """Distance of neighbouring slices less Slice Thickness, in mm: the largest gap, and the largest overlap.

    Both are 0 where slices touch each other.
    """

    gap: float
    overlap: float


def require_thickness(
    headers: Sequence[Dataset],
    spacing: float,
    *,
    maximum_gap: float | None = None,
    maximum_overlap: float | None = None,
) -> ThicknessGap | None:
    """Return how Slice Thickness compares with the slices' distance ``spacing`` in mm; None if a header has none.

    Raises :class:`Refused` with ``SLICE_GAP`` or ``SLICE_OVERLAP`` beyond a given maximum in mm, also where the
    thickness is not told.
    """
    thicknesses = _thicknesses(headers)
    if thicknesses is None:
        if maximum_gap is not None or maximum_overlap is not None:
            reason = Reason.SLICE_GAP if maximum_gap is not None else Reason.SLICE_OVERLAP
            raise Refused(reason, f"slices are {spacing:.3f} mm apart and their Slice Thickness is not told")
        return None
    found = ThicknessGap(gap=max(0.0, spacing - min(thicknesses)), overlap=max(0.0, max(thicknesses) - spacing))
    for reason, noun, extent, maximum in (
        (Reason.SLICE_GAP, "a gap", found.gap, maximum_gap),
        (Reason.SLICE_OVERLAP, "an overlap", found.overlap, maximum_overlap),
    ):
        if maximum is not None and extent > maximum + _ROUNDING_MM:
            raise Refused(
                reason,
                f"slices of {min(thicknesses):g} to {max(thicknesses):g} mm are {spacing:.3f} mm apart: {noun} of "
                f"{extent:.3f} mm, at most {maximum:g} mm may be",
            )
    return found


# Thickness and positions are decimal texts of their own.
_ROUNDING_MM = 1e-3


def _thicknesses(headers: Sequence[Dataset]) -> list[float] | None:
    try:
        found = [numbers(header, "SliceThickness", count=1) for header in headers]
    # A thickness that cannot be read is one that is not told.
    except MalformedAttributeError:
        return None
    return [thickness[0] for thickness in found] if all(found) else None
