"""Train the app's network: ``python -m apps.us_breast_lesion.train --size cpu|gpu|paper``.

On phantoms, or with ``--data FOLDER`` on pictures with masks as BUSI lays them out
(:mod:`apps.us_breast_lesion.training.folders`).
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from apps.us_breast_lesion.model import LIKENESS, WEIGHTS
from apps.us_breast_lesion.network import NetworkSettings, UNetGCN
from apps.us_breast_lesion.training.augmentation import augment_as_paper
from apps.us_breast_lesion.training.figures import figures_of
from apps.us_breast_lesion.training.folders import FOLDS, read_samples, split
from apps.us_breast_lesion.training.samples import EVERY_SCENE, Sample, Scene, arrays_of, simulate_samples
from operators.check.likeness import fit_likeness
from operators.learn.loop import Augment, Schedule, fit
from operators.learn.losses import cross_entropy_loss
from operators.learn.pictures import augment_pictures, profiles_of
from operators.learn.program import (
    begin,
    describe_training,
    part_seeds,
    tell_losses,
    training_parser,
    write_description,
)
from operators.learn.weights import store_weights
from phantoms.sonography import OTHER_SCANNER

MODEL_FOLDER = Path(__file__).parent / "model"

_LOG = logging.getLogger(__name__)
_PASSING = 0.95
"""The part of validation pictures that the gate accepts: of all fields of view that were simulated, the usual ones."""


@dataclass(frozen=True)
class Size:
    """How large a training is: pictures in each part, the network, and what it is shown.

    ``stages`` are one after the other: pictures of so many pixels squared, with that schedule. Coarse ones first cost a
    quarter, and the last stage's are those of the app.
    """

    training: int
    held_out: int
    network: NetworkSettings
    stages: tuple[tuple[int, Schedule], ...]
    augment: Augment = augment_pictures

    @property
    def pixels(self) -> int:
        """Of a side of the pictures that the trained network takes."""
        return self.stages[-1][0]


SIZES = {
    "test": Size(24, 8, NetworkSettings((4, 4, 4), 7), ((32, Schedule(1, 8, 2e-3)),)),
    "cpu": Size(
        2400,
        120,
        NetworkSettings((8, 16, 32, 64, 64), 7),
        ((64, Schedule(8, 16, 3e-3)), (128, Schedule(5, 16, 2e-3)), (128, Schedule(4, 16, 1e-3))),
    ),
    "gpu": Size(20_000, 1500, NetworkSettings((16, 32, 64, 128, 256, 256), 7), ((256, Schedule(30, 32, 2e-3)),)),
    # The paper's: U-Net of 39 million parameters and as many again in the global convolutions.
    "paper": Size(
        20_000,
        1500,
        NetworkSettings((32, 64, 128, 256, 512, 1024), 7),
        ((256, Schedule(100, 16, 1e-4, 0.0)),),
        augment_as_paper,
    ),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Make or read the samples, train, fit the gate, measure, write weights and model.json."""
    options = _parser().parse_args(argv)
    device, size = begin(options), SIZES[options.size]
    parts = _samples(options, size)
    _LOG.info("samples: %s", {name: len(part) for name, part in parts.items()})
    started = time.perf_counter()
    network = train(parts["training"], size, device=device, seed=options.seed)
    settings = {
        "pictures": len(parts["training"]),
        "stages": [{"pixels": pixels, **asdict(schedule)} for pixels, schedule in size.stages],
    }
    trained = describe_training(
        options,
        settings,
        started=started,
        simulated="phantoms/sonography",
        read=f"pictures of a folder, test fold {options.fold}",
    )
    _write(options.output, size, network, parts, trained, device)


def train(
    samples: Sequence[Sample],
    size: Size,
    *,
    network: NetworkSettings | None = None,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> UNetGCN:
    """Return a network trained on samples; ``network`` is another one than the size's."""
    torch.manual_seed(seed)
    found = UNetGCN(network or size.network)
    has_mass = np.array([bool(sample.mask.any()) for sample in samples])
    for pixels, schedule in size.stages:
        images, masks = arrays_of(samples, pixels)
        losses = fit(
            found,
            images,
            masks,
            cross_entropy_loss,
            schedule,
            size.augment,
            strata=has_mass,
            device=device,
            seed=seed,
        )
        tell_losses(losses, f"{pixels} pixels")
    return found


def _samples(options: argparse.Namespace, size: Size) -> dict[str, list[Sample]]:
    if options.data is not None:
        return split(read_samples(options.data), options.fold)
    make = partial(simulate_samples, processes=options.processes)
    test, other_scanner = (part_seeds(part, size.held_out) for part in ("test", "other_scanner"))
    return {
        "training": make(part_seeds("training", size.training), scenes=EVERY_SCENE, calipers=True),
        "validation": make(part_seeds("validation", size.held_out), scenes=EVERY_SCENE, calipers=True),
        "test": make(test),
        "cut": make(test, scenes=[Scene.CUT]),
        "several": make(test, scenes=[Scene.SEVERAL]),
        "other_scanner": make(other_scanner, scanner=OTHER_SCANNER),
    }


def _write(
    folder: Path,
    size: Size,
    network: UNetGCN,
    parts: dict[str, list[Sample]],
    trained: Mapping[str, Any],
    device: torch.device,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    sha256 = store_weights(network, folder / WEIGHTS)
    described = "pictures of training" if trained["seeds"] is None else "simulated breast sonograms of training"
    known, unseen = (
        profiles_of((sample.image for sample in parts[part]), size.pixels) for part in ("training", "validation")
    )
    fit_likeness(known, unseen, described, passing=_PASSING).save(folder / LIKENESS)
    figures = {part: figures_of(network, parts[part], size.pixels, device) for part in parts if part != "training"}
    _LOG.info("figures: %s", json.dumps(figures, indent=1))
    write_description(
        folder,
        {"network": asdict(size.network), "pixels": size.pixels, "sha256": sha256, **trained, "figures": figures},
    )


def _parser() -> argparse.ArgumentParser:
    parser = training_parser(
        "us_breast_lesion", SIZES, MODEL_FOLDER, description=main.__doc__, data="pictures and masks"
    )
    parser.add_argument("--fold", type=int, choices=range(FOLDS), default=0, help="of --data, the one to test on")
    return parser


if __name__ == "__main__":
    main()
