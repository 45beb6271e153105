from __future__ import annotations

import numpy as np
import pytest

from operators.learn.scores import area_under_curve, dice, pooled_dice


def test_pooled_and_mean_dice_differ() -> None:
    # A large mass found whole, a small one missed.
    truth = np.zeros((2, 20, 20), dtype=bool)
    truth[0, :10, :10], truth[1, :2, :5] = True, True
    found = truth.copy()
    found[1] = False
    assert np.mean([dice(a, b) for a, b in zip(found, truth, strict=True)]) == pytest.approx(0.5)
    assert pooled_dice(found, truth) == pytest.approx(2 * 100 / 210)


def test_nothing_found_where_nothing_is_agrees() -> None:
    empty = np.zeros((3, 3), dtype=bool)
    assert dice(empty, empty) == 1
    assert dice(empty, ~empty) == 0


def test_the_area_under_the_curve_counts_pairs() -> None:
    scores, truth = np.array([0.1, 0.4, 0.35, 0.8, 0.4]), np.array([0.0, 0.0, 1.0, 1.0, 1.0])
    # Of six pairs: (0.35, 0.1) (0.8, both) (0.4, 0.1) right, (0.4, 0.4) half, (0.35, 0.4) wrong.
    assert area_under_curve(scores, truth) == pytest.approx(4.5 / 6)
    assert np.isnan(area_under_curve(scores, np.ones(5)))
