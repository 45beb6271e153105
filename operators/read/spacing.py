"""Distances of neighbouring slices: how far apart they should be, and how many are missing between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
