"""How like its training data an input is: every score of a network behind one interface, with its stored reference.

What a network gives of n frames goes in, one number a frame comes out, larger for what is more like the data of
training; one threshold, set on validation data, decides. ``embedding`` is what an app should take
(``docs/apps.md`` has the figures of all).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from operators.check.domain_shift import Reference, fit_reference
from operators.check.scores import (
    Array,
    ExitReference,
    Threshold,
    energy_score,
    ensemble_information,
    ensemble_variance,
    ensemble_weighted_variance,
    fit_threshold,
    softmax_score,
)


class Method(str, Enum):
    """A score, and what it is a score of; the value is its name in files and reports."""

    SOFTMAX = "softmax"
    """The largest probability, of logits (n, class)."""
    ENERGY = "energy"
    """Minus the energy, of logits (n, class)."""
    EXITS = "energy of exits"
    """How usual the energy is at the exit where it is least so, of logits (exit, n, class)."""
    VARIANCE = "ensemble variance"
    """Minus the members' variance, of probabilities (member, n, class)."""
    WEIGHTED_VARIANCE = "weighted ensemble variance"
    """Minus the members' weighted variance, of probabilities (member, n, class)."""
    INFORMATION = "ensemble information"
    """Minus what the members' differences tell, of probabilities (member, n, class)."""
    EMBEDDING = "embedding distance"
    """Minus the Mahalanobis distance from the training data, of embeddings (n, d)."""


@dataclass(frozen=True, eq=False)
class Likeness:
    """A score with what it needs: its threshold, and the reference data's own scores or embeddings.

    ``exits`` is there for :attr:`Method.EXITS` only, ``embeddings`` for :attr:`Method.EMBEDDING` only.
    """

    method: Method
    threshold: Threshold
    exits: ExitReference | None = None
    embeddings: Reference | None = None

    def scores(self, outputs: Array) -> Array:
        """Return one score a frame, (n,), larger for what is more like the training data; the method tells of what."""
        return _scores(self.method, np.asarray(outputs, dtype=np.float64), self.exits, self.embeddings)

    def save(self, path: Path) -> None:
        """Write everything as JSON: a file of the app's model."""
        content = {
            "method": self.method.value,
            "threshold": asdict(self.threshold),
            "exits": None if self.exits is None else self.exits.scores.tolist(),
            "embeddings": None if self.embeddings is None else self.embeddings.content(),
        }
        path.write_text(json.dumps(content), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Likeness:
        """Read what :meth:`save` wrote."""
        content = json.loads(path.read_text(encoding="utf-8"))
        exits, embeddings = content["exits"], content["embeddings"]
        return cls(
            Method(content["method"]),
            Threshold(**content["threshold"]),
            None if exits is None else ExitReference(np.array(exits)),
            None if embeddings is None else Reference.of(embeddings),
        )


def fit_likeness(
    training: Array,
    validation: Array,
    description: str,
    *,
    method: Method = Method.EMBEDDING,
    passing: float = 0.99,
    shrinkage: float = 0.7,
) -> Likeness:
    """Return the score whose threshold lets the fraction ``passing`` of validation data through.

    ``training`` and ``validation`` are what the network gives of each, shaped as ``method`` says; the reference is made
    of the training data, the threshold of validation data only, which training has not seen. ``description`` tells
    what data it was; ``shrinkage`` is that of :func:`fit_reference`: the less it is, the more a shift counts that runs
    against how the known data vary, and the less one that runs along with it, such as gain.
    """
    training, validation = np.asarray(training, dtype=np.float64), np.asarray(validation, dtype=np.float64)
    exits = embeddings = None
    if method is Method.EXITS:
        exits = ExitReference(np.sort(np.stack([energy_score(exit_) for exit_ in training]), axis=1))
    if method is Method.EMBEDDING:
        embeddings = fit_reference(description, list(training), list(validation), margin=1.0, shrinkage=shrinkage)
    found = _scores(method, validation, exits, embeddings)
    return Likeness(method, fit_threshold(found, passing, description), exits, embeddings)


def _scores(method: Method, outputs: Array, exits: ExitReference | None, embeddings: Reference | None) -> Array:
    if method is Method.EXITS and exits is not None:
        return exits.quantile(np.stack([energy_score(exit_) for exit_ in outputs]))
    if method is Method.EMBEDDING and embeddings is not None:
        return np.array([-embeddings.distance(embedding) for embedding in outputs])
    if method in _DOUBTS:
        return np.asarray(-_DOUBTS[method](outputs))
    if method in _LOGITS:
        return _LOGITS[method](outputs)
    raise ValueError(f"{method.value} needs a reference of the training data")


_LOGITS = {Method.SOFTMAX: softmax_score, Method.ENERGY: energy_score}
_DOUBTS = {
    Method.VARIANCE: ensemble_variance,
    Method.WEIGHTED_VARIANCE: ensemble_weighted_variance,
    Method.INFORMATION: ensemble_information,
}
