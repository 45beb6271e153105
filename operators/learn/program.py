"""What every training program is told and tells: its options, the seeds of its parts, its model.json."""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import torch

from operators.infer.device import choose_device

Made = TypeVar("Made")

DEMONSTRATION = "demonstration weights, trained on simulated data, not for clinical use"
OWN_TRAINING = "weights of a site's own training"

_TRIAL = "test"
SIZE_HELP = "how much to train (default: cpu); test only tries the way, in seconds, and its model finds nothing"

FIRST_SEEDS = {"training": 100_000, "validation": 800_000, "test": 900_000, "other_scanner": 950_000}
"""Of simulated data: so far from each other that no part ever holds a sample of another."""

_LOG = logging.getLogger(__name__)


def training_parser(
    app: str, sizes: Iterable[str], output: Path, *, description: str | None, data: str
) -> argparse.ArgumentParser:
    """Return the options that every training program has; ``data`` says what ``--data`` is a folder of."""
    parser = argparse.ArgumentParser(prog=f"gantry train {app}", description=description)
    parser.add_argument("--size", choices=tuple(sizes), default="cpu", help=SIZE_HELP)
    parser.add_argument("--data", type=Path, help=f"folder of {data}; without it they are simulated")
    parser.add_argument("--output", type=Path, default=output, help="where weights and model.json go")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, default=2, help="of the training on a CPU")
    parser.add_argument("--processes", type=int, default=2, help="that simulate")
    parser.add_argument("--seed", type=int, default=0)
    return parser


def begin(options: argparse.Namespace) -> torch.device:
    """Let the program tell its progress, set threads and random numbers as told; return the device."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    if options.size == _TRIAL:
        _LOG.info("size %s tries the way only: what it trains finds nothing", _TRIAL)
    return choose_device(options.device)


def part_seeds(part: str, count: int) -> range:
    """Return the seeds of the first ``count`` simulated samples of a part."""
    return range(FIRST_SEEDS[part], FIRST_SEEDS[part] + count)


def simulate(make: Callable[[int], Made], seeds: Sequence[int], *, processes: int = 1) -> list[Made]:
    """Return what ``make`` gives for each seed, made in so many processes; it is a function of a module."""
    if processes == 1:
        return [make(seed) for seed in seeds]
    with ProcessPoolExecutor(processes) as pool:
        return list(pool.map(make, seeds, chunksize=16))


def simulated_parts(
    samples: Callable[..., list[Made]], training: int, held_out: int, *, processes: int, **other_scanner: object
) -> dict[str, list[Made]]:
    """Return the samples of every part: ``training`` of the first, ``held_out`` of each of the others.

    ``samples(seeds, processes=...)`` simulates them; those of the last part with the arguments ``other_scanner``, too.
    """
    counts = dict.fromkeys(FIRST_SEEDS, held_out) | {"training": training}
    return {
        part: samples(
            part_seeds(part, count), processes=processes, **(other_scanner if part == "other_scanner" else {})
        )
        for part, count in counts.items()
    }


def tell_losses(losses: Iterable[float], stage: str = "") -> None:
    """Train, since losses come while it is trained, and tell each epoch's."""
    for epoch, loss in enumerate(losses, start=1):
        _LOG.info("%sepoch %d: loss %.5f", f"{stage}, " if stage else "", epoch, loss)


def describe_training(
    options: argparse.Namespace, settings: Mapping[str, Any], *, started: float, simulated: str, read: str
) -> dict[str, Any]:
    """Return what ``model.json`` says of a training: notice, data, seeds, settings, duration.

    ``started`` is ``time.perf_counter()`` then; ``simulated`` and ``read`` are what the data are called without
    and with ``--data``.
    """
    is_simulated = options.data is None
    return {
        "notice": DEMONSTRATION if is_simulated else OWN_TRAINING,
        "data": simulated if is_simulated else read,
        "seeds": FIRST_SEEDS if is_simulated else None,
        "training": {
            **settings,
            "seconds": round(time.perf_counter() - started),
            "torch": torch.__version__,
            "seed": options.seed,
        },
    }


def write_description(folder: Path, description: Mapping[str, Any]) -> None:
    """Write ``model.json``."""
    (folder / "model.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
