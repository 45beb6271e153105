"""The evaluation measures what it says, and a small one lies within the limits."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from apps.ecg_intervals.training.bland_altman import draw_bland_altman
from apps.ecg_intervals.training.cases import (
    FEW_LEADS,
    Case,
    cases_over_rates,
    simulate_case,
)
from apps.ecg_intervals.training.combinations import (
    false_flags,
    lead_table,
    missed_flags,
    pair_table,
    totals,
    untold_flags,
)
from apps.ecg_intervals.training.scores import LIMITS, Score, errors, score, score_all, sensitivity_and_specificity
from apps.ecg_intervals.training.truth import expected_flags
from operators.measure.ecg.rules import LONG_QT, LOW_VOLTAGE
from phantoms.ecg import FINDINGS, admissible_pairs


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    kinds = ((), *((finding,) for finding in FINDINGS))
    cases = [Case(findings, noise, 1) for findings in kinds for noise in ("none", "resting")]
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
        Score(Case(("long_qt",), "none", 1), {}, {}, flagged),
        Score(Case(("long_qt",), "none", 2), {}, {}, refused="noise"),
        Score(Case((), "none", 3), {}, {}, flagged),
        Score(Case((), "none", 4), {}, {}),
        Score(Case((), "none", 5), {}, {}, refused="noise"),
        Score(Case((), "none", 6), {}, {}),
    ]
    assert sensitivity_and_specificity(made, "long QT") == (0.5, 0.75)


def test_errors_leave_out_what_was_not_measured() -> None:
    made = [Score(Case((), "none", 1), {"PR": 160}, {"PR": 163}), Score(Case((), "none", 2), {}, {})]
    np.testing.assert_array_equal(errors(made, "PR"), [3])


@pytest.mark.parametrize("rate", [30, 120, 220])
def test_a_case_of_a_rate_is_a_heart_at_that_rate(rate: int) -> None:
    case = Case((), "none", 1, rate=rate)
    assert simulate_case(case).rate == pytest.approx(rate, rel=0.03)
    assert score(case).refused is None


def test_pairs_are_those_that_a_heart_can_have_together() -> None:
    pairs = {frozenset(pair) for pair in admissible_pairs()}
    assert frozenset(("av_block_complete", "low_voltage")) in pairs
    assert frozenset(("sinus_tachycardia", "left_bundle_branch_block")) in pairs
    assert frozenset(("atrial_fibrillation", "av_block_first_degree")) not in pairs
    assert frozenset(("sinus_bradycardia", "sinus_tachycardia")) not in pairs
    for case in cases_over_rates(admissible_pairs(), range(40, 41)):
        simulate_case(case)


def test_rates_go_over_the_physiological_range() -> None:
    rates = [case.rate for case in cases_over_rates([("left_bundle_branch_block",)], range(3))]
    assert rates == [46.0, 82.0, 118.0]
    escapes = [case.rate for case in cases_over_rates([("av_block_complete", "low_voltage")], range(2))]
    assert escapes == [30.0, 65.0]
    # What the finding says is not changed.
    assert [case.rate for case in cases_over_rates([("sinus_tachycardia",)], range(1))] == [None]


def test_truth_is_what_the_heart_has_and_not_what_it_was_called() -> None:
    slow = expected_flags(simulate_case(Case(("long_qt",), "none", 1, rate=50)))
    assert (slow["sinus bradycardia"], slow["long QT"], slow["premature ventricular beats"]) == (True, True, False)
    wide = expected_flags(simulate_case(Case(("left_bundle_branch_block", "long_qt"), "none", 1)))
    assert (wide["left bundle branch block"], wide["long QT"], wide["unspecific wide QRS"]) == (True, False, False)
    escape = expected_flags(simulate_case(Case(("av_block_complete", "low_voltage"), "none", 1)))
    assert (escape["complete AV block"], escape["low voltage"], escape["sinus bradycardia"]) == (True, True, False)


def test_missed_false_and_untold_of_a_worked_example() -> None:
    case = Case(("sinus_tachycardia", "long_qt"), "resting", 1, leads=FEW_LEADS["II"])
    expected = (("sinus tachycardia", True), ("long QT", True), ("low voltage", False), ("ST elevation", None))
    told = ("Rhythm not told: P waves are hidden",)
    each = Score(case, {"QT": 400}, {"QT": 460}, (LOW_VOLTAGE,), None, expected, 12, 1, 2, reasons=told)
    assert (missed_flags(each), false_flags(each), untold_flags(each)) == (
        ["long QT"],
        ["low voltage"],
        ["sinus tachycardia"],
    )
    (words,) = totals([each])
    assert words.startswith("1 recordings, 0 refused, 1 with anything wrong; of 12 beats 1 missed, 2 false")
    row = list(pair_table([each]))[2]
    assert row == (
        "| sinus tachycardia + long qt | 1 | 1, 2 | – | – | +60 ± 0 (60) | long QT 1 | low voltage 1 | "
        "sinus tachycardia 1 | 0 |"
    )
    assert "| lead II | 1 | 1, 2 |" in list(lead_table([each], {FEW_LEADS["II"]: "lead II"}))[2]


def test_a_case_of_few_leads_measures_those() -> None:
    for names in FEW_LEADS.values():
        assert score(Case((), "resting", 3, leads=names)).refused is None
