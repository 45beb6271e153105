"""Masked pre-training against training from scratch with few labels: ``python -m apps.ecg_findings.ablation``."""

from __future__ import annotations

import argparse
import copy
import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from apps.ecg_findings.labels import load_labels
from apps.ecg_findings.network import FindingsNetwork, NetworkSettings
from apps.ecg_findings.train import pretrained, trained_on
from apps.ecg_findings.training.figures import areas_of, lead_ii_only, logits_of, mean_area
from apps.ecg_findings.training.samples import Samples, simulate_samples
from operators.learn.comparison import comparison_table
from operators.learn.loop import Schedule
from operators.learn.program import part_seeds

SCHEDULES = {100: Schedule(100, 32, 3e-3), 250: Schedule(60, 32, 3e-3), 1000: Schedule(30, 32, 3e-3)}
"""How long training goes on by the number of labelled recordings: the same from scratch and after pre-training."""

_SHOWN = ("macro_auroc", "macro_auroc_lead_ii")


def main(argv: Sequence[str] | None = None) -> None:
    """Train on a few labelled recordings, from scratch and pre-trained on all; print what both reach on others."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    names = [label.name for label in load_labels()]
    training = simulate_samples(part_seeds("training", options.recordings), names)
    test = simulate_samples(part_seeds("test", options.test), names)
    found: dict[str, list[dict[str, float]]] = {}
    for seed in range(options.seeds):
        torch.manual_seed(seed)
        scratch = FindingsNetwork(NetworkSettings(labels=len(names)))
        prepared = copy.deepcopy(scratch)
        pretrained(prepared, training, options.pretraining_epochs, seed=seed)
        for count in options.labelled:
            schedule = replace(SCHEDULES[count], learning_rate=options.learning_rate)
            labelled = _chosen(training, count, seed)
            for start, network in (("scratch", scratch), ("pre-trained", prepared)):
                figures = _reached(copy.deepcopy(network), labelled, schedule, test, names, seed)
                found.setdefault(f"{count}, {start}", []).append(figures)
                logging.info("seed %d, %d labelled, %s: %s", seed, count, start, figures)
    print(comparison_table("labelled recordings, start", found, _SHOWN))


def _chosen(samples: Samples, count: int, seed: int) -> Samples:
    """The recordings whose labels are known: others for each seed."""
    rows = np.random.default_rng([seed, 11]).permutation(len(samples.truth))[:count]
    return Samples(samples.signals[rows], samples.truth[rows])


def _reached(
    network: FindingsNetwork, labelled: Samples, schedule: Schedule, test: Samples, names: Sequence[str], seed: int
) -> dict[str, float]:
    # Dropout draws from torch's own stream: it is the same for both networks.
    torch.manual_seed(seed)
    trained_on(network, labelled, schedule, seed=seed)
    sets = (test, lead_ii_only(test))
    areas = [mean_area(areas_of(logits_of(network, samples), samples, names)) for samples in sets]
    return dict(zip(_SHOWN, areas, strict=True))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ablation ecg_findings", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--recordings", type=int, default=8000, help="recordings of pre-training, without labels")
    parser.add_argument("--test", type=int, default=1000)
    parser.add_argument("--labelled", type=int, nargs="+", choices=tuple(SCHEDULES), default=tuple(SCHEDULES))
    parser.add_argument("--pretraining-epochs", type=int, default=10)
    parser.add_argument("--learning-rate", type=float, default=3e-3, help="of training; the largest of its cycle")
    parser.add_argument("--threads", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
