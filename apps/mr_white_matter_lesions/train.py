"""Train the app's networks: ``python -m apps.mr_white_matter_lesions.train --size cpu|gpu|paper``."""

from __future__ import annotations

import argparse
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch

from apps.mr_white_matter_lesions.model_file import MODEL_FOLDER
from apps.mr_white_matter_lesions.network import UNet
from apps.mr_white_matter_lesions.training.description import describe_network, describe_training, earlier_training
from apps.mr_white_matter_lesions.training.loop import start_from, train_network
from apps.mr_white_matter_lesions.training.samples import Patches, Sample, load_samples, samples_of_role
from apps.mr_white_matter_lesions.training.settings import ROLES, SIZES, Role, TrainingSettings, augmentation_of
from apps.mr_white_matter_lesions.training.studies import (
    cache_folder,
    cache_simulated,
    sample_file,
    study_folders,
    training_seeds,
)
from operators.infer.device import choose_device
from operators.learn.weights import store_weights

_LOG = logging.getLogger(__name__)


def main(argv: Sequence[str] | None = None) -> None:
    """Make the training samples, train the chosen networks one after the other, write weights and model.json."""
    options = _parser().parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", force=True)
    if options.threads:
        torch.set_num_threads(options.threads)
    settings = _settings(options)
    device = choose_device(options.device)
    work = options.work or Path(tempfile.gettempdir()) / f"mr_white_matter_lesions-{options.size}"
    work.mkdir(parents=True, exist_ok=True)
    options.output.mkdir(parents=True, exist_ok=True)

    names = _prepare(options, settings, work)
    description = describe_training(options.size, settings, data=_origin(options, names), device=device)
    for role in ROLES:
        if role.name in options.roles:
            for fold in range(settings.folds):
                _train_role(role, fold, names, settings, work, options, device, description)


def _train_role(
    role: Role,
    fold: int,
    names: Sequence[int | str],
    settings: TrainingSettings,
    work: Path,
    options: argparse.Namespace,
    device: torch.device,
    description: dict[str, object],
) -> None:
    target = settings.of(role.target)
    # Every fold leaves out its own fifth of the cases; a single network learns from all of them.
    kept = [name for position, name in enumerate(names) if settings.folds == 1 or position % settings.folds != fold]
    samples = _load(kept, role, settings, work)
    _LOG.info("%s fold %d: %d samples of %d studies, %s", role.name, fold, len(samples), len(kept), target)
    torch.manual_seed(options.seed + fold)
    suffix = "" if settings.folds == 1 else f"_fold{fold}"
    network = UNet(target.network(role))
    earlier = None
    if options.start is not None:
        earlier = earlier_training(options.start, role.name)
        start_from(network, options.start / f"{role.name}{suffix}.safetensors")
    elif settings.later_steps is not None and role.starts_from is not None:
        first, channel = role.starts_from
        earlier = {**earlier_training(options.output, first), "channel": channel}
        start_from(network, options.output / f"{first}.safetensors", channel)
    patches = Patches(samples, target, augmentation_of(role, target), seed=options.seed + 1000 * fold)
    checkpoint = work / f"{role.name}{suffix}.checkpoint"
    trained = train_network(
        network,
        patches,
        settings,
        steps=settings.steps(role),
        device=device,
        balance=target.balance,
        checkpoint=checkpoint,
        report=_reporter(role.name),
    )
    path = options.output / f"{role.name}{suffix}.safetensors"
    store_weights(network, path)
    checkpoint.unlink(missing_ok=True)
    describe_network(options.output, role, path, target, trained, {**description, "earlier": earlier})
    _LOG.info(
        "%s: loss %.4f after %d steps in %.0f s, %s", role.name, trained.loss, trained.steps, trained.seconds, path
    )


def _prepare(options: argparse.Namespace, settings: TrainingSettings, work: Path) -> list[int | str]:
    """Samples of every study in the work folder, made in parallel processes; returns the studies' names."""
    make: Callable[[object], None]
    if options.data is not None:
        cases = study_folders(options.data)
        names: list[int | str] = [case.name for case in cases]
        make, jobs = partial(cache_folder, settings=settings, folder=work), list[object](cases)
    else:
        names = list(training_seeds(settings.studies))
        make, jobs = partial(cache_simulated, settings=settings, folder=work), list[object](names)
    started = time.monotonic()
    # A forked child would inherit torch's locked thread pool; a spawned one starts clean.
    with ProcessPoolExecutor(options.workers, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        for done, _ in enumerate(pool.map(make, jobs), start=1):
            if done % 10 == 0 or done == len(jobs):
                _LOG.info("%d of %d studies ready after %.0f s", done, len(jobs), time.monotonic() - started)
    return names


def _one_thread() -> None:
    torch.set_num_threads(1)


def _load(names: Sequence[int | str], role: Role, settings: TrainingSettings, work: Path) -> list[Sample]:
    paths = [sample_file(work, role.target, settings, name) for name in names]
    return samples_of_role([load_samples(path) for path in paths if path.exists()], role)


def _origin(options: argparse.Namespace, names: Sequence[int | str]) -> str:
    if options.data is not None:
        return f"{len(names)} cases of a data folder"
    return f"simulated studies (phantoms/mr_brain), seeds {names[0]} to {names[-1]}"


def _settings(options: argparse.Namespace) -> TrainingSettings:
    settings = SIZES[options.size]
    if settings.studies == 0 and options.data is None:
        raise SystemExit(f"--size {options.size} trains on real data: name its folder with --data")
    if options.studies:
        settings = replace(settings, studies=options.studies)
    if options.balance is not None:
        settings = replace(
            settings,
            lesions=replace(settings.lesions, balance=options.balance),
            regions=replace(settings.regions, balance=options.balance),
        )
    if options.steps:
        settings = replace(
            settings,
            lesions=replace(settings.lesions, steps=options.steps),
            regions=replace(settings.regions, steps=options.steps),
            later_steps=None if settings.later_steps is None else options.steps,
        )
    return settings


def _reporter(name: str, every: int = 25) -> Callable[[int, float], None]:
    losses: list[float] = []
    started = time.monotonic()

    def report(step: int, loss: float) -> None:
        losses.append(loss)
        if (step + 1) % every == 0:
            mean = sum(losses[-every:]) / len(losses[-every:])
            _LOG.info(
                "%s step %d loss %.4f, %.2f s a step", name, step + 1, mean, (time.monotonic() - started) / len(losses)
            )

    return report


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="train mr_white_matter_lesions", description=__doc__)
    parser.add_argument("--size", choices=sorted(SIZES), default="cpu", help="how much to train (default: cpu)")
    parser.add_argument("--data", type=Path, help="folder of real cases; without it studies are simulated")
    parser.add_argument("--output", type=Path, default=MODEL_FOLDER, help="where weights and model.json go")
    parser.add_argument("--work", type=Path, help="folder for prepared samples and checkpoints (default: temporary)")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or cuda:N")
    parser.add_argument("--threads", type=int, help="threads of the training on a CPU (default: torch's)")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="processes that prepare samples (default: all cores)"
    )
    parser.add_argument(
        "--roles", nargs="+", choices=[role.name for role in ROLES], default=[role.name for role in ROLES]
    )
    parser.add_argument(
        "--start", type=Path, help="folder of weights to go on from, such as the app's own; without it start afresh"
    )
    parser.add_argument("--balance", type=float, help="start of the class balance, in place of the size's own")
    parser.add_argument("--studies", type=int, help="number of simulated studies, in place of the size's own")
    parser.add_argument("--steps", type=int, help="number of steps, in place of the size's own")
    parser.add_argument("--seed", type=int, default=1)
    return parser


if __name__ == "__main__":
    main()
