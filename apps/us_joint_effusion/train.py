"""Train the app's network: ``python -m apps.us_joint_effusion.train --size cpu|gpu|paper``.

On phantoms, or with ``--data FOLDER`` on pictures with masks
(:func:`apps.us_joint_effusion.training.samples.read_samples`).
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apps.us_joint_effusion.effusions import noise_level
from apps.us_joint_effusion.model import LIKENESS, WEIGHTS, Model
from apps.us_joint_effusion.network import NetworkSettings, SFRSegNet
from apps.us_joint_effusion.training.augmentation import augment_as_paper, augment_joints
from apps.us_joint_effusion.training.figures import figures_of, noise_figures
from apps.us_joint_effusion.training.samples import Sample, arrays_of, read_samples, simulate_samples
from operators.check.likeness import Likeness, fit_likeness
from operators.learn.loop import Augment, Schedule, fit
from operators.learn.losses import cross_entropy_and_dice_loss
from operators.learn.pictures import profiles_of
from operators.learn.program import (
    begin,
    describe_training,
    simulated_parts,
    tell_losses,
    training_parser,
    write_description,
)
from operators.learn.scores import area_under_curve
from operators.learn.weights import store_weights
from operators.measure.least_area import LeastArea
from phantoms.sonography import OTHER_SCANNER

MODEL_FOLDER = Path(__file__).parent / "model"

_LOG = logging.getLogger(__name__)
_LEAST = LeastArea(area_mm2=1.0, part=0.002)
_USUAL = 99
"""Percent of validation pictures whose noise is called usual."""


@dataclass(frozen=True)
class Size:
    """How large a training is: pictures in each part, of ``pixels`` squared, the network and its schedule."""

    training: int
    held_out: int
    pixels: int
    network: NetworkSettings
    schedule: Schedule
    augment: Augment = augment_joints


SIZES = {
    "test": Size(18, 6, 32, NetworkSettings((4, 8, 8), 1), Schedule(1, 6, 2e-3)),
    "cpu": Size(900, 180, 128, NetworkSettings((8, 16, 32, 64, 128), 1), Schedule(8, 16, 3e-3)),
    "gpu": Size(20_000, 1500, 128, NetworkSettings(inputs=1), Schedule(40, 64, 2e-3)),
    # The paper's widths, batch, rate, epochs and variants; as many pictures as it has with its copies.
    "paper": Size(741, 180, 128, NetworkSettings(), Schedule(100, 16, 1e-3, 0.0), augment_as_paper),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Make or read the samples, train, fit the gate, measure, write weights and model.json."""
    options = _parser().parse_args(argv)
    device, size = begin(options), SIZES[options.size]
    parts = _samples(options, size)
    _LOG.info("samples: %s", {name: len(part) for name, part in parts.items()})
    started = time.perf_counter()
    network = train(parts["training"], size, device=device, seed=options.seed)
    trained = describe_training(
        options,
        {"pictures": len(parts["training"]), **asdict(size.schedule)},
        started=started,
        simulated="phantoms/sonography",
        read="pictures of a folder",
    )
    _write(options.output, size, network, parts, trained, device)


def train(
    samples: Sequence[Sample],
    size: Size,
    *,
    network: NetworkSettings | None = None,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> SFRSegNet:
    """Return a network trained on samples; ``network`` is another one than the size's."""
    torch.manual_seed(seed)
    settings = network or size.network
    found = SFRSegNet(settings)
    images, masks = arrays_of(samples, size.pixels, settings.inputs)
    losses = fit(
        found, images, masks, cross_entropy_and_dice_loss, size.schedule, size.augment, device=device, seed=seed
    )
    tell_losses(losses)
    return found


def _samples(options: argparse.Namespace, size: Size) -> dict[str, list[Sample]]:
    if options.data is not None:
        return read_samples(options.data)
    return simulated_parts(
        simulate_samples, size.training, size.held_out, processes=options.processes, scanner=OTHER_SCANNER
    )


def _write(
    folder: Path,
    size: Size,
    network: SFRSegNet,
    parts: dict[str, list[Sample]],
    trained: Mapping[str, Any],
    device: torch.device,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = store_weights(network, folder / WEIGHTS)
    likeness = _fit_gate(parts, size.pixels, simulated=trained["seeds"] is not None)
    likeness.save(folder / LIKENESS)
    noise = float(np.percentile([noise_level(sample.image) for sample in parts["validation"]], _USUAL))
    model = Model(network, size.pixels, size.network.inputs, likeness, noise, device)
    figures = {
        "figures": {part: figures_of(model.probability, parts[part], _LEAST) for part in parts if part != "training"},
        "noise": noise_figures(network, parts["test"], size.pixels, size.network.inputs, device=device),
        "gate": _gate_figures(likeness, parts, size.pixels),
    }
    _LOG.info("%s", json.dumps(figures, indent=1))
    description = {
        "network": asdict(size.network),
        "pixels": size.pixels,
        "usual_noise": round(noise, 5),
        "sha256": sha256,
        **trained,
        **figures,
    }
    write_description(folder, description)


def _fit_gate(parts: dict[str, list[Sample]], pixels: int, *, simulated: bool) -> Likeness:
    known, unseen = (
        profiles_of((sample.image for sample in parts[part]), pixels) for part in ("training", "validation")
    )
    description = "simulated sonograms of joints" if simulated else "pictures of training"
    return fit_likeness(known, unseen, description)


def _gate_figures(likeness: Likeness, parts: dict[str, list[Sample]], pixels: int) -> dict[str, float]:
    """What part of each kind of picture passes; and how well the score tells another scanner's from the test's."""
    scores = {
        part: likeness.scores(profiles_of((sample.image for sample in samples), pixels))
        for part, samples in parts.items()
        if part != "training"
    }
    passed = {
        f"{part} accepted": round(float((found >= likeness.threshold.score).mean()), 4)
        for part, found in scores.items()
    }
    if "other_scanner" not in scores:
        return passed
    known, other = scores["test"], scores["other_scanner"]
    truth = np.concatenate([np.ones(len(known)), np.zeros(len(other))])
    return {**passed, "area_under_curve": round(area_under_curve(np.concatenate([known, other]), truth), 4)}


def _parser() -> argparse.ArgumentParser:
    return training_parser(
        "us_joint_effusion", SIZES, MODEL_FOLDER, description=main.__doc__, data="pictures and masks"
    )


if __name__ == "__main__":
    main()
