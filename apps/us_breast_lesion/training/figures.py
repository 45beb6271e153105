"""How good a network is on pictures that it has not seen, through the functions that the app calls."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from apps.us_breast_lesion.masses import mass_masks
from apps.us_breast_lesion.training.samples import Sample
from operators.infer.pictures import picture_probabilities
from operators.learn.scores import dice
from operators.measure.least_area import LeastArea
from operators.measure.planar import planar_figures
from phantoms.sonography import Lesion

SMALLEST = LeastArea(area_mm2=10.0, part=0.002)


def figures_of(
    network: torch.nn.Module, samples: Sequence[Sample], pixels: int, device: torch.device | str = "cpu"
) -> dict[str, float | None]:
    """Return agreement with the truth on the pictures' own grid.

    ``mean_dice`` is that of each picture with a mass, averaged; ``pooled_dice`` that of all pixels of all pictures
    together, as the paper must have computed it (Dice = 2 IoU / (1 + IoU) in its tables). ``normals_marked`` are
    pictures without a mass in which one was outlined.
    """
    found = [found_mask(network, sample, pixels, device) for sample in samples]
    with_mass = [(mask, sample) for mask, sample in zip(found, samples, strict=True) if sample.mask.any()]
    normals = [mask for mask, sample in zip(found, samples, strict=True) if not sample.mask.any()]
    scores = [dice(mask, sample.mask) for mask, sample in with_mass]
    overlap = sum(int((mask & sample.mask).sum()) for mask, sample in zip(found, samples, strict=True))
    total = sum(int(mask.sum()) + int(sample.mask.sum()) for mask, sample in zip(found, samples, strict=True))
    errors = [error for mask, sample in with_mass if (error := _long_axis_error(mask, sample)) is not None]
    return {
        "pictures": len(samples),
        "masses": len(with_mass),
        "mean_dice": _rounded(np.mean(scores)) if scores else None,
        "pooled_dice": _rounded(2 * overlap / total) if total else None,
        "dice_5th_percentile": _rounded(np.percentile(scores, 5)) if scores else None,
        "mean_dice_benign": _mean_of(scores, with_mass, Lesion.BENIGN),
        "mean_dice_malignant": _mean_of(scores, with_mass, Lesion.MALIGNANT),
        "masses_missed": sum(not (mask & sample.mask).any() for mask, sample in with_mass),
        "normals": len(normals),
        "normals_marked": sum(bool(mask.any()) for mask in normals),
        "long_axis_error_mm_median": _rounded(np.median(errors)) if errors else None,
        "long_axis_error_mm_95th_percentile": _rounded(np.percentile(errors, 95)) if errors else None,
        "long_axis_within_1_mm": _rounded(np.mean([error <= 1.0 for error in errors])) if errors else None,
    }


def found_mask(
    network: torch.nn.Module, sample: Sample, pixels: int, device: torch.device | str = "cpu"
) -> NDArray[np.bool_]:
    """Outline one picture as the app does."""
    probabilities = picture_probabilities(network, sample.image[None], pixels, device=device)
    return np.asarray(mass_masks(probabilities, sample.spacing, SMALLEST)[0])


def _long_axis_error(mask: NDArray[np.bool_], sample: Sample) -> float | None:
    if sample.spacing is None or not mask.any():
        return None
    found, truth = (planar_figures(each, sample.spacing).long_axis for each in (mask, sample.mask))
    return abs(found - truth)


def _mean_of(
    scores: Sequence[float], with_mass: Sequence[tuple[NDArray[np.bool_], Sample]], kind: Lesion
) -> float | None:
    chosen = [score for score, (_, sample) in zip(scores, with_mass, strict=True) if sample.kind is kind]
    return _rounded(np.mean(chosen)) if chosen else None


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
