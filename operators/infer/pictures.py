"""Networks on pictures: each is resized to the network's size, and what it gives is brought back to the picture's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import interpolate

from operators.check.picture_profile import picture_profile

Pictures = NDArray[np.float32]


def network_pictures(pictures: NDArray[np.generic], pixels: int, *, channels: int = 1) -> Pictures:
    """Return pictures (n, row, column) as (n, channel, pixels, pixels): smoothed before they are made smaller.

    Rows and columns are scaled each for itself, so that all of a picture is seen; every channel is the same.
    """
    tensor = torch.from_numpy(np.ascontiguousarray(pictures, dtype=np.float32))[:, None]
    resized = interpolate(tensor, size=(pixels, pixels), mode="bilinear", align_corners=False, antialias=True)
    return np.asarray(resized.repeat(1, channels, 1, 1).numpy())


def native_pictures(pictures: NDArray[np.generic], shape: tuple[int, int]) -> Pictures:
    """Return pictures (n, row, column) on ``shape`` (row, column), the way back of :func:`network_pictures`."""
    tensor = torch.from_numpy(np.ascontiguousarray(pictures, dtype=np.float32))[:, None]
    return np.asarray(interpolate(tensor, size=shape, mode="bilinear", align_corners=False, antialias=True)[:, 0])


def network_profiles(pictures: NDArray[np.generic], pixels: int) -> NDArray[np.float64]:
    """Return :func:`picture_profile` of pictures (n, row, column) in [0, 1] as a network of that size sees them."""
    return np.concatenate([picture_profile(network_pictures(picture[None], pixels)[:, 0]) for picture in pictures])


@torch.no_grad()
def picture_probabilities(
    network: Callable[[Tensor], Tensor],
    pictures: NDArray[np.generic],
    pixels: int,
    *,
    device: torch.device | str = "cpu",
    channels: int = 1,
    batch_size: int = 8,
) -> Pictures:
    """Return the probability at each pixel of pictures (n, row, column) in [0, 1], on the pictures' own grid.

    ``network`` gives logits (n, 1, pixels, pixels). They are brought back before the sigmoid is taken, so that a border
    at half the probability lies where it would between the network's pixels.
    """
    shape = (int(pictures.shape[1]), int(pictures.shape[2]))
    found = np.empty(pictures.shape, dtype=np.float32)
    for start in range(0, len(pictures), batch_size):
        batch = network_pictures(pictures[start : start + batch_size], pixels, channels=channels)
        logits = network(torch.from_numpy(batch).to(device))[:, 0].float().cpu().numpy()
        found[start : start + batch_size] = 1 / (1 + np.exp(-native_pictures(logits, shape)))
    return found
