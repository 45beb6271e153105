"""How sure a network is that an input is of its own kind: softmax, energy at several exits, an ensemble's spread.

After icpr-04. Every score is larger for an input that is more like the data of training, so that one threshold, set on
validation data for a fraction of it to pass, serves for all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ENERGY_TEMPERATURE = 0.001
"""At this temperature minus the energy is the largest logit, to within 0.001 x log of the number of classes."""


def softmax_score(logits: Array) -> Array:
    """The largest probability, (n,) of logits (n, class)."""
    return np.asarray(_softmax(logits).max(axis=1))


def energy_score(logits: Array, temperature: float = ENERGY_TEMPERATURE) -> Array:
    """Minus the energy, T log sum exp(f / T): higher is more like the training data.

    The paper calls the energy itself higher for such data, against its own definition E = -T log sum exp(f / T).
    """
    scaled = logits / temperature
    top = scaled.max(axis=1, keepdims=True)
    return np.asarray(temperature * (top[:, 0] + np.log(np.exp(scaled - top).sum(axis=1))))


def ensemble_variance(probabilities: Array) -> Array:
    """U_var: the members' variance, summed over the classes; (n,) of probabilities (member, n, class)."""
    return np.asarray(probabilities.var(axis=0).sum(axis=1))


def ensemble_weighted_variance(probabilities: Array) -> Array:
    """U_wvar: the members' variance, weighted with the mean probability of each class."""
    return np.asarray((probabilities.mean(axis=0) * probabilities.var(axis=0)).sum(axis=1))


def ensemble_information(probabilities: Array) -> Array:
    """U_epi: entropy of the mean less the mean entropy, the part of the doubt on which the members differ."""
    mean = probabilities.mean(axis=0)
    return np.asarray(np.maximum(_entropy(mean) - _entropy(probabilities).mean(axis=0), 0.0))


@dataclass(frozen=True, eq=False)
class ExitReference:
    """Scores of validation data at each exit of a network, sorted, (exit, n): how usual a score is."""

    scores: Array

    def quantile(self, scores: Array) -> Array:
        """The smallest of the exits' quantiles, (n,) of scores (exit, n): an input has to look usual at every exit."""
        counts = [
            np.searchsorted(known, found, side="right") / len(known)
            for known, found in zip(self.scores, scores, strict=True)
        ]
        return np.asarray(np.min(counts, axis=0))


@dataclass(frozen=True)
class Threshold:
    """The least score that passes, the part of the validation data that it lets through, and what those were."""

    score: float
    passing: float
    description: str

    def save(self, path: Path) -> None:
        """Write the threshold as JSON: a file of the app's model."""
        path.write_text(json.dumps(vars(self)), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Threshold:
        """Read a threshold that :meth:`save` wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))


def fit_threshold(scores: Array | Sequence[float], passing: float, description: str) -> Threshold:
    """Return the threshold that lets the fraction ``passing`` of validation scores through."""
    values = np.asarray(scores, dtype=np.float64)
    if not len(values) or not 0 < passing <= 1:
        raise ValueError(f"a threshold needs scores, and lets a part of them through, not {passing} of {len(values)}")
    return Threshold(float(np.quantile(values, 1 - passing)), passing, description)


def _softmax(logits: Array) -> Array:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def _entropy(probabilities: Array) -> Array:
    return np.asarray(-(probabilities * np.log(np.clip(probabilities, 1e-12, None))).sum(axis=-1))
