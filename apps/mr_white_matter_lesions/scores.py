"""Agreement of a segmentation with a reference: the measures of the WMH Challenge, and Dice per region."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from operators.measure.components import connected_components

Mask = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class LesionScores:
    """One study's lesion scores; volumes in mL.

    ``dice``, ``recall``, ``f1`` and ``volume_error_percent`` are None where the reference holds no lesion (``dice`` is
    then not defined; the predicted volume says what went wrong). Lesions are 26-connected components: ``recall`` is
    the share of the reference's lesions that the prediction touches, precision the share of predicted lesions that
    touch the reference, ``f1`` their harmonic mean (Kuijf et al., IEEE TMI 2019; 38: 2556-2568).
    """

    dice: float | None
    recall: float | None
    f1: float | None
    volume_ml: float
    reference_ml: float
    volume_error_ml: float
    volume_error_percent: float | None


def dice(first: Mask, second: Mask) -> float:
    """2 |A ∩ B| / (|A| + |B|); ValueError when both are empty."""
    total = int(first.sum()) + int(second.sum())
    if total == 0:
        raise ValueError("Dice is not defined for two empty masks")
    return 2 * int((first & second).sum()) / total


def score_lesions(predicted: Mask, reference: Mask, voxel_mm3: float) -> LesionScores:
    """Scores of a lesion mask against the reference mask on the same grid."""
    volume, truth = float(predicted.sum()) * voxel_mm3 / 1000, float(reference.sum()) * voxel_mm3 / 1000
    error = abs(volume - truth)
    if not reference.any():
        return LesionScores(None, None, None, volume, truth, error, None)
    recall = _touched(reference, predicted)
    precision = _touched(predicted, reference) if predicted.any() else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall > 0 else 0.0
    return LesionScores(dice(predicted, reference), recall, f1, volume, truth, error, 100 * error / truth)


def score_regions(predicted: Labels, reference: Labels) -> dict[int, float]:
    """Dice of every region that the reference holds (the paper's rule: only regions present in the scan)."""
    present = [int(label) for label in np.unique(reference) if label > 0]
    return {label: dice(predicted == label, reference == label) for label in present}


def _touched(components_of: Mask, other: Mask) -> float:
    components = connected_components(components_of)
    return len(np.setdiff1d(np.unique(components.labels[other]), [0])) / components.count
