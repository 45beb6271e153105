"""A residual network with squeeze and excitation over time: twelve-lead or single-lead recordings → labels.

One-dimensional form of He et al. 2016 with the channel weights of Hu et al. 2018, as the published classifiers of
12-lead recordings use it (PhysioNet/CinC 2020 and 2021 winners). Leads that were not recorded are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes: ``leads`` in, ``labels`` out; one stage for each of ``channels``, each halves the sampling rate."""

    leads: int = 8
    labels: int = 16
    channels: tuple[int, ...] = (24, 32, 48, 64, 96)
    kernel: int = 9
    reduction: int = 4
    dropout: float = 0.2


class SqueezeExcitation(nn.Module):
    """Weighs each channel by what all of them show over the whole recording (Hu et al. 2018, eq. 2 to 4)."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        self.gate = nn.Sequential(
            nn.Linear(channels, channels // reduction),
            nn.ReLU(),
            nn.Linear(channels // reduction, channels),
            nn.Sigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, time) in and out."""
        weights: Tensor = self.gate(x.mean(dim=-1))
        return x * weights[..., None]


class Block(nn.Module):
    """Two convolutions, weighed channels, and a shortcut; the first convolution halves the sampling rate."""

    def __init__(self, inputs: int, outputs: int, kernel: int, reduction: int) -> None:
        super().__init__()
        padding = kernel // 2
        self.body = nn.Sequential(
            nn.Conv1d(inputs, outputs, kernel, stride=2, padding=padding, bias=False),
            nn.BatchNorm1d(outputs),
            nn.ReLU(),
            nn.Conv1d(outputs, outputs, kernel, padding=padding, bias=False),
            nn.BatchNorm1d(outputs),
            SqueezeExcitation(outputs, reduction),
        )
        self.shortcut = nn.Sequential(nn.Conv1d(inputs, outputs, 1, stride=2, bias=False), nn.BatchNorm1d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, time) to (batch, outputs, time / 2)."""
        return torch.relu(self.body(x) + self.shortcut(x))


class FindingsNetwork(nn.Module):
    """Logits of each label; :meth:`embed` gives the vector before the last layer."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        first, *others = settings.channels
        self.stem = nn.Sequential(
            nn.Conv1d(settings.leads, first, 15, stride=2, padding=7, bias=False), nn.BatchNorm1d(first), nn.ReLU()
        )
        sizes = [first, *others]
        self.blocks = nn.Sequential(
            *(
                Block(before, after, settings.kernel, settings.reduction)
                for before, after in zip([first, *sizes[:-1]], sizes, strict=True)
            )
        )
        self.drop = nn.Dropout(settings.dropout)
        self.head = nn.Linear(2 * sizes[-1], settings.labels)

    def features(self, x: Tensor) -> Tensor:
        """(batch, lead, time) to (batch, channel, time / 64)."""
        found: Tensor = self.blocks(self.stem(x))
        return found

    def embed(self, x: Tensor) -> Tensor:
        """(batch, lead, time) to (batch, 2 x channels): mean and maximum over time."""
        found = self.features(x)
        return torch.cat([found.mean(dim=-1), found.amax(dim=-1)], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, lead, time) in mV to (batch, label) logits."""
        logits: Tensor = self.head(self.drop(self.embed(x)))
        return logits
