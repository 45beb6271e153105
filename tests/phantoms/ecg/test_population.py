"""The population of hearts: what goes together is there together, at every rate, and the findings are those it has."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from phantoms.ecg import (
    FINDINGS,
    BundleBranch,
    Conduction,
    Heart,
    Infarction,
    Rhythm,
    random_findings,
    random_heart,
    random_patient,
    simulate_ecg,
    together,
)
from phantoms.ecg.rhythm import Origin

PAIRS = [pair for pair in combinations(FINDINGS, 2) if together(*pair)]


def has(heart: Heart) -> set[str]:
    """The findings of a heart by their definition in numbers."""
    blocked, sinus = heart.conduction is Conduction.COMPLETE_BLOCK, heart.rhythm is Rhythm.SINUS
    conducted = sinus and not blocked
    corrected = heart.qt * float(np.cbrt(heart.rate / 60)) - 0.6 * max(0.0, heart.qrs - 106)
    rules = {
        "sinus_bradycardia": conducted and heart.rate < 60,
        "sinus_tachycardia": conducted and heart.rate > 100,
        "atrial_fibrillation": heart.rhythm is Rhythm.ATRIAL_FIBRILLATION,
        "av_block_first_degree": conducted and heart.pr > 200,
        "av_block_second_degree": heart.conduction in (Conduction.WENCKEBACH, Conduction.MOBITZ),
        "av_block_complete": blocked,
        "left_bundle_branch_block": heart.bundle_branch is BundleBranch.LEFT,
        "right_bundle_branch_block": heart.bundle_branch is BundleBranch.RIGHT,
        "premature_ventricular_beats": heart.premature_ventricular > 0,
        "premature_atrial_beats": heart.premature_atrial > 0,
        "long_qt": corrected > 460 and heart.rhythm is not Rhythm.PACED,
        "low_voltage": heart.voltage < 0.5,
        "anterior_infarction": heart.infarction is Infarction.ANTERIOR,
        "inferior_infarction": heart.infarction is Infarction.INFERIOR,
        "ventricular_pacing": heart.rhythm is Rhythm.PACED,
    }
    return {name for name, holds in rules.items() if holds}


def test_the_findings_of_a_patient_are_those_of_the_heart() -> None:
    for seed in range(3000):
        heart, findings = random_patient(np.random.default_rng(seed))
        assert has(heart) == set(findings), (seed, heart)


def test_all_pairs_that_go_together_come_together_and_no_others() -> None:
    drawn = [random_findings(np.random.default_rng(seed)) for seed in range(12_000)]
    seen = {pair for findings in drawn for pair in combinations(findings, 2)}
    assert seen == set(PAIRS)
    counts = np.bincount([len(findings) for findings in drawn]) / len(drawn)
    assert counts[0] > 0.1
    assert counts[1] > 0.25
    assert {findings[0] for findings in drawn if len(findings) == 1} == set(FINDINGS)


def test_patients_of_every_rate() -> None:
    rates = np.array([random_patient(np.random.default_rng(seed))[0].rate for seed in range(3000)])
    counts, _ = np.histogram(
        rates, [25, 30, 35, 40, 45, 50, 55, 60, 65, 80, 95, 100, 105, 110, 120, 130, 140, 160, 190]
    )
    assert counts.min() >= 10


@pytest.mark.parametrize(("first", "second"), PAIRS)
def test_a_pair_can_be_simulated(first: str, second: str) -> None:
    heart, findings = random_patient(np.random.default_rng(3), (first, second))
    assert findings == (first, second)
    ecg = simulate_ecg(heart, seed=3)
    assert np.isfinite(ecg.leads).all()
    # A patient who has both by the shorter way, too, whichever is named first.
    assert {first, second} <= has(random_heart(np.random.default_rng(3), second, first))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("atrial_fibrillation", "av_block_first_degree"),
        ("sinus_bradycardia", "sinus_tachycardia"),
        ("ventricular_pacing", "left_bundle_branch_block"),
        ("anterior_infarction", "inferior_infarction"),
    ],
)
def test_what_no_heart_has_together_is_an_error(first: str, second: str) -> None:
    with pytest.raises(ValueError, match="together"):
        random_heart(np.random.default_rng(1), first, second)
    with pytest.raises(ValueError, match="no heart"):
        random_patient(np.random.default_rng(1), (first, second))


@pytest.mark.parametrize("rate", [25.0, 59.0])
def test_a_rate_that_is_named(rate: float) -> None:
    heart, _ = random_patient(np.random.default_rng(1), ("sinus_bradycardia",), rate)
    assert heart.rate == rate
    with pytest.raises(ValueError, match="no heart has sinus_tachycardia, av_block_first_degree"):
        random_patient(np.random.default_rng(1), ("sinus_tachycardia", "av_block_first_degree"), 219)
    with pytest.raises(ValueError, match="no heart has"):
        random_patient(np.random.default_rng(1), (), rate - 1)


@pytest.mark.parametrize("first", ["atrial_fibrillation", "ventricular_pacing"])
def test_premature_beats_without_sinus_rhythm(first: str) -> None:
    heart, _ = random_patient(np.random.default_rng(2), (first, "premature_ventricular_beats"), 80)
    ecg = simulate_ecg(heart, seed=2, seconds=60)
    early = [beat.origin is Origin.VENTRICULAR for beat in ecg.beats]
    assert 0.3 * heart.premature_ventricular < np.mean(early) < 1.5 * heart.premature_ventricular
    onsets = np.array([beat.qrs_onset for beat in ecg.beats])
    assert (np.diff(onsets) > heart.qt / 1000).all(), "no beat falls into the T wave of the one before"
    after = [second - first for first, second, is_early in zip(onsets, onsets[1:], early[1:], strict=False) if is_early]
    usual = np.median(np.diff(onsets))
    assert np.median(after) < usual


def test_an_escape_rhythm_with_a_blocked_bundle_has_its_shape() -> None:
    heart, _ = random_patient(np.random.default_rng(4), ("av_block_complete", "right_bundle_branch_block"), 40)
    ecg = simulate_ecg(heart, seed=4)
    assert {beat.origin for beat in ecg.beats} == {Origin.CONDUCTED}
    assert ecg.qrs >= 120
    beat = ecg.beats[1]
    late = ecg.lead("V1")[round((beat.qrs_onset + 0.7 * ecg.qrs / 1000) * 500)]
    assert late > 0.2, "R' in V1"
