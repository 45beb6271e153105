"""Pictures that are turned, mirrored or enlarged come back as they were."""

from __future__ import annotations

import numpy as np
import pytest

from apps.us_joint_effusion.training.augmentation import PAPER_VARIANTS, Variant, augment_as_paper, augment_joints
from operators.learn.scores import dice

SIDE = 96


@pytest.fixture
def mask() -> np.ndarray:
    """A lens off the middle that no rotation about it brings out of the picture."""
    rows, columns = np.indices((SIDE, SIDE))
    lens = ((rows - 40) / 10) ** 2 + ((columns - 58) / 18) ** 2 < 1
    return lens[None, None].astype(np.float32)


def test_the_paper_has_eighteen_variants() -> None:
    assert len(PAPER_VARIANTS) == len(set(PAPER_VARIANTS)) == 18


@pytest.mark.parametrize("variant", [*PAPER_VARIANTS, Variant(20, 1.2, mirror_columns=True)])
def test_a_variants_mask_goes_back_to_the_same_mask(mask: np.ndarray, variant: Variant) -> None:
    back = variant.invert(variant.apply(mask)) > 0.5
    assert dice(back, mask > 0.5) > 0.97


def test_mirroring_and_right_angles_lose_nothing(mask: np.ndarray) -> None:
    for variant in (Variant(mirror_rows=True), Variant(mirror_columns=True), Variant(90), Variant(270)):
        np.testing.assert_allclose(variant.invert(variant.apply(mask)), mask, atol=1e-4)


def test_a_positive_angle_turns_every_picture_the_same_way(mask: np.ndarray) -> None:
    np.testing.assert_allclose(Variant(90).apply(mask), np.rot90(mask, k=1, axes=(2, 3)), atol=1e-4)


@pytest.mark.parametrize("augment", [augment_as_paper, augment_joints])
def test_picture_and_mask_stay_together(mask: np.ndarray, augment: object) -> None:
    # A picture that is its own mask shows where it was placed.
    many = np.repeat(0.2 + 0.6 * mask, 12, axis=0)
    masks = np.repeat(mask, 12, axis=0)
    images, outlines = augment(many, masks, np.random.default_rng(5))  # type: ignore[operator]
    assert not np.array_equal(outlines, masks)
    assert np.array_equal(many[0], 0.2 + 0.6 * mask[0])
    for image, outline in zip(images, outlines, strict=True):
        inside = outline > 0.5
        assert np.mean(image[inside]) > np.mean(image[~inside]) + 0.3
        assert set(np.unique(outline)) <= {0.0, 1.0}
