from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from operators.check.picture_profile import picture_profile
from tests.operators.check.pictures import breast, known_breasts


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    return np.stack([breast(3000 + index).image / 255 for index in range(12)])


@pytest.mark.parametrize("spoil", ["blur", "noise", "gain", "dark band"])
def test_what_spoils_a_picture_makes_it_unlike(pictures: np.ndarray, spoil: str) -> None:
    spoilt = {
        "blur": gaussian_filter(pictures, (0, 1, 1)),
        "noise": np.clip(pictures * (1 + 0.3 * np.random.default_rng(0).normal(size=pictures.shape)), 0, 1),
        "gain": np.clip(pictures + 0.2, 0, 1),
        "dark band": np.where(np.abs(np.arange(64) - 30) < 8, 0.1 * pictures, pictures),
    }[spoil]
    likeness = known_breasts()
    assert likeness.scores(picture_profile(spoilt)).max() < likeness.scores(picture_profile(pictures)).min()


def test_a_mirrored_picture_has_the_same_profile(pictures: np.ndarray) -> None:
    np.testing.assert_allclose(picture_profile(pictures[:, :, ::-1]), picture_profile(pictures), atol=1e-9)


def test_an_empty_picture_has_a_finite_profile() -> None:
    assert np.isfinite(picture_profile(np.zeros((2, 48, 40)))).all()
