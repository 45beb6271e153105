"""U-Net with global convolution blocks on its skip connections (icpr-08, model A).

A global convolution of size k is the sum of two separable ones, k x 1 then 1 x k and 1 x k then k x 1: as wide a view
as a k x k kernel for 4 k weights a pair of channels instead of k² (Peng et al. 2017).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes: one level for each of ``channels``; ``kernel`` of the global convolutions, 0 for a plain U-Net."""

    channels: tuple[int, ...] = (8, 16, 32, 64, 96)
    kernel: int = 7
    first_global_level: int = 1


class GlobalConvolution(nn.Module):
    """Two separable branches whose sum sees k x k pixels."""

    def __init__(self, channels: int, kernel: int) -> None:
        super().__init__()
        tall, wide = (kernel, 1), (1, kernel)
        self.down_first = nn.Sequential(_same(channels, tall), _same(channels, wide))
        self.across_first = nn.Sequential(_same(channels, wide), _same(channels, tall))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, row, column) in and out."""
        found: Tensor = self.down_first(x) + self.across_first(x)
        return found


class UNetGCN(nn.Module):
    """Pictures (batch, 1, row, column) in [0, 1] to logits of the same size; sizes are multiples of 2^levels."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__()
        channels = settings.channels
        inputs = (1, *channels[:-1])
        self.encoders = nn.ModuleList(_stage(before, after) for before, after in zip(inputs, channels, strict=True))
        self.pool = nn.MaxPool2d(2)
        self.skips = nn.ModuleList(
            GlobalConvolution(size, settings.kernel)
            if settings.kernel and level >= settings.first_global_level
            else nn.Identity()
            for level, size in enumerate(channels)
        )
        pairs = list(zip(channels[:0:-1], channels[-2::-1], strict=True))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(below, above, 2, stride=2) for below, above in pairs)
        self.decoders = nn.ModuleList(_stage(2 * above, above) for _, above in pairs)
        self.head = nn.Conv2d(channels[0], 1, 1)

    def features(self, x: Tensor) -> list[Tensor]:
        """The encoder's maps, the finest first."""
        found = []
        for level, encoder in enumerate(self.encoders):
            x = encoder(x if level == 0 else self.pool(x))
            found.append(x)
        return found

    def embed(self, x: Tensor) -> Tensor:
        """(batch, 2 x channels): mean and maximum of the deepest map."""
        deepest = self.features(x)[-1]
        return torch.cat([deepest.mean(dim=(2, 3)), deepest.amax(dim=(2, 3))], dim=1)

    def forward(self, x: Tensor) -> Tensor:
        """Logits of each pixel."""
        return self.decode(self.features(x))

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """Logits of each pixel, of what :meth:`features` gives."""
        skips = [skip(found) for skip, found in zip(self.skips, features, strict=True)]
        x = skips[-1]
        for up, decoder, skip in zip(self.ups, self.decoders, reversed(skips[:-1]), strict=True):
            x = decoder(torch.cat([up(x), skip], dim=1))
        logits: Tensor = self.head(x)
        return logits


def _same(channels: int, kernel: tuple[int, int]) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, padding="same")


def _stage(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_convolution(inputs, outputs), *_convolution(outputs, outputs))


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.InstanceNorm2d(outputs, affine=True), nn.LeakyReLU(0.01)
