"""Masked self-supervised pre-training: what was hidden of a recording is told from the rest (He et al. 2022)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from apps.ecg_findings.network import FindingsNetwork

PATCH = 64
"""Samples of one patch: those that one sample of the deepest features stands for."""


class Reconstruction(nn.Module):
    """The network's features, and one linear layer that gives each patch of every lead back."""

    def __init__(self, network: FindingsNetwork, leads: int) -> None:
        super().__init__()
        self.network = network
        self.decoder = nn.Conv1d(network.head.in_features // 2, leads * PATCH, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, lead, time) to the same, for a whole number of patches."""
        leads, time = x.shape[1:]
        features = self.network.features(x)[..., : time // PATCH]
        patches = self.decoder(features)
        return patches.unflatten(1, (leads, PATCH)).transpose(2, 3).flatten(2)


def masked(signals: Tensor, part: float, random: torch.Generator) -> tuple[Tensor, Tensor]:
    """Return signals with a part of their patches (all leads at once) set to zero, and where: 1 is hidden."""
    count = signals.shape[-1] // PATCH
    hidden = (torch.rand((len(signals), 1, count), generator=random) < part).repeat_interleave(PATCH, dim=-1)
    whole = signals[..., : count * PATCH]
    return whole * ~hidden, hidden.expand_as(whole).float()


def pretrain(
    network: FindingsNetwork,
    signals: NDArray[np.float16],
    *,
    epochs: int,
    batch_size: int,
    learning_rate: float,
    part: float = 0.3,
    device: torch.device | str = "cpu",
    seed: int = 0,
) -> Iterator[float]:
    """Train a network without labels; yields each epoch's mean squared error (mV²) of what was hidden."""
    random = torch.Generator().manual_seed(seed)
    model = Reconstruction(network, signals.shape[1]).to(device)
    optimizer = torch.optim.AdamW(model.parameters(), learning_rate)
    model.train()
    for _ in range(epochs):
        losses = []
        for chosen in torch.randperm(len(signals), generator=random).split(batch_size):
            batch = torch.from_numpy(signals[chosen.numpy()].astype(np.float32))
            seen, hidden = (each.to(device) for each in masked(batch, part, random))
            truth = batch[..., : seen.shape[-1]].to(device)
            loss = (((model(seen) - truth) ** 2) * hidden).sum() / hidden.sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        yield float(np.mean(losses))
