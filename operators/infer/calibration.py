"""Calibrated probabilities: what a network calls 0.8 is right in eight of ten cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 60
_LARGEST = 40.0


@dataclass(frozen=True)
class Calibration:
    """Platt's scaling of a logit (Platt 1999): the probability is the logistic function of ``slope`` x + ``offset``."""

    slope: float
    offset: float

    def probability(self, logits: Array) -> Array:
        """Return probabilities of logits of any shape."""
        return np.asarray(_logistic(self.slope * np.asarray(logits, dtype=np.float64) + self.offset))


def fit_calibration(logits: Array, truth: Array) -> Calibration:
    """Fit slope and offset by maximum likelihood (Newton's method) on validation data, (n,) each.

    Truth is smoothed as by Platt, so that data that a threshold separates have a finite slope. Raises
    :class:`ValueError` where only one class is there.
    """
    positives, negatives = float(truth.sum()), float(len(truth) - truth.sum())
    if not positives or not negatives:
        raise ValueError("calibration needs examples of both classes")
    target = np.where(truth > 0.5, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    inputs = np.stack([logits, np.ones_like(logits)], axis=1)
    weights = np.array([1.0, 0.0])
    for _ in range(_STEPS):
        found = _logistic(inputs @ weights)
        gradient = inputs.T @ (found - target)
        curvature = (inputs * (found * (1 - found))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        weights = weights - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    return Calibration(float(weights[0]), float(weights[1]))


def expected_calibration_error(probabilities: Array, truth: Array, *, bins: int = 10) -> float:
    """The mean difference between a bin's probability and its frequency, weighed by its size (Guo et al. 2017)."""
    places = np.minimum((probabilities * bins).astype(int), bins - 1)
    error = 0.0
    for place in range(bins):
        inside = places == place
        if inside.any():
            error += inside.mean() * abs(float(probabilities[inside].mean()) - float(truth[inside].mean()))
    return error


def describe_calibrations(calibrations: Mapping[str, Calibration]) -> dict[str, dict[str, float]]:
    """Return calibrations as plain data for a model's description."""
    return {name: {"slope": each.slope, "offset": each.offset} for name, each in calibrations.items()}


def _logistic(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-np.clip(values, -_LARGEST, _LARGEST))))
