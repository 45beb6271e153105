"""Global convolutions of 7 and 3 against a plain U-Net: ``python -m apps.us_breast_lesion.ablation``."""

from __future__ import annotations

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import replace

import torch

from apps.us_breast_lesion.network import NetworkSettings
from apps.us_breast_lesion.train import Size, train
from apps.us_breast_lesion.training.figures import figures_of
from apps.us_breast_lesion.training.samples import simulate_samples
from operators.learn.comparison import comparison_table
from operators.learn.loop import Schedule
from operators.learn.program import part_seeds

KERNELS = (7, 3, 0)
PIXELS = 64
SIZE = Size(1200, 120, NetworkSettings((8, 16, 32, 64)), ((PIXELS, Schedule(12, 16, 3e-3)),))
_SHOWN = ("mean_dice", "pooled_dice", "dice_5th_percentile", "masses_missed", "normals_marked", "long_axis_within_1_mm")


def main(argv: Sequence[str] | None = None) -> None:
    """Train each kernel with several seeds on the same pictures; print what they reach on the same others."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    training = simulate_samples(part_seeds("training", options.pictures))
    test = simulate_samples(part_seeds("test", SIZE.held_out))
    size = replace(SIZE, stages=((PIXELS, replace(SIZE.stages[0][1], epochs=options.epochs)),))
    found: dict[int, list[dict[str, float | None]]] = {kernel: [] for kernel in KERNELS}
    for seed in range(options.seeds):
        for kernel in KERNELS:
            network = train(training, size, network=replace(size.network, kernel=kernel), seed=seed)
            found[kernel].append(figures_of(network, test, size.pixels))
            logging.info("seed %d, kernel %d: %s", seed, kernel, json.dumps(found[kernel][-1]))
    print(comparison_table("kernel", found, _SHOWN))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ablation us_breast_lesion", description=main.__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--pictures", type=int, default=SIZE.training)
    parser.add_argument("--epochs", type=int, default=SIZE.stages[0][1].epochs)
    parser.add_argument("--threads", type=int, default=2)
    return parser


if __name__ == "__main__":
    main()
