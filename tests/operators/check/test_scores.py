from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from operators.check.scores import (
    ENERGY_TEMPERATURE,
    ExitReference,
    energy_score,
    ensemble_information,
    ensemble_variance,
    ensemble_weighted_variance,
    fit_threshold,
    softmax_score,
)

LOGITS = arrays(np.float64, (6, 3), elements=st.floats(-1000, 1000, allow_nan=False))


@st.composite
def members(draw: st.DrawFn) -> np.ndarray:
    """Probabilities (member, n, class) of ensembles, down to members that are sure."""
    logits = draw(arrays(np.float64, (4, 5, 3), elements=st.floats(-80, 80, allow_nan=False)))
    shifted = np.exp(logits - logits.max(axis=2, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=2, keepdims=True))


@given(LOGITS)
def test_energy_at_the_temperature_of_the_paper_is_the_largest_logit(logits: np.ndarray) -> None:
    largest = logits.max(axis=1)
    assert (energy_score(logits) >= largest - 1e-9).all()
    np.testing.assert_allclose(energy_score(logits), largest, atol=ENERGY_TEMPERATURE * np.log(3) + 1e-9)


def test_energy_at_temperature_one_is_log_sum_exp() -> None:
    logits = np.log([[1.0, 2.0, 3.0], [4.0, 4.0, 4.0]])
    np.testing.assert_allclose(energy_score(logits, temperature=1.0), np.log([6.0, 12.0]))


def test_softmax_score_is_the_largest_probability() -> None:
    np.testing.assert_allclose(softmax_score(np.log([[1.0, 2.0, 5.0], [1.0, 1.0, 1.0]])), [0.625, 1 / 3])


def test_members_that_agree_leave_no_doubt() -> None:
    probabilities = np.repeat([[[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]]], 5, axis=0)
    for doubt in (ensemble_variance, ensemble_weighted_variance, ensemble_information):
        np.testing.assert_allclose(doubt(probabilities), 0, atol=1e-12)


def test_two_members_sure_of_different_classes() -> None:
    probabilities = np.array([[[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]]])
    # Each of two classes has the variance 1/4; the mean 1/2 weighs each.
    assert ensemble_variance(probabilities) == pytest.approx([0.5])
    assert ensemble_weighted_variance(probabilities) == pytest.approx([0.25])
    assert ensemble_information(probabilities) == pytest.approx([np.log(2)])


@given(members())
@settings(max_examples=60)
def test_what_the_members_differ_on_is_never_negative_and_at_most_the_entropy_of_the_mean(
    probabilities: np.ndarray,
) -> None:
    information = ensemble_information(probabilities)
    mean = probabilities.mean(axis=0)
    entropy = -(mean * np.log(np.clip(mean, 1e-12, None))).sum(axis=1)
    assert (information >= 0).all()
    assert (information <= entropy + 1e-9).all()


def test_an_input_must_look_usual_at_every_exit() -> None:
    reference = ExitReference(np.array([[0.0, 1.0, 2.0, 3.0], [10.0, 20.0, 30.0, 40.0]]))
    scores = np.array([[2.0, 9.0, -1.0], [40.0, 10.0, 40.0]])
    np.testing.assert_allclose(reference.quantile(scores), [0.75, 0.25, 0.0])


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_accepts_the_part_that_it_was_set_for(seed: int) -> None:
    random = np.random.default_rng(seed)
    scores = random.gamma(2.0, size=2000)
    threshold = fit_threshold(scores, 0.95, "gamma")
    assert (scores >= threshold.score).mean() == pytest.approx(0.95, abs=0.01)
    fresh = random.gamma(2.0, size=20_000)
    assert (fresh >= threshold.score).mean() == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(("scores", "passing"), [([], 0.95), ([1.0], 0.0), ([1.0], 1.1)])
def test_a_threshold_needs_scores_and_a_part(scores: list[float], passing: float) -> None:
    with pytest.raises(ValueError, match="a threshold needs scores"):
        fit_threshold(scores, passing, "nothing")
