"""What the shipped gate accepts of pictures of other kinds: ``python -m apps.us_breast_lesion.evaluate``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

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
from operators.learn.scores import area_under_curve
from phantoms.sonography import OTHER_SCANNER, Lesion, Scanner, random_scanner, simulate_joint

Picture = NDArray[np.float32]
Scores = NDArray[np.float64]

_SHIFTS = 40
"""Pictures of joints, and of each change."""


def main(argv: Sequence[str] | None = None) -> None:
    """Print how well the gate tells each kind of picture, how many it accepts, and how good the outlines of these are.

    AUROC is how often a held-out picture is more like the training data than one of that kind.
    """
    options = _parser().parse_args(argv)
    model = load_model(model_folder_of("us_breast_lesion"), torch.device("cpu"))
    print("| pictures | AUROC | accepted | mean Dice of the accepted with a mass | accepted normals with an outline |")
    print("|---|---|---|---|---|")
    known: Scores | None = None
    for name, samples in kinds(options.pictures):
        found = scores([sample.image for sample in samples], model)
        known, told = (found, "–") if known is None else (known, f"{told_apart(known, found):.3f}")
        is_accepted = found >= model.likeness.threshold.score
        accepted = [sample for sample, accept in zip(samples, is_accepted, strict=True) if accept]
        figures = figures_of(model.network, accepted, model.pixels)
        dice = f"{figures['mean_dice']:.3f} of {figures['with_mass']}" if figures["with_mass"] else "–"
        normals = f"{figures['normals_marked']} of {figures['normals']}" if figures["normals"] else "–"
        print(f"| {name} | {told} | {len(accepted)} of {len(samples)} | {dice} | {normals} |")


def scores(pictures: Sequence[Picture], model: Model) -> Scores:
    """How like the training data the gate finds each picture (row, column): larger is more like them."""
    return np.concatenate(
        [model.likeness.scores(network_profiles(picture[None], model.pixels)) for picture in pictures]
    )


def told_apart(known: Scores, others: Scores) -> float:
    """The area under the curve of the scores of pictures that should be accepted, and of those that should not."""
    return area_under_curve(np.concatenate([known, others]), np.repeat([1.0, 0.0], [len(known), len(others)]))


def kinds(pictures: int) -> Iterator[tuple[str, list[Sample]]]:
    """Yield simulated pictures that are like those of training, and then others; none was trained on."""
    known = simulate_samples(part_seeds("test", pictures))
    others = part_seeds("other_scanner", pictures)
    yield "held-out test", known
    yield "another scanner", simulate_samples(others, scanner=OTHER_SCANNER)
    for name, sign in (("gain 10 to 14 dB higher", 1), ("gain 10 to 14 dB lower", -1)):
        yield name, [simulate_samples([seed], scanner=_other_gain(seed, sign))[0] for seed in others]
    yield "finger joints", [_joint(seed) for seed in part_seeds("test", _SHIFTS)]
    for name, change in _CHANGES.items():
        random = np.random.default_rng(0)
        yield name, [_changed(sample, change, random) for sample in known[:_SHIFTS]]


def _other_gain(seed: int, sign: int) -> Scanner:
    """Return a setting of the reference scanner whose gain, in dB, is beyond the 5 up or down of training."""
    random = np.random.default_rng([seed, 11])
    return replace(random_scanner(random), gain=sign * random.uniform(10, 14))


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


def _noisy(deviation: float) -> Change:
    return lambda picture, random: picture * (1 + deviation * random.normal(size=picture.shape))


_CHANGES: dict[str, Change] = {
    "a dark band over a quarter of the columns": _dark_band,
    "blurred by a Gaussian of 2 pixels": _blurred(2),
    "blurred by a Gaussian of 4 pixels": _blurred(4),
    "multiplied with noise of 15 %": _noisy(0.15),
    "multiplied with noise of 30 %": _noisy(0.3),
    "all brighter by a quarter of the range": lambda picture, random: picture + np.float32(0.25),
    "half the contrast": lambda picture, random: (picture - np.float32(0.5)) / 2 + np.float32(0.5),
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="evaluate us_breast_lesion", description=main.__doc__)
    parser.add_argument("--pictures", type=int, default=120, help="of the test part and of the other scanner each")
    return parser


if __name__ == "__main__":
    main()
