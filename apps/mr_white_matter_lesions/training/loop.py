"""The training of one network."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import torch
from safetensors.torch import load_file

from apps.mr_white_matter_lesions.network import UNet
from apps.mr_white_matter_lesions.training.loss import cross_entropy_and_dice
from apps.mr_white_matter_lesions.training.samples import Patches
from apps.mr_white_matter_lesions.training.settings import TrainingSettings

_LOG = logging.getLogger(__name__)

# Steps over which AdamW's learning rate rises: its second moments are meaningless before that.
_WARM_UP = 30


@dataclass(frozen=True)
class Trained:
    """What a training run did: mean loss over the last tenth of its steps, wall time in seconds."""

    steps: int
    loss: float
    seconds: float


def train_network(
    network: UNet,
    patches: Patches,
    settings: TrainingSettings,
    *,
    steps: int,
    device: torch.device,
    balance: float = 0.0,
    checkpoint: Path | None = None,
    checkpoint_seconds: float = 180.0,
    report: Callable[[int, float], None] | None = None,
) -> Trained:
    """Minimise the loss over ``steps`` batches; the network stays on the device, in training mode.

    ``balance`` as in :class:`~apps.mr_white_matter_lesions.training.settings.TargetSettings`.
    ``checkpoint`` is written every ``checkpoint_seconds`` and read at the start where it exists, so that a run that
    was cut off goes on. ``report`` gets every step's number and loss.
    """
    network.to(device).train()
    optimiser = _optimiser(network, settings)
    first = _resume(checkpoint, network, optimiser, device)
    started = saved = time.monotonic()
    losses: list[float] = []
    frequencies = patches.class_weights(network.settings.classes, balance).to(device)
    batches = _ahead(patches)
    for step in range(first, steps):
        images, labels = next(batches)
        images, labels = images.to(device, non_blocking=True), labels.to(device, non_blocking=True)
        for group in optimiser.param_groups:
            group["lr"] = learning_rate(step, steps, settings)
        # bfloat16 needs no loss scaling and is two to three times as fast on a CPU with AVX-512 BF16 too.
        with torch.autocast(device.type, torch.bfloat16):
            logits = network(images)
        weights = frequencies ** (1 - step / steps) if balance > 0 else None
        loss = cross_entropy_and_dice(logits, labels, class_weights=weights)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 12.0)
        optimiser.step()
        losses.append(float(loss.detach()))
        if report is not None:
            report(step, losses[-1])
        if checkpoint is not None and time.monotonic() - saved > checkpoint_seconds:
            _save(checkpoint, network, optimiser, step + 1)
            saved = time.monotonic()
    tail = losses[-max(1, len(losses) // 10) :]
    return Trained(steps, sum(tail) / max(1, len(tail)), time.monotonic() - started)


def learning_rate(step: int, steps: int, settings: TrainingSettings) -> float:
    """Cosine from the initial rate to 1e-9 over all steps, with a short linear start for AdamW."""
    rate = 1e-9 + (settings.learning_rate - 1e-9) * 0.5 * (1 + cos(pi * step / steps))
    return rate * min(1.0, (step + 1) / _WARM_UP) if settings.optimiser == "adamw" else rate


def start_from(network: UNet, path: Path, channel: int | None = None) -> None:
    """Copy the weights of a trained network, or of one with more inputs, of which one ``channel`` remains.

    In that case the first convolution is multiplied by the number of inputs it had, so that its sums keep their size.
    """
    weights = {name: value.float() for name, value in load_file(path).items()}
    if channel is not None:
        first = "down.0.0.weight"
        weights[first] = weights[first][:, channel : channel + 1] * weights[first].shape[1]
    network.load_state_dict(weights)


def _optimiser(network: UNet, settings: TrainingSettings) -> torch.optim.Optimizer:
    if settings.optimiser == "sgd":
        return torch.optim.SGD(
            network.parameters(),
            lr=settings.learning_rate,
            momentum=0.9,
            nesterov=True,
            weight_decay=settings.weight_decay,
        )
    return torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)


def _ahead(patches: Patches) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Batches, each made by a second thread while the one before it is being learned."""
    with ThreadPoolExecutor(1) as pool:
        coming = pool.submit(patches.batch)
        while True:
            batch = coming.result()
            coming = pool.submit(patches.batch)
            yield batch


def _save(path: Path, network: UNet, optimiser: torch.optim.Optimizer, step: int) -> None:
    unfinished = path.with_suffix(".unfinished")
    torch.save({"step": step, "network": network.state_dict(), "optimiser": optimiser.state_dict()}, unfinished)
    unfinished.rename(path)


def _resume(path: Path | None, network: UNet, optimiser: torch.optim.Optimizer, device: torch.device) -> int:
    if path is None or not path.exists():
        return 0
    state = torch.load(path, map_location=device, weights_only=True)
    network.load_state_dict(state["network"])
    optimiser.load_state_dict(state["optimiser"])
    _LOG.info("going on at step %d of %s", state["step"], path.name)
    return int(state["step"])
