"""Haar pooling against its twin with maximum pooling: ``python -m apps.us_joint_effusion.ablation``."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from apps.us_joint_effusion.network import NetworkSettings
from apps.us_joint_effusion.train import Size, train
from apps.us_joint_effusion.training.figures import noise_figures
from apps.us_joint_effusion.training.samples import simulate_samples
from operators.learn.loop import Schedule

POOLINGS = ("haar", "maximum")
SIZE = Size(480, 150, 64, NetworkSettings((8, 16, 32, 64, 128), 1), Schedule(10, 16, 3e-3))
_FIRST_TRAINING, _FIRST_TEST = 100_000, 900_000


def main(argv: Sequence[str] | None = None) -> None:
    """Train each pooling with several seeds on the same pictures; print Dice, clean and under noise."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    size = replace(SIZE, pixels=options.pixels, training=options.pictures)
    size = replace(size, schedule=replace(size.schedule, epochs=options.epochs))
    training = simulate_samples(range(_FIRST_TRAINING, _FIRST_TRAINING + size.training))
    test = simulate_samples(range(_FIRST_TEST, _FIRST_TEST + size.held_out))
    found: dict[str, list[dict[str, float]]] = {pooling: [] for pooling in POOLINGS}
    for seed in range(options.seeds):
        for pooling in POOLINGS:
            network = train(training, size, network=replace(size.network, pooling=pooling), seed=seed)
            found[pooling].append(noise_figures(network, test, size.pixels, size.network.inputs))
            logging.info("seed %d, %s: %s", seed, pooling, json.dumps(found[pooling][-1]))
    print(table(found))


def table(found: dict[str, list[dict[str, float]]]) -> str:
    """Return mean ± standard deviation over the seeds as a table in Markdown."""
    names = list(next(iter(found.values()))[0])
    lines = ["| pooling | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for pooling, runs in found.items():
        cells = [np.array([run[name] for run in runs]) for name in names]
        lines.append(f"| {pooling} | " + " | ".join(f"{cell.mean():.3f} ± {cell.std():.3f}" for cell in cells) + " |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ablation us_joint_effusion", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pixels", type=int, default=SIZE.pixels)
    parser.add_argument("--pictures", type=int, default=SIZE.training)
    parser.add_argument("--epochs", type=int, default=SIZE.schedule.epochs)
    parser.add_argument("--threads", type=int, default=2)
    return parser


if __name__ == "__main__":
    main()
