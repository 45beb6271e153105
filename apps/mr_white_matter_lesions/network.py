"""The 3-D U-Net of the app (Machnio et al., arXiv 2506.22041; Ronneberger et al. 2015, with 3-D blocks)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import nn


@dataclass(frozen=True)
class NetworkSettings:
    """Shape of a U-Net.

    ``channels`` holds the features of each level from fine to coarse, ``strides`` the (slice, row, column) pooling
    between them, one fewer. A first stride of (1, 2, 2) suits slices three times as thick as a pixel is wide.
    """

    inputs: int
    classes: int
    channels: tuple[int, ...] = (16, 32, 64, 128)
    strides: tuple[tuple[int, int, int], ...] = ((1, 2, 2), (2, 2, 2), (2, 2, 2))

    def __post_init__(self) -> None:
        if len(self.strides) != len(self.channels) - 1:
            raise ValueError(f"{len(self.channels)} levels need {len(self.channels) - 1} strides, not {self.strides}")

    @staticmethod
    def paper(inputs: int, classes: int, base: int = 64) -> NetworkSettings:
        """Five levels with 2 x 2 x 2 pooling, ``base`` features doubling at each level."""
        return NetworkSettings(inputs, classes, tuple(base * 2**level for level in range(5)), ((2, 2, 2),) * 4)

    @property
    def divisor(self) -> tuple[int, int, int]:
        """What each side of an input has to be a multiple of."""
        slices, rows, columns = (1, 1, 1)
        for stride in self.strides:
            slices, rows, columns = slices * stride[0], rows * stride[1], columns * stride[2]
        return slices, rows, columns


class UNet(nn.Module):
    """3-D U-Net: (batch, inputs, slice, row, column) to logits (batch, classes, slice, row, column).

    Each level applies twice: convolution 3 x 3 x 3, instance normalisation with affine parameters, leaky rectifier
    (slope 0.01). Max pooling goes down, transposed convolution goes up, skips are concatenated.
    """

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        channels = settings.channels
        entering = (settings.inputs, *channels[:-1])
        self.settings = settings
        self.down = nn.ModuleList([_block(before, after) for before, after in zip(entering, channels, strict=True)])
        self.pool = nn.ModuleList([nn.MaxPool3d(stride) for stride in settings.strides])
        self.up = nn.ModuleList(
            [
                nn.ConvTranspose3d(coarse, fine, stride, stride)
                for fine, coarse, stride in zip(channels[:-1], channels[1:], settings.strides, strict=True)
            ]
        )
        self.merge = nn.ModuleList([_block(2 * fine, fine) for fine in channels[:-1]])
        self.head = nn.Conv3d(channels[0], settings.classes, 1)

    def forward(self, volume: torch.Tensor) -> torch.Tensor:
        """Logits of a batch of volumes; each side must be a multiple of ``settings.divisor``."""
        skips: list[torch.Tensor] = []
        for level, block in enumerate(self.down):
            volume = block(volume)
            if level < len(self.pool):
                skips.append(volume)
                volume = self.pool[level](volume)
        for level in reversed(range(len(skips))):
            volume = self.merge[level](torch.cat([skips[level], self.up[level](volume)], dim=1))
        return cast(torch.Tensor, self.head(volume))


def parameter_count(network: nn.Module) -> int:
    """Number of trainable values."""
    return sum(parameter.numel() for parameter in network.parameters())


def _block(before: int, after: int) -> nn.Sequential:
    layers: Sequence[nn.Module] = [
        layer
        for inputs in (before, after)
        for layer in (
            nn.Conv3d(inputs, after, 3, padding=1),
            nn.InstanceNorm3d(after, eps=1e-5, affine=True),
            nn.LeakyReLU(0.01, inplace=True),
        )
    ]
    return nn.Sequential(*layers)
