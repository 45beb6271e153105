"""SFRSeg-Net: a U-Net whose pooling is a sum of Haar subbands (icpr-09).

Without the diagonal band, X_LL + X_LH + X_HL of a block [a b; c d] is (3a + b + c - d) / 2 (eq. 6): a fixed filter of
stride 2, without anything to learn.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pad

from operators.infer.unet import PictureUNet, twice


@dataclass(frozen=True)
class NetworkSettings:
    """Sizes: one level for each of ``channels``; ``pooling`` is "haar", or "maximum" for its twin."""

    channels: tuple[int, ...] = (16, 32, 64, 128, 256)
    inputs: int = 3
    pooling: str = "haar"


class HaarPooling(nn.Module):
    """IEWA-DWT: the sum of the approximation and the two edge bands of a Haar transform, half as large.

    An odd row or column at the end is repeated.
    """

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("kernel", torch.tensor([[1.5, 0.5], [0.5, -0.5]]), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(batch, channel, row, column) to (batch, channel, ceil(row / 2), ceil(column / 2))."""
        rows, columns = x.shape[-2:]
        if rows % 2 or columns % 2:
            x = pad(x, (0, columns % 2, 0, rows % 2), mode="replicate")
        kernel: Tensor = self.get_buffer("kernel")
        channels = x.shape[1]
        return conv2d(x, kernel.to(x.dtype).expand(channels, 1, 2, 2), stride=2, groups=channels)


_POOLINGS: dict[str, Callable[[], nn.Module]] = {"haar": HaarPooling, "maximum": lambda: nn.MaxPool2d(2)}


class SFRSegNet(PictureUNet):
    """Pictures (batch, inputs, row, column) in [0, 1] to logits (batch, 1, row, column)."""

    def __init__(self, settings: NetworkSettings) -> None:
        super().__init__(
            settings.channels, inputs=settings.inputs, stage=twice(_convolution), pool=_POOLINGS[settings.pooling]()
        )


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU()
