"""Each noise has the variance that it is said to have."""

from __future__ import annotations

import numpy as np
import pytest

from apps.us_joint_effusion.effusions import noise_level
from apps.us_joint_effusion.training.noise import NOISES, VARIANCE

GREY = 0.5
EXPECTED = {"gaussian": VARIANCE, "poisson": VARIANCE * GREY, "speckle": VARIANCE * GREY**2}


@pytest.mark.parametrize("name", EXPECTED)
def test_variance(name: str) -> None:
    picture = np.full((1, 1, 200, 200), GREY, dtype=np.float32)
    noisy = NOISES[name](picture, np.random.default_rng(1))
    assert noisy.dtype == np.float32
    assert noisy.mean() == pytest.approx(GREY, abs=0.005)
    assert noisy.var() == pytest.approx(EXPECTED[name], rel=0.05)


def test_salt_and_pepper_changes_one_pixel_in_a_hundred() -> None:
    noisy = NOISES["salt and pepper"](np.full((1, 1, 200, 200), GREY, dtype=np.float32), np.random.default_rng(1))
    assert (noisy == 0).mean() == pytest.approx(VARIANCE / 2, rel=0.2)
    assert (noisy == 1).mean() == pytest.approx(VARIANCE / 2, rel=0.2)
    assert ((noisy == GREY) | (noisy == 0) | (noisy == 1)).all()


def test_the_noise_level_of_a_picture_is_that_of_its_noise() -> None:
    slope = np.linspace(0.2, 0.8, 120, dtype=np.float32)[:, None].repeat(120, axis=1)
    assert noise_level(slope) < 0.001
    noise = np.random.default_rng(2).normal(scale=0.05, size=slope.shape).astype(np.float32)
    assert noise_level(slope + noise) == pytest.approx(0.05, rel=0.05)
