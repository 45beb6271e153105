"""The evaluation measures what it says, and a small one lies within the limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.ecg_intervals.evaluate import (
    HEALTHY,
    LIMITS,
    Case,
    Score,
    draw_bland_altman,
    errors,
    score,
    score_all,
    sensitivity_and_specificity,
    simulate_case,
)
from operators.measure.ecg.rules import LONG_QT
from phantoms.ecg import FINDINGS


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    cases = [Case(finding, noise, 1) for finding in (HEALTHY, *FINDINGS) for noise in ("none", "resting")]
    return score_all(cases, 1)


@pytest.mark.parametrize("interval", LIMITS)
def test_errors_are_within_the_limits_of_the_standard(scores: list[Score], interval: str) -> None:
    mean, deviation = LIMITS[interval]
    found = errors(scores, interval)
    assert len(found) > 15
    assert abs(found.mean()) <= mean
    assert found.std() <= deviation


def test_the_plot_is_a_picture(scores: list[Score], tmp_path: Path) -> None:
    draw_bland_altman(scores, tmp_path / "plot.png")
    with Image.open(tmp_path / "plot.png") as image:
        assert image.size == (800, 256)


def test_sensitivity_and_specificity_of_a_worked_example() -> None:
    flagged = (LONG_QT,)
    made = [
        Score(Case("long_qt", "none", 1), {}, {}, flagged),
        Score(Case("long_qt", "none", 2), {}, {}, refused="noise"),
        Score(Case(HEALTHY, "none", 3), {}, {}, flagged),
        Score(Case(HEALTHY, "none", 4), {}, {}),
        Score(Case(HEALTHY, "none", 5), {}, {}, refused="noise"),
        Score(Case(HEALTHY, "none", 6), {}, {}),
    ]
    assert sensitivity_and_specificity(made, "long QT") == (0.5, 0.75)


def test_errors_leave_out_what_was_not_measured() -> None:
    made = [Score(Case(HEALTHY, "none", 1), {"PR": 160}, {"PR": 163}), Score(Case(HEALTHY, "none", 2), {}, {})]
    np.testing.assert_array_equal(errors(made, "PR"), [3])


@pytest.mark.parametrize("rate", [30, 120, 220])
def test_a_case_of_a_rate_is_a_heart_at_that_rate(rate: int) -> None:
    case = Case(HEALTHY, "none", 1, rate=rate)
    assert simulate_case(case).rate == pytest.approx(rate, rel=0.03)
    assert score(case).refused is None
