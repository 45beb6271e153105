"""U-Net with global convolution blocks on its skip connections (icpr-08, model A).

A global convolution of size k is the sum of two separable ones, k x 1 then 1 x k and 1 x k then k x 1: as wide a view
as a k x k kernel for 4 k weights a pair of channels instead of k² (Peng et al. 2017).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from operators.infer.unet import PictureUNet, twice


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


class UNetGCN(PictureUNet):
    """Pictures (batch, 1, row, column) in [0, 1] to logits of the same size; sizes are multiples of 2^levels."""

    def __init__(self, settings: NetworkSettings) -> None:
        def skip(level: int, channels: int) -> nn.Module:
            is_global = settings.kernel and level >= settings.first_global_level
            return GlobalConvolution(channels, settings.kernel) if is_global else nn.Identity()

        super().__init__(settings.channels, inputs=1, stage=twice(_convolution), pool=nn.MaxPool2d(2), skip=skip)


def _same(channels: int, kernel: tuple[int, int]) -> nn.Conv2d:
    return nn.Conv2d(channels, channels, kernel, padding="same")


def _convolution(inputs: int, outputs: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(inputs, outputs, 3, padding=1), nn.InstanceNorm2d(outputs, affine=True), nn.LeakyReLU(0.01)
