from __future__ import annotations

import numpy as np

from operators.learn.pictures import augment_pictures


def test_masks_move_with_their_pictures() -> None:
    random = np.random.default_rng(3)
    images = np.zeros((12, 1, 64, 64), dtype=np.float32)
    images[:, :, 20:30, 40:55] = 1
    before = images.copy()
    moved, masks = augment_pictures(images, images.copy(), random)
    assert (images == before).all()
    assert moved.min() >= 0
    assert moved.max() <= 1
    for image, mask in zip(moved[:, 0], masks[:, 0], strict=True):
        assert mask.sum() == 150
        bright = image > (image.max() + image.min()) / 2
        assert (bright == (mask > 0.5)).mean() > 0.99
    places = {tuple(np.argwhere(mask[0]).mean(axis=0)) for mask in masks}
    assert len(places) > 8
