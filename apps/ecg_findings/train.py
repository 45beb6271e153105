"""Train the app's network: ``python -m apps.ecg_findings.train --size cpu|gpu``.

On phantoms, or with ``--data FOLDER`` on WFDB records with labels as PTB-XL and CODE-15 % give them
(:mod:`apps.ecg_findings.training.records`).
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

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from apps.ecg_findings.classify import WEIGHTS, settings_of
from apps.ecg_findings.labels import load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.training.figures import figures_of
from apps.ecg_findings.training.loop import embeddings_of, logits_of, train
from apps.ecg_findings.training.pretraining import pretrain
from apps.ecg_findings.training.records import read_records
from apps.ecg_findings.training.references import recorded_profiles, simulated_profiles
from apps.ecg_findings.training.samples import Samples, simulate_samples
from operators.infer.calibration import describe_calibrations, fit_calibration
from operators.learn.references import fit_accepting

MODEL_FOLDER = Path(__file__).parent / "model"
NOTICE = "demonstration weights, trained on simulated data, not for clinical use"

_LOG = logging.getLogger(__name__)
_FIRST_SEEDS = {"training": 100_000, "validation": 800_000, "test": 900_000}


@dataclass(frozen=True)
class Size:
    """How large a training is."""

    training: int
    validation: int
    test: int
    pretraining_epochs: int
    epochs: int
    batch_size: int
    learning_rate: float
    channels: tuple[int, ...]


SIZES = {
    "test": Size(48, 48, 48, 1, 1, 16, 1e-3, (8, 8, 8, 8, 8)),
    "cpu": Size(8000, 1500, 1500, 2, 16, 64, 3e-3, (24, 32, 48, 64, 96)),
    "gpu": Size(200_000, 10_000, 10_000, 20, 40, 256, 3e-3, (64, 96, 128, 192, 256)),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Make or read the samples, train, calibrate, measure, write weights, references of the gates and model.json."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    size, names = SIZES[options.size], [label.name for label in load_labels()]
    if options.weights is None:
        network, trained = _train(options, size, names)
    else:
        network, trained = _trained(options.weights)
    options.output.mkdir(parents=True, exist_ok=True)
    _write(options.output, network, {**trained, **_judged(options, size, network, names)})


def _train(options: argparse.Namespace, size: Size, names: Sequence[str]) -> tuple[FindingsNetwork, dict[str, object]]:
    """Pre-train and train; return the network and what is to be told of its training."""
    samples = _samples(options, "training", size.training, names)
    _LOG.info("%d recordings", len(samples.truth))
    settings = NetworkSettings(labels=len(names), channels=size.channels)
    network = FindingsNetwork(settings)
    begin = time.perf_counter()
    for epoch, loss in enumerate(
        pretrain(network, samples.signals, epochs=size.pretraining_epochs, batch_size=64, learning_rate=1e-3)
    ):
        _LOG.info("pre-training epoch %d: %.5f mV²", epoch + 1, loss)
    for epoch, loss in enumerate(
        train(
            network,
            samples,
            epochs=size.epochs,
            batch_size=size.batch_size,
            learning_rate=size.learning_rate,
            seed=options.seed,
        )
    ):
        _LOG.info("epoch %d: loss %.4f", epoch + 1, loss)
    return network, {
        "notice": NOTICE if options.data is None else "weights of a site's own training",
        "network": asdict(settings),
        "labels": list(names),
        "data": "phantoms/ecg" if options.data is None else "records of a folder",
        "seeds": _FIRST_SEEDS if options.data is None else None,
        "training": {
            **asdict(size),
            "seconds": round(time.perf_counter() - begin),
            "torch": torch.__version__,
            "seed": options.seed,
        },
    }


def _trained(folder: Path) -> tuple[FindingsNetwork, dict[str, object]]:
    """The network of a model folder and what it tells of its training."""
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    network = FindingsNetwork(settings_of(description))
    network.load_state_dict(
        {name: each.float() if each.is_floating_point() else each for name, each in load_file(folder / WEIGHTS).items()}
    )
    network.eval()
    return network, {key: value for key, value in description.items() if key not in ("calibration", "figures")}


def _judged(
    options: argparse.Namespace, size: Size, network: FindingsNetwork, names: Sequence[str]
) -> dict[str, object]:
    """Calibrate on the validation data, write the gates' references, measure on the test data."""
    validation = _samples(options, "validation", size.validation, names)
    logits = logits_of(network, validation.signals)
    calibrations = {
        name: fit_calibration(logits[:, index], validation.truth[:, index].astype(np.float64))
        for index, name in enumerate(names)
    }
    description = "simulated recordings of training" if options.data is None else "recordings of training"
    likeness = fit_accepting(description, embeddings_of(network, validation.signals))
    likeness.save(options.output / "reference.json")
    if options.data is None:
        seeds = range(_FIRST_SEEDS["validation"], _FIRST_SEEDS["validation"] + size.validation)
        profiles = simulated_profiles(seeds, processes=options.processes)
    else:
        profiles = recorded_profiles(options.data)
    fit_accepting(description, profiles).save(options.output / "profile.json")
    figures = figures_of(network, _samples(options, "test", size.test, names), names, calibrations)
    _LOG.info("figures: %s", json.dumps(figures, indent=1))
    return {"calibration": describe_calibrations(calibrations), "figures": figures}


def _samples(options: argparse.Namespace, part: str, count: int, names: Sequence[str]) -> Samples:
    if options.data is not None:
        return read_records(options.data, part, names)
    first = _FIRST_SEEDS[part]
    return simulate_samples(range(first, first + count), names, processes=options.processes)


def _write(folder: Path, network: FindingsNetwork, description: dict[str, object]) -> None:
    weights = folder / WEIGHTS
    state = network.state_dict()
    save_file({name: each.half() if each.is_floating_point() else each for name, each in state.items()}, weights)
    # safetensors makes files that only their owner may read.
    weights.chmod(0o644)
    description["sha256"] = hashlib.sha256(weights.read_bytes()).hexdigest()
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantry train ecg_findings", description=main.__doc__)
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--data", type=Path, help="folder of WFDB records with labels.csv instead of phantoms")
    parser.add_argument("--weights", type=Path, help="a trained model's folder: only calibrate, judge and measure")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="processes that simulate")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
