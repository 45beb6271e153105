from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from operators.check.likeness import Likeness, Method, fit_likeness
from operators.check.scores import Threshold, fit_threshold


def outputs(method: Method, count: int, seed: int, *, doubt: float = 0.0) -> np.ndarray:
    """What a network gives of inputs that it knows, or, with ``doubt``, of others: a class stands out less."""
    random = np.random.default_rng(seed)
    if method is Method.EMBEDDING:
        return np.asarray(random.normal(size=(count, 4)) + 6 * doubt)
    several = {Method.EXITS: 3, Method.VARIANCE: 4, Method.WEIGHTED_VARIANCE: 4, Method.INFORMATION: 4}.get(method, 1)
    truth = random.integers(3, size=count)
    logits = random.normal(size=(several, count, 3)) * (0.3 + 2 * doubt * (several == 4))
    logits[:, np.arange(count), truth] += 6 * (1 - doubt)
    if method in (Method.SOFTMAX, Method.ENERGY):
        return np.asarray(logits[0])
    if method is Method.EXITS:
        return np.asarray(logits)
    shifted = np.exp(logits)
    return np.asarray(shifted / shifted.sum(axis=2, keepdims=True))


@pytest.mark.parametrize("method", Method)
def test_every_score_is_larger_for_what_is_known(method: Method) -> None:
    likeness = fit_likeness(outputs(method, 300, 0), outputs(method, 2000, 1), "known", method=method, passing=0.95)
    known = likeness.scores(outputs(method, 2000, 2))
    unknown = likeness.scores(outputs(method, 400, 3, doubt=0.9))
    assert known.shape == (2000,)
    assert (known >= likeness.threshold.score).mean() == pytest.approx(0.95, abs=0.03)
    assert (unknown >= likeness.threshold.score).mean() < 0.1


@pytest.mark.parametrize("method", Method)
def test_a_likeness_is_stored_and_read_back(method: Method, tmp_path: Path) -> None:
    likeness = fit_likeness(outputs(method, 50, 0), outputs(method, 30, 1), "known data", method=method)
    likeness.save(tmp_path / "likeness.json")
    copy = Likeness.load(tmp_path / "likeness.json")
    assert (copy.method, copy.threshold) == (likeness.method, likeness.threshold)
    fresh = outputs(method, 20, 2)
    np.testing.assert_array_equal(copy.scores(fresh), likeness.scores(fresh))


def test_the_threshold_is_of_validation_data_only() -> None:
    training, validation = outputs(Method.EMBEDDING, 60, 0), 3 * outputs(Method.EMBEDDING, 500, 1)
    likeness = fit_likeness(training, validation, "known", passing=0.9)
    assert (likeness.scores(validation) >= likeness.threshold.score).mean() == pytest.approx(0.9, abs=0.01)
    assert (likeness.scores(training) >= likeness.threshold.score).all()


@pytest.mark.parametrize("method", [Method.EXITS, Method.EMBEDDING])
def test_a_score_without_its_reference_is_told(method: Method) -> None:
    likeness = Likeness(method, Threshold(0.0, 0.95, "nothing"))
    with pytest.raises(ValueError, match=f"{method.value} needs a reference"):
        likeness.scores(outputs(method, 3, 0))


def test_a_threshold_is_stored_and_read_back(tmp_path: Path) -> None:
    threshold = fit_threshold([1.0, 2.0, 4.0], 0.5, "three")
    threshold.save(tmp_path / "threshold.json")
    assert Threshold.load(tmp_path / "threshold.json") == threshold == Threshold(2.0, 0.5, "three")
