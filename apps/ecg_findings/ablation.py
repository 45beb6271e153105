"""Masked pre-training against training from scratch with few labels: ``python -m apps.ecg_findings.ablation``."""

from __future__ import annotations

import argparse
import copy
import logging
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from apps.ecg_findings.labels import load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.training.pretraining import pretrain
from apps.ecg_findings.training.samples import Samples, augmented, simulate_samples
from operators.learn.loop import Schedule, fit, predict
from operators.learn.scores import area_under_curve

SCHEDULES = {250: Schedule(60, 32, 3e-3), 1000: Schedule(30, 32, 3e-3)}
"""How long training goes on by the number of labelled recordings: the same from scratch and after pre-training."""

_FIRST_TRAINING, _FIRST_TEST = 100_000, 900_000
_PRETRAINING_BATCH, _PRETRAINING_RATE = 64, 1e-3

Found = dict[tuple[int, bool], list[float]]
"""Macro-AUROC by the number of labelled recordings and whether the network was pre-trained, one for each seed."""


def main(argv: Sequence[str] | None = None) -> None:
    """Train on a few labelled recordings, from scratch and pre-trained on all; print what both reach on others."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    names = [label.name for label in load_labels()]
    training = simulate_samples(range(_FIRST_TRAINING, _FIRST_TRAINING + options.recordings), names)
    test = simulate_samples(range(_FIRST_TEST, _FIRST_TEST + options.test), names)
    found: Found = {(count, pretrained): [] for count in options.labelled for pretrained in (False, True)}
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        fresh = FindingsNetwork(NetworkSettings(labels=len(names)))
        pretrained = copy.deepcopy(fresh)
        _pretrain(pretrained, training, options.pretraining_epochs, seed)
        for count in options.labelled:
            labelled = _chosen(training, count, seed)
            for network in (fresh, pretrained):
                area = _trained(copy.deepcopy(network), labelled, test, options.epochs, seed)
                found[count, network is pretrained].append(area)
                logging.info("seed %d, %d labelled, pre-trained %s: %.4f", seed, count, network is pretrained, area)
    print(table(found))


def table(found: Found) -> str:
    """Return every seed's macro-AUROC and their mean as a table in Markdown."""
    seeds = len(next(iter(found.values())))
    lines = ["| labelled | start | " + " | ".join(f"seed {seed}" for seed in range(seeds)) + " | mean |"]
    lines.append("|---" * (seeds + 3) + "|")
    for (count, pretrained), areas in found.items():
        start = "pre-trained" if pretrained else "scratch"
        cells = " | ".join(f"{area:.4f}" for area in [*areas, np.mean(areas)])
        lines.append(f"| {count} | {start} | {cells} |")
    return "\n".join(lines)


def _pretrain(network: FindingsNetwork, samples: Samples, epochs: int, seed: int) -> None:
    losses = pretrain(
        network,
        samples.signals,
        epochs=epochs,
        batch_size=_PRETRAINING_BATCH,
        learning_rate=_PRETRAINING_RATE,
        seed=seed,
    )
    for epoch, loss in enumerate(losses, start=1):
        logging.info("seed %d, pre-training epoch %d: %.5f mV²", seed, epoch, loss)


def _chosen(samples: Samples, count: int, seed: int) -> Samples:
    """The recordings whose labels are known: others for each seed."""
    rows = np.random.default_rng([seed, 11]).permutation(len(samples.truth))[:count]
    return Samples(samples.signals[rows], samples.truth[rows])


def _trained(network: FindingsNetwork, labelled: Samples, test: Samples, epochs: int | None, seed: int) -> float:
    """Train a network; the macro-AUROC that it reaches on the test recordings."""
    schedule = SCHEDULES[len(labelled.truth)]
    if epochs is not None:
        schedule = Schedule(epochs, schedule.batch_size, schedule.learning_rate)
    # Dropout draws from torch's own stream: it is the same for both networks.
    torch.manual_seed(seed)
    for _ in fit(network, labelled.signals, labelled.truth, nn.BCEWithLogitsLoss(), schedule, augmented, seed=seed):
        pass
    logits = predict(network, test.signals).astype(np.float64)
    truth = test.truth.astype(np.float64)
    return float(np.nanmean([area_under_curve(logits[:, label], truth[:, label]) for label in range(truth.shape[1])]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ablation ecg_findings", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recordings", type=int, default=8000, help="recordings of pre-training, without labels")
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--labelled", type=int, nargs="+", choices=tuple(SCHEDULES), default=tuple(SCHEDULES))
    parser.add_argument("--pretraining-epochs", type=int, default=10)
    parser.add_argument("--epochs", type=int, help="of training, instead of those of the number of labelled ones")
    parser.add_argument("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
