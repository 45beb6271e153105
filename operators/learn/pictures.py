"""Pictures in training: their augmentation with their masks, and the profiles that a gate is fitted on."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from operators.infer.pictures import network_profiles
from operators.learn.loop import Batch

_FARTHEST_SHIFT = 1 / 16
"""Of a side."""


def augment_pictures(images: NDArray[np.float32], masks: NDArray[np.float32], random: np.random.Generator) -> Batch:
    """Return pictures (n, channel, row, column) in [0, 1] mirrored, shifted, brighter, harder or noisier."""
    images, masks = images.copy(), masks.copy()
    for image, mask in zip(images, masks, strict=True):
        if random.random() < 0.5:
            image[:], mask[:] = image[..., ::-1].copy(), mask[..., ::-1].copy()
        farthest = round(_FARTHEST_SHIFT * image.shape[-1])
        shift = int(random.integers(-farthest, farthest + 1)), int(random.integers(-farthest, farthest + 1))
        image[:], mask[:] = _moved(image, shift), _moved(mask, shift)
        image[:] = np.clip((image - 0.5) * random.uniform(0.8, 1.25) + 0.5 + random.uniform(-0.1, 0.1), 0, 1)
        if random.random() < 0.3:
            image[:] = np.clip(image + random.uniform(0.01, 0.06) * random.normal(size=image.shape), 0, 1)
    return images, masks


def profiles_of(pictures: Iterable[NDArray[np.float32]], pixels: int) -> NDArray[np.float64]:
    """Return the profile, (n, d), of each picture (row, column), of whatever sizes, as an app's gate makes it."""
    return np.concatenate([network_profiles(picture[None], pixels) for picture in pictures])


def _moved(picture: NDArray[np.float32], shift: tuple[int, int]) -> NDArray[np.float32]:
    """Shifted by rows and columns; what comes in repeats the border."""
    rows, columns = (
        np.clip(np.arange(size) - step, 0, size - 1) for size, step in zip(picture.shape[-2:], shift, strict=True)
    )
    return np.asarray(picture[..., rows[:, None], columns[None, :]])
