from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from operators.learn.loop import Batch, Schedule, fit, predict
from operators.learn.losses import cross_entropy_loss


def unchanged(images: NDArray[np.float32], masks: NDArray[np.float32], random: np.random.Generator) -> Batch:
    return images, masks


def test_a_network_learns_and_ends_in_evaluation_mode() -> None:
    random = np.random.default_rng(1)
    inputs = random.random((40, 1, 8, 8)).astype(np.float32)
    truth = inputs > 0.5
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 4, 1), nn.BatchNorm2d(4), nn.ReLU(), nn.Conv2d(4, 1, 1))
    losses = list(fit(network, inputs, truth, cross_entropy_loss, Schedule(12, 8, 5e-2), unchanged))
    assert len(losses) == 12
    assert losses[-1] < 0.5 * losses[0]
    assert not network.training
    assert ((predict(network, inputs, batch_size=7) > 0) == truth).mean() > 0.9


def test_every_batch_has_as_many_of_each_stratum() -> None:
    seen: list[NDArray[np.float32]] = []

    def watched(images: NDArray[np.float32], masks: NDArray[np.float32], random: np.random.Generator) -> Batch:
        seen.append(images[:, 0, 0, 0].copy())
        return images, masks

    # Thirty of one kind, six of the other.
    strata = np.repeat([0, 1], [30, 6])
    inputs = (np.arange(36, dtype=np.float32) + 100 * strata)[:, None, None, None]
    list(
        fit(
            nn.Conv2d(1, 1, 1),
            inputs,
            inputs > 0,
            cross_entropy_loss,
            Schedule(2, 6, 1e-3),
            watched,
            strata=strata,
        )
    )
    assert len(seen) == 12
    assert all((batch > 100).sum() == 3 for batch in seen)
    rare = np.concatenate(seen[:6])
    assert set(rare[rare > 100]) == set(inputs[30:, 0, 0, 0])
