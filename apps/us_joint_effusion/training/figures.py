"""What the trained network is worth: agreement with the truth, lengths and areas, dry joints, noise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from apps.us_joint_effusion.effusions import THRESHOLD, effusion_mask
from apps.us_joint_effusion.training.noise import NOISES
from apps.us_joint_effusion.training.samples import Sample, arrays_of
from operators.learn.loop import predict
from operators.learn.scores import dice, pooled_dice
from operators.measure.least_area import LeastArea
from operators.measure.planar import planar_figures
from operators.measure.thickness import greatest_thickness

THICKNESS_LIMIT_MM = 0.2
AREA_LIMIT = 0.05


def figures_of(
    probability: Callable[[NDArray[np.float32]], NDArray[np.float32]], samples: Sequence[Sample], least: LeastArea
) -> dict[str, Any]:
    """Measure on the pictures' own grid what the app does with them; ``probability`` is the model's.

    Dice and Jaccard are means over pictures with fluid; errors are those of pictures with a
    spacing in which fluid was found, found less true.
    """
    found = [effusion_mask(probability(sample.image), sample.spacing, least) for sample in samples]
    pairs = list(zip(found, samples, strict=True))
    wet = [(mask, sample) for mask, sample in pairs if sample.mask.any()]
    dry = [mask for mask, sample in pairs if not sample.mask.any()]
    scores = np.array([dice(mask, sample.mask) for mask, sample in wet])
    areas, thicknesses, lengths = _errors(
        [(mask, sample) for mask, sample in wet if mask.any() and sample.spacing is not None]
    )
    return {
        "pictures": len(samples),
        "with_effusion": len(wet),
        "dice": _spread(scores),
        "jaccard": _spread(scores / (2 - scores)),
        "pooled_dice": round(pooled_dice(*_joined(pairs)), 4),
        "missed": sum(not mask.any() for mask, _ in wet),
        "dry": len(dry),
        "dry_with_outline": sum(bool(mask.any()) for mask in dry),
        "area_error_percent": _spread(100 * areas),
        "area_within_5_percent": _share(np.abs(areas) <= AREA_LIMIT),
        "thickness_error_mm": _spread(thicknesses),
        "thickness_within_0.2_mm": _share(np.abs(thicknesses) <= THICKNESS_LIMIT_MM),
        "long_axis_error_mm": _spread(lengths),
    }


def noise_figures(
    network: Callable[[Tensor], Tensor],
    samples: Sequence[Sample],
    pixels: int,
    channels: int,
    *,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> dict[str, float]:
    """Return the mean Dice of pictures with fluid at the network's size, clean and under each of the noises.

    Noise is added to what the network sees, as in icpr-09: to pictures of its size.
    """
    wet = [sample for sample in samples if sample.mask.any()]
    images, masks = arrays_of(wet, pixels, channels)
    clean = images.astype(np.float32)
    random = np.random.default_rng([seed, 9])
    noisy = {name: noise(clean[:, :1], random).repeat(channels, axis=1) for name, noise in NOISES.items()}
    return {
        name: round(float(np.mean(_dices(predict(network, pictures, device=device), masks))), 4)
        for name, pictures in {"clean": clean, **noisy}.items()
    }


def _dices(logits: NDArray[np.float32], masks: NDArray[np.bool_]) -> list[float]:
    limit = np.log(THRESHOLD / (1 - THRESHOLD))
    return [dice(found > limit, mask) for found, mask in zip(logits, masks, strict=True)]


def _errors(pairs: Sequence[tuple[NDArray[np.bool_], Sample]]) -> tuple[NDArray[np.float64], ...]:
    """Relative errors of the area, and errors of thickness and long axis in mm."""
    errors = []
    for mask, sample in pairs:
        assert sample.spacing is not None
        found, true = (planar_figures(each, sample.spacing) for each in (mask, sample.mask))
        thick, truly = (greatest_thickness(each, sample.spacing[0]).length for each in (mask, sample.mask))
        errors.append((found.area / true.area - 1, thick - truly, found.long_axis - true.long_axis))
    return tuple(np.array(errors, dtype=np.float64).reshape(-1, 3).T)


def _joined(pairs: Sequence[tuple[NDArray[np.bool_], Sample]]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    return np.concatenate([mask.ravel() for mask, _ in pairs]), np.concatenate([each.mask.ravel() for _, each in pairs])


def _spread(values: NDArray[np.float64]) -> dict[str, float] | None:
    if not len(values):
        return None
    names = {"mean": values.mean(), "sd": values.std(), "least": values.min(), "most": values.max()}
    return {name: round(float(value), 4) for name, value in names.items()}


def _share(within: NDArray[np.bool_]) -> float | None:
    return round(float(within.mean()), 4) if len(within) else None
