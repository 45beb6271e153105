"""From a labelled study to the arrays that training draws its patches from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from apps.mr_white_matter_lesions.preprocess import Prepared, mask_to_grid, prepare, to_grid
from apps.mr_white_matter_lesions.training.augmentation import (
    AugmentationSettings,
    Draw,
    change_intensities,
    cut,
    draw_deformation,
)
from apps.mr_white_matter_lesions.training.loss import IGNORE
from apps.mr_white_matter_lesions.training.settings import Role, Target, TargetSettings
from operators.align.resample import Affine

OTHER_PATHOLOGY = 2


@dataclass(frozen=True)
class LabelledScan:
    """A scan with its truth: arrays (slice, row, column) on one grid, affine (column, row, slice, 1) to LPS in mm.

    ``lesions`` holds 0, 1 (lesion) and 2 (other pathology, which takes no part in training); ``regions`` 0 to 34, or
    None where they are not known.
    """

    array: npt.NDArray[np.generic]
    affine: Affine
    lesions: npt.NDArray[np.generic]
    regions: npt.NDArray[np.generic] | None


@dataclass(frozen=True)
class LabelledStudy:
    """FLAIR and T1 of one patient, in one patient space."""

    name: str
    flair: LabelledScan
    t1: LabelledScan


@dataclass(frozen=True)
class Sample:
    """Network input (channel, slice, row, column), float16, and its labels (slice, row, column), uint8."""

    images: torch.Tensor
    labels: torch.Tensor


def make_samples(study: LabelledStudy, target: Target, settings: TargetSettings) -> dict[str, Sample]:
    """The study as "pair" (FLAIR and T1 on the FLAIR's axes) and as "t1" (T1 on its own axes, where those differ)."""
    flair, t1 = (study.flair.array, study.flair.affine), (study.t1.array, study.t1.affine)
    make = partial(prepare, spacing=settings.spacing, intensity_ceiling=settings.intensity_ceiling)
    samples = {"pair": _sample(make([flair, t1]), study.flair, target)}
    if not (study.flair.array.shape == study.t1.array.shape and np.allclose(study.flair.affine, study.t1.affine)):
        samples["t1"] = _sample(make([t1]), study.t1, target)
    return samples


def save_samples(path: Path, samples: dict[str, Sample]) -> None:
    """Write the samples of one study to an .npz file; the name appears when it is complete."""
    arrays = {f"{kind}_{part}": getattr(sample, part).numpy() for kind, sample in samples.items() for part in _PARTS}
    unfinished = path.with_name(f"unfinished-{path.name}")
    np.savez(unfinished, **arrays)
    unfinished.rename(path)


def load_samples(path: Path) -> dict[str, Sample]:
    """Read what :func:`save_samples` wrote."""
    with np.load(path) as arrays:
        kinds = sorted({name.rsplit("_", 1)[0] for name in arrays.files})
        return {kind: Sample(*(torch.from_numpy(arrays[f"{kind}_{part}"]) for part in _PARTS)) for kind in kinds}


def samples_of_role(studies: Iterable[dict[str, Sample]], role: Role) -> list[Sample]:
    """What the studies contribute to the training of one network.

    A study whose T1 lies on the FLAIR's grid has no sample "t1": "t1_on_flair" is the same there.
    """
    chosen = []
    for study in studies:
        for kind in role.samples:
            if kind in study:
                chosen.append(study[kind])
            elif kind != "t1":
                channel = {"flair": 0, "t1_on_flair": 1}[kind]
                chosen.append(Sample(study["pair"].images[channel : channel + 1], study["pair"].labels))
    return chosen


class Patches:
    """Endless random batches: (images (batch, channel, patch), labels (batch, patch))."""

    def __init__(
        self,
        samples: Sequence[Sample],
        settings: TargetSettings,
        augmentation: AugmentationSettings,
        *,
        seed: int,
    ) -> None:
        if not samples:
            raise ValueError("training needs at least one sample")
        self._samples = samples
        self._settings = settings
        self._augmentation = augmentation
        self._draw = Draw(seed)
        # Half a million positions of a voxel would be kept for nothing: a thousand per sample are as good.
        self._foreground = [_some_positions(sample.labels, self._draw) for sample in samples]

    def class_weights(self, classes: int, balance: float) -> torch.Tensor:
        """Inverse class frequencies in all samples to the power ``balance``, with a mean of 1: (class,)."""
        counts = torch.zeros(IGNORE + 1, dtype=torch.int64)
        for sample in self._samples:
            counts += torch.bincount(sample.labels.flatten(), minlength=IGNORE + 1)
        weights = counts[:classes].clamp(min=1).double() ** -balance
        return (weights / weights.mean()).float()

    def batch(self) -> tuple[torch.Tensor, torch.Tensor]:
        """The next batch."""
        patches = [self._patch() for _ in range(self._settings.batch)]
        return torch.stack([image for image, _ in patches]), torch.stack([labels for _, labels in patches])

    def _patch(self) -> tuple[torch.Tensor, torch.Tensor]:
        settings, draw = self._settings, self._draw
        which = draw.integer(0, len(self._samples) - 1)
        sample, positions = self._samples[which], self._foreground[which]
        if len(positions) and draw.chance(settings.foreground):
            centre = [float(value) for value in positions[draw.integer(0, len(positions) - 1)]]
            # The lesion must not always sit in the middle of the patch.
            centre = [
                value + draw.uniform(-size / 4, size / 4)
                for value, size in zip(centre, settings.patch_size, strict=True)
            ]
        else:
            centre = [draw.uniform(0, length - 1) for length in sample.labels.shape]
        centre = [
            min(max(value, (size - 1) / 2), max(length - 1 - (size - 1) / 2, (length - 1) / 2))
            if length > size
            else (length - 1) / 2
            for value, size, length in zip(centre, settings.patch_size, sample.labels.shape, strict=True)
        ]
        deformation = draw_deformation(self._augmentation, settings.patch_size, settings.spacing, draw)
        image, labels = cut(sample.images, sample.labels, centre, settings.patch_size, settings.spacing, deformation)
        return change_intensities(image, self._augmentation, settings.spacing, draw), labels


_PARTS = ("images", "labels")


def _sample(prepared: Prepared, scan: LabelledScan, target: Target) -> Sample:
    if target == "lesions":
        labels = mask_to_grid(scan.lesions == 1, scan.affine, prepared.grid)
        other = mask_to_grid(scan.lesions == OTHER_PATHOLOGY, scan.affine, prepared.grid)
        labels[other == 1] = IGNORE
    elif scan.regions is None:
        raise ValueError("this study has no region labels")
    else:
        labels = to_grid(scan.regions, scan.affine, prepared.grid)
    return Sample(torch.from_numpy(prepared.array.astype(np.float16)), torch.from_numpy(labels))


def _some_positions(labels: torch.Tensor, draw: Draw, most: int = 1000) -> torch.Tensor:
    positions = torch.nonzero((labels > 0) & (labels != IGNORE))
    if len(positions) <= most:
        return positions
    return positions[torch.randint(0, len(positions), (most,), generator=draw.generator)]
