"""Train the app's network: ``python -m apps.us_breast_lesion.train --size cpu|gpu|paper``.

On phantoms, or with ``--data FOLDER`` on pictures with masks as BUSI lays them out
(:mod:`apps.us_breast_lesion.training.folders`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from apps.us_breast_lesion.network import NetworkSettings, UNetGCN
from apps.us_breast_lesion.training.figures import figures_of
from apps.us_breast_lesion.training.folders import FOLDS, read_samples, split
from apps.us_breast_lesion.training.samples import Sample, arrays_of, simulate_samples
from operators.check.likeness import fit_likeness
from operators.infer.device import choose_device
from operators.infer.pictures import network_profiles
from operators.learn.loop import Schedule, fit
from operators.learn.losses import cross_entropy_loss
from operators.learn.pictures import augment_pictures
from phantoms.sonography import OTHER_SCANNER

MODEL_FOLDER = Path(__file__).parent / "model"
NOTICE = "demonstration weights, trained on simulated data, not for clinical use"

_LOG = logging.getLogger(__name__)
_FIRST_SEEDS = {"training": 100_000, "validation": 800_000, "test": 900_000, "other_scanner": 950_000}
_PASSING = 0.99
"""The part of validation pictures that the gate accepts."""


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

    @property
    def pixels(self) -> int:
        """Of a side of the pictures that the trained network takes."""
        return self.stages[-1][0]


SIZES = {
    "test": Size(24, 8, NetworkSettings((4, 4, 4), 7), ((32, Schedule(1, 8, 2e-3)),)),
    "cpu": Size(
        1600,
        120,
        NetworkSettings((8, 16, 32, 64, 64), 7),
        ((64, Schedule(8, 16, 3e-3)), (128, Schedule(5, 16, 2e-3))),
    ),
    "gpu": Size(20_000, 1500, NetworkSettings((16, 32, 64, 128, 256, 256), 7), ((256, Schedule(30, 32, 2e-3)),)),
    # The paper's: U-Net of 39 million parameters and as many again in the global convolutions.
    "paper": Size(20_000, 1500, NetworkSettings((32, 64, 128, 256, 512, 1024), 7), ((256, Schedule(100, 16, 1e-4)),)),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Make or read the samples, train, fit the gate, measure, write weights and model.json."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    size, device = SIZES[options.size], choose_device(options.device)
    parts = _samples(options, size)
    _LOG.info("samples: %s", {name: len(part) for name, part in parts.items()})
    begin = time.perf_counter()
    network = train(parts["training"], size, device=device, seed=options.seed)
    _write(options, size, network, parts, time.perf_counter() - begin, device)


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
            augment_pictures,
            strata=has_mass,
            device=device,
            seed=seed,
        )
        for epoch, loss in enumerate(losses):
            _LOG.info("%d pixels, epoch %d: loss %.4f", pixels, epoch + 1, loss)
    return found


def _samples(options: argparse.Namespace, size: Size) -> dict[str, list[Sample]]:
    if options.data is not None:
        return split(read_samples(options.data), options.fold)
    counts = {"training": size.training, **dict.fromkeys(("validation", "test", "other_scanner"), size.held_out)}
    return {
        part: simulate_samples(
            range(_FIRST_SEEDS[part], _FIRST_SEEDS[part] + count),
            scanner=OTHER_SCANNER if part == "other_scanner" else None,
            processes=options.processes,
        )
        for part, count in counts.items()
    }


def _write(
    options: argparse.Namespace,
    size: Size,
    network: UNetGCN,
    parts: dict[str, list[Sample]],
    seconds: float,
    device: torch.device,
) -> None:
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "masses.safetensors"
    save_file({name: each.half().contiguous().cpu() for name, each in network.state_dict().items()}, weights)
    # safetensors makes files that only their owner may read.
    weights.chmod(0o644)
    # What is measured is the network as it is stored.
    network.load_state_dict({name: each.half().float() for name, each in network.state_dict().items()})
    _fit_gate(folder, parts, size.pixels, simulated=options.data is None)
    description: dict[str, Any] = {
        "notice": NOTICE if options.data is None else "weights of a site's own training",
        "network": asdict(size.network),
        "pixels": size.pixels,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "data": "phantoms/sonography" if options.data is None else f"pictures of a folder, test fold {options.fold}",
        "seeds": _FIRST_SEEDS if options.data is None else None,
        "training": {
            "pictures": len(parts["training"]),
            "stages": [{"pixels": pixels, **asdict(schedule)} for pixels, schedule in size.stages],
            "seconds": round(seconds),
            "torch": torch.__version__,
            "seed": options.seed,
        },
        "figures": {
            part: figures_of(network, parts[part], size.pixels, device) for part in parts if part != "training"
        },
    }
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    _LOG.info("figures: %s", json.dumps(description["figures"], indent=1))


def _fit_gate(folder: Path, parts: dict[str, list[Sample]], pixels: int, *, simulated: bool) -> None:
    known, unseen = (
        np.concatenate([network_profiles(sample.image[None], pixels) for sample in parts[part]])
        for part in ("training", "validation")
    )
    description = "simulated breast sonograms of training" if simulated else "pictures of training"
    fit_likeness(known, unseen, description, passing=_PASSING).save(folder / "likeness.json")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantry train us_breast_lesion", description=main.__doc__)
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--data", type=Path, help="folder of pictures and masks instead of phantoms")
    parser.add_argument("--fold", type=int, choices=range(FOLDS), default=0, help="of --data, the one to test on")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="processes that simulate")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
