"""Haar pooling against its twin with maximum pooling: ``python -m apps.us_joint_effusion.ablation``."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import replace

import torch

from apps.us_joint_effusion.network import NetworkSettings
from apps.us_joint_effusion.train import Size, train
from apps.us_joint_effusion.training.figures import noise_figures
from apps.us_joint_effusion.training.samples import simulate_samples
from operators.learn.comparison import comparison_table
from operators.learn.loop import Schedule
from operators.learn.program import part_seeds

POOLINGS = ("haar", "maximum")
SIZE = Size(480, 150, 64, NetworkSettings((8, 16, 32, 64, 128), 1), Schedule(10, 16, 3e-3))


def main(argv: Sequence[str] | None = None) -> None:
    """Train each pooling with several seeds on the same pictures; print Dice, clean and under noise."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    size = replace(SIZE, pixels=options.pixels, training=options.pictures)
    size = replace(size, schedule=replace(size.schedule, epochs=options.epochs))
    training = simulate_samples(part_seeds("training", size.training))
    test = simulate_samples(part_seeds("test", size.held_out))
    found: dict[str, list[dict[str, float]]] = {pooling: [] for pooling in POOLINGS}
    for seed in range(options.seeds):
        for pooling in POOLINGS:
            network = train(training, size, network=replace(size.network, pooling=pooling), seed=seed)
            found[pooling].append(noise_figures(network, test, size.pixels, size.network.inputs))
            logging.info("seed %d, %s: %s", seed, pooling, json.dumps(found[pooling][-1]))
    print(comparison_table("pooling", found, tuple(found[POOLINGS[0]][0])))


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
