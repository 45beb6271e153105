"""How good a network is on pictures that it has not seen, through the functions that the app calls."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from apps.us_breast_lesion.masses import is_cut, mass_labels
from apps.us_breast_lesion.training.samples import Sample
from operators.infer.pictures import picture_probabilities
from operators.learn.scores import dice
from operators.measure.least_area import LeastArea
from operators.measure.planar import components, planar_figures
from phantoms.sonography import Lesion

SMALLEST = LeastArea(area_mm2=10.0, part=0.002)

Labels = NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class _Outlined:
    """A picture, and the outlines in it: the true ones that are large enough to be told, and those found."""

    sample: Sample
    true: Labels
    found: Labels

    @property
    def truth(self) -> list[NDArray[np.bool_]]:
        """The mask of each true mass."""
        return [self.true == label for label in range(1, int(self.true.max()) + 1)]

    def outlines(self) -> list[int]:
        """For each true mass the label of the outline that shares most with it, 0 for one that was missed."""
        shared = (np.bincount(self.found[mask], minlength=2)[1:] for mask in self.truth)
        return [1 + int(np.argmax(counts)) if counts.any() else 0 for counts in shared]


def figures_of(
    network: torch.nn.Module, samples: Sequence[Sample], pixels: int, device: torch.device | str = "cpu"
) -> dict[str, float | None]:
    """Return agreement with the truth on the pictures' own grid.

    ``mean_dice`` is that of each picture with a mass, averaged; ``pooled_dice`` that of all pixels of all pictures
    together, as the paper must have computed it (Dice = 2 IoU / (1 + IoU) in its tables). ``masses`` are the true ones
    that are large enough to be told; ``outlined_together`` are those that share their outline with another one.
    ``marked_beside`` are outlines in pictures with a mass where none is, ``normals_marked`` pictures without a mass in
    which one was outlined. Of the masses found ``cut`` are cut by the edge, ``told_cut`` of them are told to be, and
    ``whole_told_cut`` are told to be and are not.
    """
    outlined = [_outlined(network, sample, pixels, device) for sample in samples]
    with_mass = [each for each in outlined if each.sample.mask.any()]
    normals = [each for each in outlined if not each.sample.mask.any()]
    scores = [dice(each.found > 0, each.sample.mask) for each in with_mass]
    overlap = sum(int(((each.found > 0) & each.sample.mask).sum()) for each in outlined)
    total = sum(int((each.found > 0).sum()) + int(each.sample.mask.sum()) for each in outlined)
    chosen = [each.outlines() for each in with_mass]
    told = [pair for each in with_mass for pair in _cut(each)]
    errors = [error for each in with_mass for error in _long_axis_errors(each)]
    return {
        "pictures": len(samples),
        "with_mass": len(with_mass),
        "masses": sum(map(len, chosen)),
        "mean_dice": _rounded(np.mean(scores)) if scores else None,
        "pooled_dice": _rounded(2 * overlap / total) if total else None,
        "dice_5th_percentile": _rounded(np.percentile(scores, 5)) if scores else None,
        "mean_dice_benign": _mean_of(scores, with_mass, Lesion.BENIGN),
        "mean_dice_malignant": _mean_of(scores, with_mass, Lesion.MALIGNANT),
        "masses_missed": sum(labels.count(0) for labels in chosen),
        "outlined_together": sum(
            len(known) - len(set(known)) for labels in chosen if (known := [*filter(None, labels)])
        ),
        "cut": sum(truly for truly, _ in told),
        "told_cut": sum(truly and said for truly, said in told),
        "whole_told_cut": sum(said and not truly for truly, said in told),
        "marked_beside": sum(_beside(each) for each in with_mass),
        "normals": len(normals),
        "normals_marked": sum(bool(each.found.any()) for each in normals),
        "long_axis_error_mm_median": _rounded(np.median(errors)) if errors else None,
        "long_axis_error_mm_95th_percentile": _rounded(np.percentile(errors, 95)) if errors else None,
        "long_axis_within_1_mm": _rounded(np.mean([error <= 1.0 for error in errors])) if errors else None,
    }


def found_labels(network: torch.nn.Module, sample: Sample, pixels: int, device: torch.device | str = "cpu") -> Labels:
    """Outline one picture as the app does."""
    (probability,) = picture_probabilities(network, sample.image[None], pixels, device=device)
    return mass_labels(probability, sample.spacing, SMALLEST)


def _outlined(network: torch.nn.Module, sample: Sample, pixels: int, device: torch.device | str) -> _Outlined:
    shape = (int(sample.mask.shape[0]), int(sample.mask.shape[1]))
    true = components(sample.mask, smallest_pixels=SMALLEST.pixels(shape, sample.spacing))
    return _Outlined(sample, true, found_labels(network, sample, pixels, device))


def _long_axis_errors(outlined: _Outlined) -> list[float]:
    """Of each true mass that was found, in mm; none where nothing is calibrated."""
    if outlined.sample.spacing is None:
        return []
    measured = partial(planar_figures, spacing=outlined.sample.spacing)
    return [
        abs(measured(outlined.found == label).long_axis - measured(mask).long_axis)
        for mask, label in zip(outlined.truth, outlined.outlines(), strict=True)
        if label
    ]


def _cut(outlined: _Outlined) -> list[tuple[bool, bool]]:
    """Of each true mass that was found: is it cut by the edge, and is its outline."""
    return [
        (is_cut(mask), is_cut(outlined.found == label))
        for mask, label in zip(outlined.truth, outlined.outlines(), strict=True)
        if label
    ]


def _beside(outlined: _Outlined) -> int:
    touching = set(np.unique(outlined.found[outlined.sample.mask])) - {0}
    return int(outlined.found.max()) - len(touching)


def _mean_of(scores: Sequence[float], with_mass: Sequence[_Outlined], kind: Lesion) -> float | None:
    chosen = [score for score, each in zip(scores, with_mass, strict=True) if each.sample.kind is kind]
    return _rounded(np.mean(chosen)) if chosen else None


def _rounded(value: float | np.floating[Any]) -> float:
    return round(float(value), 4)
