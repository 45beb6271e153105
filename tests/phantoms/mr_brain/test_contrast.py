from __future__ import annotations

import numpy as np
import pytest

from phantoms.mr_brain.contrast import bias_field, rician


def test_bias_field_is_smooth_and_within_20_percent() -> None:
    field = bias_field(np.random.default_rng(0), (40, 80, 60))
    assert np.abs(field - 1).max() == pytest.approx(0.2)
    assert max(np.abs(np.diff(field, axis=axis)).max() for axis in range(3)) < 0.04


def test_rician_noise_has_its_known_moments() -> None:
    sigma = 0.03
    random = np.random.default_rng(0)
    air = rician(random, np.zeros((100, 100, 20), np.float32), sigma)
    assert air.mean() == pytest.approx(sigma * np.sqrt(np.pi / 2), rel=0.01)
    bright = rician(random, np.ones((100, 100, 20), np.float32), sigma)
    assert bright.std() == pytest.approx(sigma, rel=0.01)
    assert bright.mean() == pytest.approx(1 + sigma**2 / 2, rel=1e-3)
