"""What is measured on simulated hearts is what they were made with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pydicom.sr.coding import Code

from operators.measure.ecg.analysis import EcgAnalysis, analyse_ecg
from operators.measure.ecg.quality import UnmeasurableError
from operators.measure.ecg.rhythm import Rhythm
from operators.measure.ecg.rules import (
    ATRIAL_FIBRILLATION,
    BRADYCARDIA,
    COMPLETE_BLOCK,
    LEFT_BUNDLE,
    LONG_QT,
    LOW_VOLTAGE,
    PREMATURE_VENTRICULAR,
    REVERSED_ARMS,
    REVERSED_RIGHT_LEADS,
    RIGHT_BUNDLE,
    SHORT_QT,
    SINUS_BRADYCARDIA,
    SINUS_RHYTHM,
    SINUS_TACHYCARDIA,
    ST_ELEVATION,
    TACHYCARDIA,
    WIDE_QRS,
    WIDE_QRS_OF_FEW_LEADS,
    judge_rules,
    reversed_limb_leads,
)
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import (
    FINDINGS,
    FIVE_ELECTRODES,
    NONE,
    RESTING,
    RESTLESS,
    BundleBranch,
    Conduction,
    Heart,
    Infarction,
    Noise,
    SimulatedECG,
    random_heart,
    random_patient,
    simulate_ecg,
)
from phantoms.ecg.heart import Rhythm as HeartRhythm
from phantoms.ecg.rhythm import Origin


def leads_of(ecg: SimulatedECG, names: tuple[str, ...] = STANDARD_LEADS) -> EcgLeads:
    return EcgLeads(names, np.stack([ecg.lead(name) for name in names]), float(ecg.sampling_frequency))


def assert_intervals(found: EcgAnalysis, truth: SimulatedECG, *, tolerance: float = 12.0) -> None:
    assert truth.pr is not None
    assert found.pr == pytest.approx(truth.pr, abs=tolerance)
    assert found.qrs == pytest.approx(truth.qrs, abs=tolerance)
    assert found.qt == pytest.approx(truth.qt, abs=1.5 * tolerance)
    assert found.rate == pytest.approx(truth.rate, rel=0.02)


@pytest.mark.parametrize("frequency", [100, 250, 360, 500, 1000])
def test_sampling_frequencies(frequency: int) -> None:
    ecg = simulate_ecg(Heart(rate=66, pr=170, qt=410), noise=RESTING, sampling_frequency=frequency)
    assert_intervals(analyse_ecg(leads_of(ecg)), ecg)


@pytest.mark.parametrize("noise", [NONE, RESTING, RESTLESS, Noise(mains=0.1, mains_frequency=60.0)])
@pytest.mark.parametrize("seed", [1, 2])
def test_noise(noise: Noise, seed: int) -> None:
    ecg = simulate_ecg(Heart(rate=80, pr=150, qt=370), noise=noise, seed=seed)
    assert_intervals(analyse_ecg(leads_of(ecg)), ecg, tolerance=15.0)


@pytest.mark.parametrize("names", [("II",), ("II", "V5"), FIVE_ELECTRODES])
def test_few_leads(names: tuple[str, ...]) -> None:
    ecg = simulate_ecg(noise=RESTING, seed=3)
    assert_intervals(analyse_ecg(leads_of(ecg, names)), ecg, tolerance=20.0)


@pytest.mark.parametrize("lead", ["I", "V5"])
def test_one_lead_sees_no_more_of_a_wave_than_it_looks_at(lead: str) -> None:
    # Waves whose first or last part stands at a right angle to a lead look shorter there.
    ecg = simulate_ecg(noise=RESTING, seed=3)
    found = analyse_ecg(leads_of(ecg, (lead,)))
    assert ecg.pr is not None
    assert found.pr is not None
    assert ecg.pr - 60 < found.pr < ecg.pr + 15
    assert found.qrs is not None
    assert ecg.qrs - 40 < found.qrs < ecg.qrs + 10
    assert found.qt == pytest.approx(ecg.qt, abs=20)


@pytest.mark.parametrize("rate", range(30, 221, 10))
def test_whatever_the_rate_intervals_are_right_or_not_told(rate: int) -> None:
    heart = Heart(rate=rate, qt=400 * float(np.cbrt(60 / rate)), pr=160 if rate <= 100 else 125)
    for noise in (NONE, RESTING):
        ecg = simulate_ecg(heart, noise=noise, seed=rate)
        found = analyse_ecg(leads_of(ecg))
        assert found.rate == pytest.approx(ecg.rate, rel=0.02)
        for value, truth in ((found.pr, ecg.pr), (found.qrs, ecg.qrs), (found.qt, ecg.qt)):
            assert value is None or value == pytest.approx(truth, abs=15)
        assert (found.pr is None) == any(words.startswith("PR") for words in found.unmeasured)
        assert (found.qt is None) == any("QT" in words for words in found.unmeasured)
        if rate <= 110:
            assert found.facts.rhythm is Rhythm.SINUS
            assert None not in (found.pr, found.qrs, found.qt)
        elif rate <= 190:
            assert None not in (found.qrs, found.qt)
        flags = {flag.finding for flag in judge_rules(found)}
        expected = SINUS_BRADYCARDIA if rate < 60 else SINUS_TACHYCARDIA if rate > 100 else SINUS_RHYTHM
        assert flags in ({expected}, {TACHYCARDIA}) or (rate in (60, 100) and len(flags) == 1)


def test_a_slow_heart_is_told_from_four_beats() -> None:
    found = analyse_ecg(leads_of(simulate_ecg(Heart(rate=27), seed=3)))
    assert found.facts.rhythm is Rhythm.SINUS
    assert next(flag.finding for flag in judge_rules(found)) == SINUS_BRADYCARDIA


def test_slow_and_fast_hearts_of_any_rhythm_and_a_short_qt_are_flagged() -> None:
    found = analyse_ecg(leads_of(simulate_ecg(noise=RESTING)))
    unknown = replace(found, facts=replace(found.facts, rhythm=Rhythm.UNDETERMINED))
    for rate, code in ((28.0, BRADYCARDIA), (140.0, TACHYCARDIA)):
        assert code in [flag.finding for flag in judge_rules(replace(unknown, rate=rate))]
    short = analyse_ecg(leads_of(simulate_ecg(Heart(qt=265, rate=62), noise=RESTING)))
    assert SHORT_QT in [flag.finding for flag in judge_rules(short)]


def test_single_beats_lie_where_they_were_simulated() -> None:
    ecg = simulate_ecg(Heart(premature_atrial=0.2, rate=70), noise=RESTING, seed=4)
    found = analyse_ecg(leads_of(ecg))
    peaks = np.array([beat.peak for beat in found.beats])
    for beat in ecg.beats:
        nearest = found.beats[int(np.argmin(np.abs(peaks - beat.r_peak)))]
        assert abs(nearest.peak - beat.r_peak) < 0.012
        assert abs(nearest.qrs_onset - beat.qrs_onset) < 0.015
        assert nearest.t_end is None or abs(nearest.t_end - beat.t_end) < 0.03


def test_axis_and_st_levels() -> None:
    for degrees in (-40.0, 0.0, 60.0, 110.0):
        ecg = simulate_ecg(Heart(axis=degrees), noise=RESTING)
        found = analyse_ecg(leads_of(ecg))
        assert found.axes.qrs == pytest.approx(ecg.axis, abs=6)
        for name, level in ecg.st.items():
            assert found.levels[name].st == pytest.approx(level, abs=0.03), name


@pytest.mark.parametrize(
    ("heart", "rhythm"),
    [
        (Heart(), Rhythm.SINUS),
        (Heart(rhythm=HeartRhythm.ATRIAL_FIBRILLATION, rate=90, qt=340), Rhythm.ATRIAL_FIBRILLATION),
        (Heart(rhythm=HeartRhythm.PACED, qrs=150, qt=440), Rhythm.PACED),
        (Heart(conduction=Conduction.WENCKEBACH, pr=190), Rhythm.SECOND_DEGREE_TYPE_1),
        (Heart(conduction=Conduction.MOBITZ), Rhythm.SECOND_DEGREE_TYPE_2),
        (Heart(conduction=Conduction.COMPLETE_BLOCK, rate=38, qt=460), Rhythm.COMPLETE_BLOCK),
    ],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_rhythms(heart: Heart, rhythm: Rhythm, seed: int) -> None:
    for noise in (RESTING, RESTLESS):
        ecg = simulate_ecg(heart, noise=noise, seed=seed)
        assert analyse_ecg(leads_of(ecg)).facts.rhythm is rhythm


def test_premature_beats_are_of_another_shape() -> None:
    ecg = simulate_ecg(Heart(premature_ventricular=0.25), noise=RESTING, seed=5)
    planted = sum(beat.origin.value == "ventricular" for beat in ecg.beats)
    found = analyse_ecg(leads_of(ecg))
    assert planted > 0
    assert abs(found.ectopic_count - planted) <= 1, "one may be cut by the start or the end"
    assert PREMATURE_VENTRICULAR in [flag.finding for flag in judge_rules(found)]
    assert found.qrs == pytest.approx(ecg.qrs, abs=12), "that of the usual beats"
    assert found.qt == pytest.approx(ecg.qt, abs=18)


@pytest.mark.parametrize("rate", [60.0, 75.0, 90.0])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_in_bigeminy_the_usual_beats_are_measured(rate: float, seed: int) -> None:
    heart = Heart(premature_ventricular=0.95, rate=rate, qt=410 * float(np.cbrt(60 / rate)))
    ecg = simulate_ecg(heart, noise=RESTING, seed=seed)
    usual = [beat for beat in ecg.beats if beat.origin is Origin.CONDUCTED]
    assert len(usual) < 0.7 * len(ecg.beats)
    found = analyse_ecg(leads_of(ecg))
    assert found.facts.rhythm is Rhythm.SINUS
    assert found.pr == pytest.approx(heart.pr, abs=10)
    assert found.qrs == pytest.approx(heart.qrs, abs=10)
    assert found.qt == pytest.approx(1000 * float(np.median([beat.t_end - beat.qrs_onset for beat in usual])), abs=15)


def test_half_of_the_beats_followed_by_a_premature_one_do_not_lengthen_qt() -> None:
    heart = Heart(premature_ventricular=0.4, rate=80, qt=377)
    for seed in range(6):
        ecg = simulate_ecg(heart, noise=RESTING, seed=seed)
        assert analyse_ecg(leads_of(ecg)).qt == pytest.approx(ecg.qt, abs=15)


@pytest.mark.parametrize(
    ("pair", "told"), [(("RA", "LA"), REVERSED_ARMS), (("RA", "LL"), REVERSED_RIGHT_LEADS), (("V1", "V2"), None)]
)
def test_swapped_limb_leads_are_told(pair: tuple[str, str], told: Code | None) -> None:
    for seed in range(5):
        heart = random_heart(np.random.default_rng(seed))
        flag = reversed_limb_leads(
            analyse_ecg(leads_of(simulate_ecg(heart, noise=RESTING, seed=seed, swapped_electrodes=(pair,))))
        )
        assert (None if flag is None else flag.finding) == told


@pytest.mark.parametrize("finding", [None, *FINDINGS])
def test_no_other_heart_looks_as_if_leads_were_swapped(finding: str | None) -> None:
    for seed in range(3):
        ecg = simulate_ecg(random_heart(np.random.default_rng(seed), finding), seed=seed)
        assert reversed_limb_leads(analyse_ecg(leads_of(ecg))) is None


@pytest.mark.parametrize("names", [("II",), ("II", "V5"), FIVE_ELECTRODES, STANDARD_LEADS])
@pytest.mark.parametrize("frequency", [125, 250, 1000])
def test_a_pacemaker_is_told_with_any_leads(names: tuple[str, ...], frequency: int) -> None:
    heart = Heart(rhythm=HeartRhythm.PACED, qrs=150, qt=440)
    ecg = simulate_ecg(heart, noise=RESTING, sampling_frequency=frequency)
    found = analyse_ecg(leads_of(ecg, names))
    assert found.facts.rhythm is Rhythm.PACED
    assert found.qrs == pytest.approx(ecg.qrs, abs=30 if names == ("II",) else 20)


@pytest.mark.parametrize("seed", [54, 490])
def test_a_narrow_qrs_of_few_samples_is_no_pacing_spike(seed: int) -> None:
    random = np.random.default_rng(seed)
    heart = replace(random_heart(random), voltage=float(random.uniform(0.8, 1.4)))
    ecg = simulate_ecg(heart, seed=seed, noise=RESTING, sampling_frequency=120)
    found = analyse_ecg(leads_of(ecg))
    assert found.facts.rhythm is Rhythm.SINUS
    assert found.qrs == pytest.approx(ecg.qrs, abs=12)


def test_p_of_usual_beats_is_measured_beside_premature_ones_of_their_shape() -> None:
    for seed in range(6):
        heart = Heart(premature_atrial=0.3, p=100)
        found = analyse_ecg(leads_of(simulate_ecg(heart, seed=seed, noise=RESTING)))
        assert found.p == pytest.approx(100, abs=20), seed
        assert found.pr == pytest.approx(heart.pr, abs=12), seed


def test_an_undetermined_rhythm_has_no_pr() -> None:
    heart = Heart(rate=74, qt=370, conduction=Conduction.COMPLETE_BLOCK)
    found = analyse_ecg(leads_of(simulate_ecg(heart, seed=1, noise=RESTING)))
    assert found.facts.rhythm in (Rhythm.UNDETERMINED, Rhythm.COMPLETE_BLOCK)
    assert found.pr is None


def test_left_bundle_branch_block_with_sinus_tachycardia_has_no_other_beats() -> None:
    for seed in (13, 41, 42, 43):
        heart = random_heart(np.random.default_rng(seed), "left_bundle_branch_block", "sinus_tachycardia")
        ecg = simulate_ecg(heart, seed=seed, noise=RESTING)
        found = analyse_ecg(leads_of(ecg))
        assert_beats(found, ecg)
        assert found.qrs == pytest.approx(ecg.qrs, abs=12)
        flags = [flag.finding for flag in judge_rules(found)]
        assert LEFT_BUNDLE in flags
        assert PREMATURE_VENTRICULAR not in flags


@pytest.mark.parametrize(
    ("rhythm", "rate", "seed"),
    [
        ("sinus_tachycardia", 125.0, 13),
        ("sinus_tachycardia", 135.0, 4),
        ("sinus_tachycardia", 145.0, 3),
        ("sinus_tachycardia", 155.0, 8),
        ("atrial_fibrillation", 125.0, 21),
        ("atrial_fibrillation", 135.0, 1),
        ("atrial_fibrillation", 145.0, 3),
        ("atrial_fibrillation", 155.0, 1),
    ],
)
def test_no_beat_is_lost_beside_the_t_waves_of_a_fast_heart_with_left_bundle_branch_block(
    rhythm: str, rate: float, seed: int
) -> None:
    heart, _ = random_patient(np.random.default_rng(seed), (rhythm, "left_bundle_branch_block"), rate)
    ecg = simulate_ecg(heart, seed=seed, noise=RESTING)
    assert_beats(analyse_ecg(leads_of(ecg)), ecg)


def assert_beats(found: EcgAnalysis, truth: SimulatedECG) -> None:
    """Every whole beat is found, and nothing between the first and the last of them is told that is none."""
    told = np.array([beat.peak for beat in found.beats])
    true = np.array([beat.r_peak for beat in truth.beats])
    assert (np.abs(true[:, None] - told[None]).min(axis=1) < 0.15).all(), "missed"
    within = told[(told > true[0] - 0.1) & (told < true[-1] + 0.1)]
    assert len(within) == len(true), "false"


@pytest.mark.parametrize("voltage", [0.18, 0.25, 1.0])
@pytest.mark.parametrize("rate", [32.0, 44.0, 58.0, 65.0])
@pytest.mark.parametrize("qrs", [98.0, 130.0])
def test_p_waves_are_no_beats_in_a_complete_block(voltage: float, rate: float, qrs: float) -> None:
    heart = Heart(
        conduction=Conduction.COMPLETE_BLOCK, rate=rate, voltage=voltage, qrs=qrs, qt=410 * float(np.cbrt(60 / rate))
    )
    ecg = simulate_ecg(heart, seed=round(rate), noise=RESTING)
    found = analyse_ecg(leads_of(ecg))
    assert_beats(found, ecg)
    assert found.facts.rhythm is Rhythm.COMPLETE_BLOCK
    flags = [flag.finding for flag in judge_rules(found)]
    assert COMPLETE_BLOCK in flags
    assert PREMATURE_VENTRICULAR not in flags
    if found.qrs is None:
        assert voltage < 0.5
        assert any("noise that is left" in words for words in found.unmeasured)
        return
    assert (LOW_VOLTAGE in flags) == (voltage < 0.5)
    assert found.qrs == pytest.approx(ecg.qrs, abs=20)


@pytest.mark.parametrize("rate", [60.0, 85.0, 100.0, 115.0])
@pytest.mark.parametrize("voltage", [0.25, 1.0])
def test_premature_ventricular_beats_are_found_at_any_rate(rate: float, voltage: float) -> None:
    heart = Heart(
        premature_ventricular=0.2, rate=rate, voltage=voltage, qt=400 * float(np.cbrt(60 / rate)), pr=140, p=95
    )
    for seed in (1, 2):
        ecg = simulate_ecg(heart, noise=RESTING, seed=seed)
        assert any(beat.origin is Origin.VENTRICULAR for beat in ecg.beats)
        found = analyse_ecg(leads_of(ecg))
        assert_beats(found, ecg)
        flags = [flag.finding for flag in judge_rules(found)]
        assert PREMATURE_VENTRICULAR in flags
        assert ATRIAL_FIBRILLATION not in flags
        assert LONG_QT not in flags
        assert found.qrs == pytest.approx(heart.qrs, abs=12)


@pytest.mark.parametrize("premature", ["premature_ventricular_beats", "premature_atrial_beats"])
def test_a_second_degree_block_is_told_beside_premature_beats(premature: str) -> None:
    told = []
    for seed in range(3, 9):
        heart = random_heart(np.random.default_rng(seed), premature, "av_block_second_degree")
        found = analyse_ecg(leads_of(simulate_ecg(heart, seed=seed, noise=RESTING)))
        told.append(found.facts.rhythm in (Rhythm.SECOND_DEGREE_TYPE_1, Rhythm.SECOND_DEGREE_TYPE_2))
        assert told[-1] or any(words.startswith("Rhythm not told") for words in found.unmeasured)
    assert sum(told) >= 5


def test_a_pause_after_a_premature_beat_is_no_block() -> None:
    for seed in range(4):
        heart = Heart(premature_ventricular=0.25, premature_atrial=0.15, rate=62)
        found = analyse_ecg(leads_of(simulate_ecg(heart, seed=seed, noise=RESTING)))
        assert found.facts.rhythm is Rhythm.SINUS


@pytest.mark.parametrize("infarction", [Infarction.ANTERIOR, Infarction.INFERIOR])
def test_raised_st_segments_as_high_as_a_low_qrs_are_no_part_of_it(infarction: Infarction) -> None:
    heart = Heart(voltage=0.25, infarction=infarction, st_elevation=0.35)
    ecg = simulate_ecg(heart, noise=RESTING, seed=2)
    found = analyse_ecg(leads_of(ecg))
    assert found.qrs == pytest.approx(ecg.qrs, abs=15)
    assert ST_ELEVATION in [flag.finding for flag in judge_rules(found)]


def test_a_bundle_branch_block_is_told_however_low_qrs_is() -> None:
    for branch, code in ((BundleBranch.LEFT, LEFT_BUNDLE), (BundleBranch.RIGHT, RIGHT_BUNDLE)):
        heart = Heart(voltage=0.3, bundle_branch=branch, qrs=140, qt=430, axis=10)
        found = analyse_ecg(leads_of(simulate_ecg(heart, noise=RESTING, seed=1)))
        assert code in [flag.finding for flag in judge_rules(found)]


def test_what_noise_hides_in_the_median_beat_is_not_told() -> None:
    heart = Heart(rhythm=HeartRhythm.ATRIAL_FIBRILLATION, rate=100, qt=330, voltage=0.25)
    told = 0
    for seed in range(6):
        ecg = simulate_ecg(heart, noise=RESTING, seed=seed)
        try:
            found = analyse_ecg(leads_of(ecg))
        except UnmeasurableError:
            continue
        if found.qrs is None:
            told += 1
            assert any("noise that is left" in words for words in found.unmeasured)
            assert found.qt is None
            assert not found.levels
            assert found.ectopic_count == 0
    assert told


def test_an_unknown_rhythm_says_so() -> None:
    # Regular cycles and fibrillating atria: as where the refractory period is nearly the cycle.
    heart = Heart(rhythm=HeartRhythm.ATRIAL_FIBRILLATION, rate=80, qt=690)
    found = analyse_ecg(leads_of(simulate_ecg(heart, noise=RESTING, seed=1)))
    assert found.facts.rhythm is Rhythm.UNDETERMINED
    assert any(words.startswith("Rhythm not told") for words in found.unmeasured)


@pytest.mark.parametrize("names", [("II",), ("I",), ("V1",), ("I", "II", "III"), FIVE_ELECTRODES])
def test_few_leads_raise_no_flag_on_healthy_hearts(names: tuple[str, ...]) -> None:
    for seed in range(6):
        heart = replace(random_heart(np.random.default_rng(seed)), rate=75)
        for noise in (RESTING, RESTLESS):
            try:
                found = analyse_ecg(leads_of(simulate_ecg(heart, seed=seed, noise=noise), names))
            except UnmeasurableError:
                continue
            assert {flag.finding for flag in judge_rules(found)} <= {SINUS_RHYTHM}


def test_few_leads_tell_no_bundle_branch_and_no_flat_t_wave() -> None:
    heart = Heart(bundle_branch=BundleBranch.LEFT, qrs=150, qt=430, axis=20)
    found = analyse_ecg(leads_of(simulate_ecg(heart, noise=RESTING), ("I", "II", "III")))
    flags = [flag.finding for flag in judge_rules(found)]
    assert WIDE_QRS_OF_FEW_LEADS in flags
    assert not {LEFT_BUNDLE, RIGHT_BUNDLE, WIDE_QRS} & set(flags)
    of_one = analyse_ecg(leads_of(simulate_ecg(Heart(axis=60), noise=NONE, seed=3), ("V1",)))
    assert abs(of_one.levels["V1"].t) < 0.1
    assert of_one.qt is None
    assert any("QT not measured: T is lower" in words for words in of_one.unmeasured)


def test_one_lead_tells_no_dropped_beat() -> None:
    # A premature beat at a right angle to the lead leaves a pause behind a P wave, too.
    for heart in (Heart(conduction=Conduction.MOBITZ), Heart(premature_ventricular=0.25, rate=66)):
        found = analyse_ecg(leads_of(simulate_ecg(heart, noise=RESTING, seed=1), ("I",)))
        assert found.facts.rhythm not in (Rhythm.SECOND_DEGREE_TYPE_1, Rhythm.SECOND_DEGREE_TYPE_2)


def test_a_missing_chest_lead_and_a_saturated_one_change_no_interval() -> None:
    ecg = simulate_ecg(noise=RESTING)
    without = tuple(name for name in STANDARD_LEADS if name != "V2")
    assert_intervals(analyse_ecg(leads_of(ecg, without)), ecg)
    leads = leads_of(ecg)
    clipped = leads.signal.copy()
    clipped[STANDARD_LEADS.index("V3")] = np.clip(clipped[STANDARD_LEADS.index("V3")], -0.3, 0.3)
    assert_intervals(analyse_ecg(replace(leads, signal=clipped)), ecg)


def test_three_seconds_are_enough() -> None:
    ecg = simulate_ecg(Heart(rate=90, qt=350), noise=RESTING, seconds=3.5)
    assert analyse_ecg(leads_of(ecg)).qrs == pytest.approx(ecg.qrs, abs=12)


@pytest.mark.parametrize(
    "signal", ["noise", "silence", "a sine wave", "one beat", "a few samples", "50 Hz", "restless and of low voltage"]
)
def test_what_cannot_be_measured_says_so(signal: str) -> None:
    random = np.random.default_rng(1)
    if signal == "restless and of low voltage":
        leads = leads_of(simulate_ecg(Heart(voltage=0.2), noise=RESTLESS, seed=1))
    elif signal in ("one beat", "a few samples"):
        whole = leads_of(simulate_ecg(Heart(rate=50, qt=420)))
        leads = replace(whole, signal=whole.signal[:, : 700 if signal == "one beat" else 5])
    elif signal == "50 Hz":
        leads = leads_of(simulate_ecg(sampling_frequency=50))
    elif signal == "a sine wave":
        leads = EcgLeads(("I", "II"), np.tile(np.sin(np.arange(5000) / 66), (2, 1)), 500.0)
    else:
        size = 0.1 if signal == "noise" else 0.0
        leads = EcgLeads(("I", "II"), size * random.normal(size=(2, 5000)), 500.0)
    with pytest.raises(UnmeasurableError):
        analyse_ecg(leads)


@pytest.mark.parametrize(
    "heart", [Heart(conduction=Conduction.MOBITZ), Heart(conduction=Conduction.COMPLETE_BLOCK, rate=38, qt=460)]
)
def test_blocked_p_waves_lie_where_they_were_simulated(heart: Heart) -> None:
    ecg = simulate_ecg(heart, noise=RESTING, seed=1)
    found = analyse_ecg(leads_of(ecg))
    conducted = {beat.p_onset for beat in ecg.beats}
    blocked = [onset for onset in ecg.p_onsets if onset not in conducted and 0.2 < onset < 9.5]
    told = np.array([onset for onset, _ in found.blocked_p])
    # One that a QRS or T wave hides is not seen.
    seen = [onset for onset in blocked if np.abs(told - onset).min() < 0.03]
    assert len(seen) >= 0.6 * len(blocked)
    assert all(np.abs(np.array(ecg.p_onsets) - onset).min() < 0.05 for onset in told if 0.2 < onset < 9.5)
    assert analyse_ecg(leads_of(simulate_ecg(noise=RESTING))).blocked_p == ()
