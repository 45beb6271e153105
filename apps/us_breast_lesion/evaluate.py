"""What the shipped gate accepts of pictures of other kinds: ``python -m apps.us_breast_lesion.evaluate``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from apps.run import model_folder_of
from apps.us_breast_lesion.model import Model, load_model
from apps.us_breast_lesion.training.figures import figures_of
from apps.us_breast_lesion.training.samples import Sample, simulate_samples
from operators.infer.pictures import network_profiles
from operators.learn.program import part_seeds
from phantoms.sonography import OTHER_SCANNER, Lesion, simulate_joint

Picture = NDArray[np.float32]

_SHIFTS = 40
"""Pictures of each kind but the first two."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print for each kind of picture how many are accepted, and how good the outlines of the accepted ones are."""
    options = _parser().parse_args(argv)
    model = load_model(model_folder_of("us_breast_lesion"), torch.device("cpu"))
    print("| pictures | accepted | mean Dice of the accepted with a mass | accepted normals with a mass outlined |")
    print("|---|---|---|---|")
    for name, samples in kinds(options.pictures):
        accepted = [sample for sample in samples if is_accepted(sample.image, model)]
        figures = figures_of(model.network, accepted, model.pixels)
        dice = "–" if figures["mean_dice"] is None else f"{figures['mean_dice']:.3f} of {figures['with_mass']}"
        normals = f"{figures['normals_marked']} of {figures['normals']}"
        print(f"| {name} | {len(accepted)} of {len(samples)} | {dice} | {normals} |")


def is_accepted(picture: Picture, model: Model) -> bool:
    """Whether the gate lets a picture (row, column) through."""
    profile = network_profiles(picture[None], model.pixels)
    return bool(model.likeness.scores(profile)[0] >= model.likeness.threshold.score)


def kinds(pictures: int) -> Iterator[tuple[str, list[Sample]]]:
    """Yield simulated pictures that are like those of training, and then others; none was trained on."""
    known = simulate_samples(part_seeds("test", pictures))
    yield "held-out test", known
    yield "another scanner", simulate_samples(part_seeds("other_scanner", pictures), scanner=OTHER_SCANNER)
    yield "finger joints", [_joint(seed) for seed in part_seeds("test", _SHIFTS)]
    for name, change in _CHANGES.items():
        random = np.random.default_rng(0)
        yield name, [_changed(sample, change, random) for sample in known[:_SHIFTS]]


def _joint(seed: int) -> Sample:
    made = simulate_joint(effusion=True, seed=seed)
    image = made.image.astype(np.float32) / np.float32(255)
    return Sample(image, np.zeros(image.shape, dtype=bool), made.spacing, Lesion.NONE)


Change = Callable[[Picture, np.random.Generator], NDArray[np.floating]]


def _changed(sample: Sample, change: Change, random: np.random.Generator) -> Sample:
    image = np.clip(change(sample.image, random), 0, 1).astype(np.float32)
    return Sample(image, sample.mask, sample.spacing, sample.kind)


def _dark_band(picture: Picture, random: np.random.Generator) -> Picture:
    columns = picture.shape[1]
    first = int(random.integers(0, columns - columns // 4))
    found = picture.copy()
    found[:, first : first + columns // 4] *= np.float32(0.1)
    return found


def _blurred(pixels: float) -> Change:
    return lambda picture, random: np.asarray(gaussian_filter(picture, pixels))


_CHANGES: dict[str, Change] = {
    "a dark band over a quarter of the columns": _dark_band,
    "blurred by a Gaussian of 2 pixels": _blurred(2),
    "blurred by a Gaussian of 4 pixels": _blurred(4),
    "multiplied with noise of 30 %": lambda picture, random: picture * (1 + 0.3 * random.normal(size=picture.shape)),
    "all brighter by a quarter of the range": lambda picture, random: picture + np.float32(0.25),
    "half the contrast": lambda picture, random: (picture - np.float32(0.5)) / 2 + np.float32(0.5),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate us_breast_lesion", description=main.__doc__)
    parser.add_argument("--pictures", type=int, default=120, help="of the test part and of the other scanner each")
    return parser


if __name__ == "__main__":
    main()
