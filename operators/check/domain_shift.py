"""Gates that an app brings: is this input like the data that the app was made and tested with?

An app gives an embedding (any function from its input to a vector) and a stored :class:`Reference` of the data it was
made for; the gate compares. :func:`intensity_profile` is the simplest embedding: the shape of the histogram.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.check.figures import DISTANCE, DISTANCE_LIMIT, plain
from operators.check.foreground import foreground_threshold, sampled_slices
from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME, Reason

DOMAIN_GATE = Code("domain-gate", CODING_SCHEME, "Likeness to reference data")

Vector = NDArray[np.float64]

_PERCENTILES = (1, 5, 10, 25, 40, 60, 75, 90, 95, 99)


Input = TypeVar("Input")

Embedding = Callable[[Input], Vector]
"""What turns an input, such as a volume, into a vector, always of the same length; it made the reference, too."""


@dataclass(frozen=True, eq=False)
class Reference:
    """What embeddings of the reference data are like: ``mean`` (d,), ``precision`` (d, d, inverse covariance).

    An input is accepted up to a Mahalanobis distance of ``limit``; ``description`` tells what data it was.
    """

    description: str
    mean: Vector
    precision: Vector
    limit: float

    def distance(self, embedding: Vector) -> float:
        """Return the Mahalanobis distance of an embedding from the reference data."""
        deviation = embedding - self.mean
        return math.sqrt(max(float(deviation @ self.precision @ deviation), 0.0))

    def content(self) -> dict[str, Any]:
        """Return the reference as plain data for JSON."""
        return {
            "description": self.description,
            "mean": self.mean.tolist(),
            "precision": self.precision.tolist(),
            "limit": self.limit,
        }

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> Reference:
        """Return the reference that :meth:`content` described."""
        return cls(
            content["description"], np.array(content["mean"]), np.array(content["precision"]), float(content["limit"])
        )

    def save(self, path: Path) -> None:
        """Write the reference as JSON: a file of the app's model."""
        path.write_text(json.dumps(self.content()), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Reference:
        """Read a reference that :meth:`save` wrote."""
        return cls.of(json.loads(path.read_text(encoding="utf-8")))


def fit_reference(
    description: str,
    embeddings: Sequence[Vector],
    held_out: Sequence[Vector],
    *,
    margin: float = 1.5,
    shrinkage: float = 0.5,
) -> Reference:
    """Return the reference of some data from their embeddings, (n, d) with n at least 3.

    The covariance is shrunk towards its diagonal by ``shrinkage`` (0 to 1): few samples leave directions without any
    variance. The limit is ``margin`` times the largest distance of ``held_out`` embeddings, of data of the same kind
    that the fit has not seen: distances of the fitted data themselves are too small.
    """
    points, unseen = np.array(embeddings, dtype=np.float64), np.array(held_out, dtype=np.float64)
    if points.ndim != 2 or len(points) < 3 or unseen.ndim != 2 or not len(unseen):
        raise ValueError(
            f"a reference needs at least 3 embeddings and 1 held out, of one length, not {points.shape} and "
            f"{unseen.shape}"
        )
    covariance = np.atleast_2d(np.cov(points, rowvar=False))
    diagonal = np.diag(covariance)
    # A quantity that never varied in the reference data still has a scale: the others' smallest.
    floor = diagonal[diagonal > 0].min() if (diagonal > 0).any() else 1.0
    shrunk = (1 - shrinkage) * covariance + shrinkage * np.diag(np.maximum(diagonal, floor))
    fitted = Reference(description, points.mean(axis=0), np.linalg.inv(shrunk).astype(np.float64), 0.0)
    return replace(fitted, limit=margin * max(fitted.distance(point) for point in unseen))


def domain_shift_gate(
    subject: Input, embedding: Embedding[Input], reference: Reference, *, refuses: bool = True
) -> GateResult:
    """Judge how far an input is from the reference data; not passed (``DOMAIN_SHIFT``) beyond the reference's limit.

    Unless it ``refuses``, an input beyond the limit is passed, too, and the verdict's words and figures warn: for a
    reference that is narrower than what an app is known to serve.
    """
    distance = reference.distance(np.asarray(embedding(subject), dtype=np.float64))
    figures = (plain(DISTANCE, distance), plain(DISTANCE_LIMIT, reference.limit))
    found = f"{distance:.3g} standard deviations from {reference.description}"
    if distance <= reference.limit:
        return gate_passed(DOMAIN_GATE, found, figures)
    if refuses:
        return gate_failed(DOMAIN_GATE, Reason.DOMAIN_SHIFT, f"{found}, at most {reference.limit:.3g} may be", figures)
    return gate_passed(DOMAIN_GATE, f"warning: {found}, at most {reference.limit:.3g} is usual", figures)


def intensity_profile(volume: Volume) -> Vector:
    """Return the shape of the foreground's histogram: percentiles, relative to its median and quartiles.

    Neither scale nor offset of the values counts. A volume that shows nothing gives zeros.
    """
    return array_profile(volume.array)


def array_profile(array: NDArray[Any]) -> Vector:
    """Return the same of an array (slice, row, column)."""
    values = sampled_slices(array)
    threshold = foreground_threshold(values)
    foreground = values[values > threshold] if threshold is not None else values[:0]
    if not foreground.size:
        return np.zeros(len(_PERCENTILES))
    lower, median, upper = np.percentile(foreground, (25, 50, 75))
    spread = float(upper - lower) or 1.0
    return np.asarray((np.percentile(foreground, _PERCENTILES) - median) / spread, dtype=np.float64)
