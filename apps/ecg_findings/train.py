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
from safetensors.torch import save_file

from apps.ecg_findings.labels import load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.training.figures import figures_of
from apps.ecg_findings.training.loop import embeddings_of, logits_of, train
from apps.ecg_findings.training.pretraining import pretrain
from apps.ecg_findings.training.records import read_records
from apps.ecg_findings.training.samples import Samples, simulate_samples
from operators.check.domain_shift import fit_reference
from operators.infer.calibration import describe_calibrations, fit_calibration

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
    """Make or read the samples, train, calibrate, measure, write weights and model.json."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    size, labels = SIZES[options.size], load_labels()
    names = [label.name for label in labels]
    parts = _samples(options, size, names)
    _LOG.info("samples: %s", {name: len(part.truth) for name, part in parts.items()})
    settings = NetworkSettings(labels=len(names), channels=size.channels)
    network = FindingsNetwork(settings)
    begin = time.perf_counter()
    for epoch, loss in enumerate(
        pretrain(network, parts["training"].signals, epochs=size.pretraining_epochs, batch_size=64, learning_rate=1e-3)
    ):
        _LOG.info("pre-training epoch %d: %.5f mV²", epoch + 1, loss)
    for epoch, loss in enumerate(
        train(
            network,
            parts["training"],
            epochs=size.epochs,
            batch_size=size.batch_size,
            learning_rate=size.learning_rate,
            seed=options.seed,
        )
    ):
        _LOG.info("epoch %d: loss %.4f", epoch + 1, loss)
    _write(options.output, network, settings, parts, names, size, options, time.perf_counter() - begin)


def _samples(options: argparse.Namespace, size: Size, names: Sequence[str]) -> dict[str, Samples]:
    if options.data is not None:
        return read_records(options.data, names)
    counts = {"training": size.training, "validation": size.validation, "test": size.test}
    return {
        part: simulate_samples(
            range(_FIRST_SEEDS[part], _FIRST_SEEDS[part] + count), names, processes=options.processes
        )
        for part, count in counts.items()
    }


def _write(
    folder: Path,
    network: FindingsNetwork,
    settings: NetworkSettings,
    parts: dict[str, Samples],
    names: Sequence[str],
    size: Size,
    options: argparse.Namespace,
    seconds: float,
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    validation = parts["validation"]
    logits = logits_of(network, validation.signals)
    calibrations = {
        name: fit_calibration(logits[:, index], validation.truth[:, index].astype(np.float64))
        for index, name in enumerate(names)
    }
    half = len(validation.signals) // 2
    embeddings = embeddings_of(network, validation.signals)
    reference = fit_reference(
        "simulated recordings of training", list(embeddings[:half]), list(embeddings[half:]), margin=1.2
    )
    reference.save(folder / "reference.json")
    weights = folder / "findings.safetensors"
    state = network.state_dict()
    save_file({name: each.half() if each.is_floating_point() else each for name, each in state.items()}, weights)
    # safetensors makes files that only their owner may read.
    weights.chmod(0o644)
    description = {
        "notice": NOTICE if options.data is None else "weights of a site's own training",
        "network": asdict(settings),
        "labels": list(names),
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "calibration": describe_calibrations(calibrations),
        "data": "phantoms/ecg" if options.data is None else "records of a folder",
        "seeds": _FIRST_SEEDS if options.data is None else None,
        "training": {**asdict(size), "seconds": round(seconds), "torch": torch.__version__, "seed": options.seed},
        "figures": figures_of(network, parts["test"], names, calibrations),
    }
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    _LOG.info("figures: %s", json.dumps(description["figures"], indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gantry train ecg_findings", description=main.__doc__)
    parser.add_argument("--size", choices=SIZES, default="cpu")
    parser.add_argument("--data", type=Path, help="folder of WFDB records with labels.csv instead of phantoms")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processes", type=int, default=2, help="processes that simulate")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    main()
