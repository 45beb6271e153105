"""Train the app's network: ``python -m apps.ecg_findings.train --size cpu|gpu``.

On phantoms, or with ``--data FOLDER`` on WFDB records with labels as PTB-XL and CODE-15 % give them
(:mod:`apps.ecg_findings.training.records`).
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from apps.ecg_findings.classify import WEIGHTS, settings_of
from apps.ecg_findings.labels import LABELS, load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.training.figures import figures_of, logits_of
from apps.ecg_findings.training.pretraining import pretrain
from apps.ecg_findings.training.records import read_records
from apps.ecg_findings.training.references import recorded_profiles, simulated_profiles
from apps.ecg_findings.training.samples import Samples, augmented, simulate_samples
from operators.infer.calibration import describe_calibrations, fit_calibration
from operators.learn.loop import Schedule, fit, predict
from operators.learn.program import (
    begin,
    describe_training,
    part_seeds,
    tell_losses,
    training_parser,
    write_description,
)
from operators.learn.references import fit_accepting
from operators.learn.weights import store_weights

MODEL_FOLDER = Path(__file__).parent / "model"

_LOG = logging.getLogger(__name__)
_PRETRAINING_BATCH, _PRETRAINING_RATE = 64, 1e-3


@dataclass(frozen=True)
class Size:
    """How large a training is: recordings of each part, epochs of pre-training, then the schedule."""

    training: int
    held_out: int
    pretraining_epochs: int
    schedule: Schedule
    channels: tuple[int, ...]


SIZES = {
    "test": Size(48, 48, 1, Schedule(1, 16, 1e-3), (8, 8, 8, 8, 8)),
    "cpu": Size(16_000, 2000, 0, Schedule(16, 64, 3e-3), (24, 32, 48, 64, 96)),
    "gpu": Size(200_000, 10_000, 20, Schedule(40, 256, 3e-3), (64, 96, 128, 192, 256)),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Make or read the samples, train, calibrate, measure, write weights, references of the gates and model.json."""
    options = _parser().parse_args(argv)
    device, size, source = begin(options), SIZES[options.size], options.weights or MODEL_FOLDER
    names = [label.name for label in load_labels(source)]
    if options.weights is None:
        network, trained = _train(options, size, names, device)
    else:
        network, trained = _trained(options.weights, device)
    options.output.mkdir(parents=True, exist_ok=True)
    listed = (source / LABELS).read_bytes()
    (options.output / LABELS).write_bytes(listed)
    trained["sha256"] = store_weights(network, options.output / WEIGHTS)
    write_description(options.output, {**trained, **_judged(options, size, network, names, device)})


def pretrained(
    network: FindingsNetwork, samples: Samples, epochs: int, *, device: torch.device | str = "cpu", seed: int = 0
) -> None:
    """Train a network to tell what is hidden of the recordings, whose labels it does not see."""
    losses = pretrain(
        network,
        samples.signals,
        epochs=epochs,
        batch_size=_PRETRAINING_BATCH,
        learning_rate=_PRETRAINING_RATE,
        device=device,
        seed=seed,
    )
    tell_losses(losses, "pre-training")


def trained_on(
    network: FindingsNetwork,
    samples: Samples,
    schedule: Schedule,
    *,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> None:
    """Train a network on labelled recordings."""
    loss = nn.BCEWithLogitsLoss()
    tell_losses(fit(network, samples.signals, samples.truth, loss, schedule, augmented, device=device, seed=seed))


def _train(
    options: argparse.Namespace, size: Size, names: Sequence[str], device: torch.device
) -> tuple[FindingsNetwork, dict[str, object]]:
    """Pre-train and train; return the network and what is to be told of its training."""
    samples = _samples(options, "training", size.training, names)
    _LOG.info("%d recordings", len(samples.truth))
    settings = NetworkSettings(labels=len(names), channels=size.channels)
    network = FindingsNetwork(settings)
    started = time.perf_counter()
    pretrained(network, samples, size.pretraining_epochs, device=device, seed=options.seed)
    trained_on(network, samples, size.schedule, device=device, seed=options.seed)
    told = {
        "recordings": len(samples.truth),
        "pretraining_epochs": size.pretraining_epochs,
        **asdict(size.schedule),
    }
    description = describe_training(
        options, told, started=started, simulated="phantoms/ecg", read="records of a folder"
    )
    return network, {"network": asdict(settings), "labels": list(names), **description}


def _trained(folder: Path, device: torch.device) -> tuple[FindingsNetwork, dict[str, object]]:
    """The network of a model folder and what it tells of its training."""
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    network = FindingsNetwork(settings_of(description))
    network.load_state_dict(load_file(folder / WEIGHTS))
    network.to(device).eval()
    return network, {key: value for key, value in description.items() if key not in ("calibration", "figures")}


def _judged(
    options: argparse.Namespace, size: Size, network: FindingsNetwork, names: Sequence[str], device: torch.device
) -> dict[str, object]:
    """Calibrate on the validation data, write the gates' references, measure on the test data."""
    validation = _samples(options, "validation", size.held_out, names)
    logits = logits_of(network, validation, device=device)
    calibrations = {
        name: fit_calibration(logits[:, index], validation.truth[:, index].astype(np.float64))
        for index, name in enumerate(names)
    }
    description = "simulated recordings of training" if options.data is None else "recordings of training"
    embeddings = predict(network.embed, validation.signals, batch_size=128, device=device).astype(np.float64)
    fit_accepting(description, embeddings).save(options.output / "reference.json")
    if options.data is None:
        profiles = simulated_profiles(part_seeds("validation", size.held_out), processes=options.processes)
    else:
        profiles = recorded_profiles(options.data)
    fit_accepting(description, profiles).save(options.output / "profile.json")
    test = _samples(options, "test", size.held_out, names)
    figures = figures_of(network, test, names, calibrations, device=device)
    _LOG.info("figures: %s", json.dumps(figures, indent=1))
    return {"calibration": describe_calibrations(calibrations), "figures": figures}


def _samples(options: argparse.Namespace, part: str, count: int, names: Sequence[str]) -> Samples:
    if options.data is not None:
        return read_records(options.data, part, names)
    return simulate_samples(part_seeds(part, count), names, processes=options.processes)


def _parser() -> argparse.ArgumentParser:
    parser = training_parser(
        "ecg_findings", SIZES, MODEL_FOLDER, description=main.__doc__, data="WFDB records with labels.csv"
    )
    parser.add_argument("--weights", type=Path, help="a trained model's folder: only calibrate, judge and measure")
    return parser


if __name__ == "__main__":
    main()
