"""How well masks and scores agree with the truth."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Array = NDArray[np.float64]


def dice(found: Mask, truth: Mask) -> float:
    """Dice's coefficient of two masks; 1 where both are empty."""
    total = int(found.sum()) + int(truth.sum())
    return 1.0 if total == 0 else 2.0 * int((found & truth).sum()) / total


def pooled_dice(found: Mask, truth: Mask) -> float:
    """Dice's coefficient over the pixels of all pictures together, (n, row, column): large masks count more."""
    return dice(found.reshape(-1), truth.reshape(-1))


def area_under_curve(scores: Array, truth: Array) -> float:
    """The area under the receiver operating characteristic: how often a positive scores above a negative."""
    positive, negative = scores[truth > 0.5], np.sort(scores[truth <= 0.5])
    if not len(positive) or not len(negative):
        return float("nan")
    ranks = np.searchsorted(negative, positive, "left") + np.searchsorted(negative, positive, "right")
    return float(ranks.mean() / 2 / len(negative))
