"""Train the app's network: ``python -m apps.us_joint_effusion.train --size cpu|gpu|paper``.

On phantoms, or with ``--data FOLDER`` on pictures with masks
(:func:`apps.us_joint_effusion.training.samples.read_samples`).
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

from apps.us_joint_effusion.effusions import noise_level
from apps.us_joint_effusion.model import DESCRIPTION, LIKENESS, WEIGHTS, Model
from apps.us_joint_effusion.network import NetworkSettings, SFRSegNet
from apps.us_joint_effusion.training.augmentation import augment_as_paper, augment_joints
from apps.us_joint_effusion.training.figures import figures_of, noise_figures
from apps.us_joint_effusion.training.samples import Sample, arrays_of, read_samples, simulate_samples
from operators.check.likeness import Likeness, fit_likeness
from operators.infer.device import choose_device
from operators.infer.pictures import network_profiles
from operators.learn.loop import Augment, Schedule, fit
from operators.learn.losses import cross_entropy_and_dice_loss
from operators.learn.scores import area_under_curve
from operators.measure.least_area import LeastArea
from phantoms.sonography import OTHER_SCANNER

MODEL_FOLDER = Path(__file__).parent / "model"
NOTICE = "demonstration weights, trained on simulated data, not for clinical use"

_LOG = logging.getLogger(__name__)
_FIRST_SEEDS = {"training": 100_000, "validation": 800_000, "test": 900_000, "other_scanner": 950_000}
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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    size, device = SIZES[options.size], choose_device(options.device)
    parts = make_samples(options, size)
    _LOG.info("samples: %s", {name: len(part) for name, part in parts.items()})
    begin = time.perf_counter()
    network = train(parts["training"], size, device=device, seed=options.seed)
    write_model(options, size, network, parts, time.perf_counter() - begin, device)


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
    for epoch, loss in enumerate(losses):
        _LOG.info("epoch %d: loss %.4f", epoch + 1, loss)
    return found


def make_samples(options: argparse.Namespace, size: Size) -> dict[str, list[Sample]]:
    """Return the samples of each part: those of the folder, or simulated ones."""
    if options.data is not None:
        return read_samples(options.data)
    counts = {"training": size.training, **dict.fromkeys(("validation", "test", "other_scanner"), size.held_out)}
    return {
        part: simulate_samples(
            range(_FIRST_SEEDS[part], _FIRST_SEEDS[part] + count),
            scanner=OTHER_SCANNER if part == "other_scanner" else None,
            processes=options.processes,
        )
        for part, count in counts.items()
    }


def write_model(
    options: argparse.Namespace,
    size: Size,
    network: SFRSegNet,
    parts: dict[str, list[Sample]],
    seconds: float,
    device: torch.device,
) -> None:
    """Write weights, likeness and description, with what the network as it is stored is worth."""
    folder: Path = options.output
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / WEIGHTS
    stored = {name: each.half() if each.is_floating_point() else each for name, each in network.state_dict().items()}
    save_file({name: each.contiguous().cpu() for name, each in stored.items()}, weights)
    # safetensors makes files that only their owner may read.
    weights.chmod(0o644)
    network.load_state_dict(stored)
    simulated = options.data is None
    likeness = _fit_gate(parts, size.pixels, simulated=simulated)
    likeness.save(folder / LIKENESS)
    noise = float(np.percentile([noise_level(sample.image) for sample in parts["validation"]], _USUAL))
    model = Model(network, size.pixels, size.network.inputs, likeness, noise, device)
    description: dict[str, Any] = {
        "notice": NOTICE if simulated else "weights of a site's own training",
        "network": asdict(size.network),
        "pixels": size.pixels,
        "usual_noise": round(noise, 5),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "data": "phantoms/sonography" if simulated else "pictures of a folder",
        "seeds": _FIRST_SEEDS if simulated else None,
        "training": {
            "pictures": len(parts["training"]),
            **asdict(size.schedule),
            "seconds": round(seconds),
            "torch": torch.__version__,
            "seed": options.seed,
        },
        "figures": {part: figures_of(model.probability, parts[part], _LEAST) for part in parts if part != "training"},
        "noise": noise_figures(network, parts["test"], size.pixels, size.network.inputs, device=device),
        "gate": _gate_figures(likeness, parts, size.pixels),
    }
    (folder / DESCRIPTION).write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    _LOG.info("%s", json.dumps({name: description[name] for name in ("figures", "noise", "gate")}, indent=1))


def _fit_gate(parts: dict[str, list[Sample]], pixels: int, *, simulated: bool) -> Likeness:
    known, unseen = (_profiles(parts[part], pixels) for part in ("training", "validation"))
    description = "simulated sonograms of joints" if simulated else "pictures of training"
    return fit_likeness(known, unseen, description)


def _gate_figures(likeness: Likeness, parts: dict[str, list[Sample]], pixels: int) -> dict[str, float]:
    """What part of each kind of picture passes; and how well the score tells another scanner's from the test's."""
    scores = {
        part: likeness.scores(_profiles(samples, pixels)) for part, samples in parts.items() if part != "training"
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


def _profiles(samples: Sequence[Sample], pixels: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.concatenate([network_profiles(sample.image[None], pixels) for sample in samples])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantry train us_joint_effusion", description=main.__doc__)
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--data", type=Path, help="folder of pictures and masks instead of phantoms")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="processes that simulate")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
