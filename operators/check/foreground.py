"""Which voxels show something: what gates measure on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# Enough for statistics of a volume, and the same time for a volume of any length.
_SAMPLED_SLICES = 32
_BINS = 256


def sampled_slices(array: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return up to 32 evenly spaced slices of a volume (slice, row, column) as float32, ends included."""
    count = min(len(array), _SAMPLED_SLICES)
    chosen = np.unique(np.linspace(0, len(array) - 1, count).round().astype(int))
    return array[chosen].astype(np.float32)


def foreground_threshold(values: NDArray[np.floating]) -> float | None:
    """Return the value that best divides voxels into background and foreground; None if all voxels are equal.

    Otsu's threshold (IEEE Trans Syst Man Cybern 1979;9:62): the largest variance between the two classes, on a
    histogram from the smallest value to the 99.5th percentile, so that a few bright voxels do not widen the bins.
    """
    low, high = float(values.min()), float(np.percentile(values, 99.5))
    if high <= low:
        high = float(values.max())
    if high <= low:
        return None
    counts, edges = np.histogram(np.minimum(values, high), bins=_BINS, range=(low, high))
    centres = (edges[:-1] + edges[1:]) / 2
    below = np.cumsum(counts)[:-1].astype(np.float64)
    above = below[-1] + counts[-1] - below
    sums = np.cumsum(counts * centres)
    with np.errstate(divide="ignore", invalid="ignore"):
        between = below * above * (sums[:-1] / below - (sums[-1] - sums[:-1]) / above) ** 2
    best = np.flatnonzero(between == np.nanmax(between))
    # Empty bins between two clear classes all divide them equally well: their middle keeps away from both.
    return float(edges[1 + int(best[len(best) // 2])])
