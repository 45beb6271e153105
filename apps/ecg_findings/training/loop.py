"""Supervised training, calibration and figures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from apps.ecg_findings.network import FindingsNetwork
from apps.ecg_findings.training.samples import Samples, augmented


def train(
    network: FindingsNetwork, samples: Samples, *, epochs: int, batch_size: int, learning_rate: float, seed: int = 0
) -> Iterator[float]:
    """Train with binary cross-entropy and a one-cycle learning rate; yields each epoch's mean loss."""
    random = np.random.default_rng([seed, 7])
    optimizer = torch.optim.AdamW(network.parameters(), learning_rate, weight_decay=1e-2)
    steps = -(-len(samples.truth) // batch_size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, learning_rate, epochs=epochs, steps_per_epoch=steps)
    loss_of = nn.BCEWithLogitsLoss()
    network.train()
    for _ in range(epochs):
        losses = []
        for chosen in np.array_split(random.permutation(len(samples.truth)), steps):
            signals, truth = augmented(samples.signals[chosen].astype(np.float32), samples.truth[chosen], random)
            loss = loss_of(network(torch.from_numpy(signals)), torch.from_numpy(truth))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(float(loss.detach()))
        yield float(np.mean(losses))
    network.eval()


@torch.no_grad()
def logits_of(network: FindingsNetwork, signals: NDArray[np.float16], batch_size: int = 128) -> NDArray[np.float64]:
    """Return the logits (n, label) of signals."""
    parts = [
        network(torch.from_numpy(signals[start : start + batch_size].astype(np.float32))).double().numpy()
        for start in range(0, len(signals), batch_size)
    ]
    return np.concatenate(parts)


@torch.no_grad()
def embeddings_of(network: FindingsNetwork, signals: NDArray[np.float16], batch_size: int = 128) -> NDArray[np.float64]:
    """Return the embeddings (n, d) of signals."""
    parts = [
        network.embed(torch.from_numpy(signals[start : start + batch_size].astype(np.float32))).double().numpy()
        for start in range(0, len(signals), batch_size)
    ]
    return np.concatenate(parts)
