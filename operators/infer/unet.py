"""A U-Net for pictures, of which an app chooses the stage, the pooling and what lies on the skip connections."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn


class PictureUNet(nn.Module):
    """Pictures (batch, inputs, row, column) in [0, 1] to logits (batch, 1, row, column) (Ronneberger et al. 2015).

    There is one level for each of ``channels``; sizes of pictures are multiples of 2^(levels - 1).
    ``stage(inputs, outputs)`` makes what stands at each level on both sides, and ``skip(level, channels)`` what lies on
    a level's skip connection: by default nothing.
    """

    def __init__(
        self,
        channels: Sequence[int],
        *,
        inputs: int,
        stage: Callable[[int, int], nn.Module],
        pool: nn.Module,
        skip: Callable[[int, int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        before = (inputs, *channels[:-1])
        self.encoders = nn.ModuleList(stage(*pair) for pair in zip(before, channels, strict=True))
        self.pool = pool
        self.skips = nn.ModuleList(
            nn.Identity() if skip is None else skip(level, size) for level, size in enumerate(channels)
        )
        pairs = list(zip(channels[:0:-1], channels[-2::-1], strict=True))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(below, above, 2, stride=2) for below, above in pairs)
        self.decoders = nn.ModuleList(stage(2 * above, above) for _, above in pairs)
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


def twice(convolution: Callable[[int, int], Sequence[nn.Module]]) -> Callable[[int, int], nn.Module]:
    """Return a stage of two equal convolutions, each with what follows it."""
    return lambda inputs, outputs: nn.Sequential(*convolution(inputs, outputs), *convolution(outputs, outputs))
