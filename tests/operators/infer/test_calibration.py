"""Calibration finds the scaling that made the data, and its error is that of worked examples."""

from __future__ import annotations

import numpy as np
import pytest

from operators.infer.calibration import Calibration, expected_calibration_error, fit_calibration


def test_the_scaling_behind_the_data_is_found() -> None:
    random = np.random.default_rng(1)
    logits = random.normal(0, 4, size=20_000)
    truth = (random.random(20_000) < Calibration(0.5, -1.0).probability(logits)).astype(float)
    found = fit_calibration(logits, truth)
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.offset == pytest.approx(-1.0, abs=0.08)
    assert expected_calibration_error(found.probability(logits), truth) < 0.01


def test_separable_data_have_a_finite_slope() -> None:
    found = fit_calibration(np.array([-2.0, -1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 1.0]))
    assert np.isfinite(found.slope)
    assert found.probability(np.array([-2.0])) < 0.5 < found.probability(np.array([2.0]))


def test_one_class_cannot_be_calibrated() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_calibration(np.zeros(3), np.ones(3))


def test_calibration_error_of_a_worked_example() -> None:
    # Two of ten say 0.9 and one of them is right, eight say 0.1 and none is.
    probabilities = np.array([0.95] * 2 + [0.15] * 8)
    truth = np.array([1.0, 0.0] + [0.0] * 8)
    assert expected_calibration_error(probabilities, truth) == pytest.approx(0.2 * 0.45 + 0.8 * 0.15)
