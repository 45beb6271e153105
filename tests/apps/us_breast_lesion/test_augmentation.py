"""The paper's changes of a picture, each by itself and three together."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from apps.us_breast_lesion.training import augmentation
from apps.us_breast_lesion.training.augmentation import (
    CHANGES,
    DRAWN,
    augment_as_paper,
    blurred,
    darkened,
    drawn_changes,
    equalised,
    mirrored,
    softened,
    unchanged,
)

SIDE = 64


@pytest.fixture
def image() -> NDArray[np.float32]:
    """Noise about a slope, and a dark mass off the middle."""
    random = np.random.default_rng(1)
    picture = np.linspace(0.3, 0.7, SIDE) + random.normal(0, 0.05, (SIDE, SIDE))
    return np.clip(np.where(mass(), 0.1, picture), 0, 1)[None].astype(np.float32)


@pytest.fixture
def mask() -> NDArray[np.float32]:
    return mass()[None].astype(np.float32)


def mass() -> NDArray[np.bool_]:
    rows, columns = np.indices((SIDE, SIDE))
    return ((rows - 30) / 8) ** 2 + ((columns - 20) / 12) ** 2 < 1


def test_three_different_changes_of_six_are_drawn() -> None:
    random, count = np.random.default_rng(2), 400
    triples = [drawn_changes(random) for _ in range(count)]
    assert all(len(set(triple)) == len(triple) == DRAWN for triple in triples)
    for change in CHANGES:
        # In half of all triples; four standard deviations of the binomial.
        assert abs(sum(change in triple for triple in triples) - count / 2) < 4 * np.sqrt(count / 4)
    # In every order.
    assert {triple.index(unchanged) for triple in triples if unchanged in triple} == {0, 1, 2}


def test_the_same_seed_gives_the_same_pictures(image: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
    images, masks = np.repeat(image[None], 8, 0), np.repeat(mask[None], 8, 0)
    before = images.copy()
    first, second = (augment_as_paper(images, masks, np.random.default_rng(3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
    np.testing.assert_array_equal(images, before)
    assert len({picture.tobytes() for picture in first[0]}) > 1


def test_pictures_stay_pictures_and_masks_lie_on_their_masses(
    image: NDArray[np.float32], mask: NDArray[np.float32]
) -> None:
    images, masks = augment_as_paper(
        np.repeat(image[None], 60, 0), np.repeat(mask[None], 60, 0), np.random.default_rng(4)
    )
    assert images.dtype == masks.dtype == np.float32
    assert images.shape == masks.shape == (60, 1, SIDE, SIDE)
    assert images.min() >= 0
    assert images.max() <= 1
    assert set(np.unique(masks)) == {0.0, 1.0}
    mirror = [np.array_equal(outline, mask[..., ::-1]) for outline in masks]
    # In half of all pictures drawn, and then in one of two cases.
    assert 5 < sum(mirror) < 25
    for picture, outline in zip(images, masks, strict=True):
        assert picture[outline > 0.5].mean() < picture[outline < 0.5].mean()


@pytest.mark.parametrize("change", [unchanged, blurred, equalised, softened, darkened])
def test_only_mirroring_moves_a_mask(
    image: NDArray[np.float32], mask: NDArray[np.float32], change: augmentation.Change
) -> None:
    _, outline = change(image, mask, np.random.default_rng(5))
    np.testing.assert_array_equal(outline, mask)


def test_contrast_draws_to_the_mean_and_brightness_to_black(
    image: NDArray[np.float32], mask: NDArray[np.float32]
) -> None:
    random = np.random.default_rng(6)
    shares, levels = [], []
    for _ in range(200):
        softer, _ = softened(image, mask, random)
        darker, _ = darkened(image, mask, random)
        assert softer.mean() == pytest.approx(image.mean(), abs=1e-5)
        shares.append(softer.std() / image.std())
        levels.append(darker.mean() / image.mean())
        assert darker.std() / image.std() == pytest.approx(levels[-1], rel=1e-4)
    for factors in (shares, levels):
        assert 0.05 <= min(factors) < 0.1
        assert 0.9 < max(factors) <= 0.95


def test_every_grey_is_as_frequent_after_equalisation(image: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
    flat, _ = equalised(image, mask, np.random.default_rng(7))
    assert flat.min() == 0
    assert flat.max() == 1
    # The mass is of one grey, which stays one; the rest is spread evenly.
    counts, _ = np.histogram(flat[0][~mass()], bins=8, range=(flat[0][~mass()].min(), 1))
    assert counts.max() < 1.3 * counts.min()
    # What was darker is darker still.
    assert np.all(np.diff(flat.ravel()[np.argsort(image.ravel())]) >= 0)


def test_a_picture_of_one_grey_stays_as_it_is(mask: NDArray[np.float32]) -> None:
    grey = np.full((1, SIDE, SIDE), 0.4, dtype=np.float32)
    np.testing.assert_array_equal(equalised(grey, mask, np.random.default_rng(8))[0], grey)


def test_blur_goes_with_the_size_of_the_picture(mask: NDArray[np.float32]) -> None:
    """The same point of light is as wide, of the picture, at every size."""
    widths = []
    for side in (256, 768):
        point = np.zeros((1, side, side), dtype=np.float32)
        point[0, side // 2, side // 2] = 1
        spread, _ = blurred(point, mask, np.random.default_rng(9))
        assert spread.sum() == pytest.approx(1, abs=1e-3)
        columns = np.arange(side) - side // 2
        widths.append(float(np.sqrt((spread[0].sum(axis=0) * columns**2).sum())) / side)
    assert widths[0] == pytest.approx(widths[1], rel=0.02)


def test_mirroring_is_of_columns(image: NDArray[np.float32], mask: NDArray[np.float32]) -> None:
    random = np.random.default_rng(10)
    found = [mirrored(image, mask, random) for _ in range(40)]
    turned = [np.array_equal(picture, image[..., ::-1]) for picture, _ in found]
    assert 8 < sum(turned) < 32
    for (picture, outline), is_turned in zip(found, turned, strict=True):
        np.testing.assert_array_equal(picture, image[..., ::-1] if is_turned else image)
        np.testing.assert_array_equal(outline, mask[..., ::-1] if is_turned else mask)
