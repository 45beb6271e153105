"""The simulated heart obeys what is told of it, measured on the leads themselves."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from phantoms.ecg import (
    FINDINGS,
    RESTING,
    BundleBranch,
    Conduction,
    Heart,
    Infarction,
    Noise,
    Rhythm,
    SimulatedECG,
    random_heart,
    random_noise,
    simulate_ecg,
)
from phantoms.ecg.electrodes import LEADS

Signal = NDArray[np.float64]


def energy(ecg: SimulatedECG) -> Signal:
    """How fast all leads together change: nothing outside the waves."""
    return np.asarray(np.abs(np.diff(ecg.clean, axis=1)).sum(axis=0))


def between(ecg: SimulatedECG, start: float, end: float) -> slice:
    return slice(round(start * ecg.sampling_frequency), round(end * ecg.sampling_frequency))


@pytest.mark.parametrize("noise", [Noise(), RESTING])
def test_leads_follow_einthoven_and_goldberger(noise: Noise) -> None:
    ecg = simulate_ecg(noise=noise)
    one, two, three, right, left, foot = (ecg.lead(name) for name in ("I", "II", "III", "aVR", "aVL", "aVF"))
    np.testing.assert_allclose(three, two - one, atol=1e-12)
    np.testing.assert_allclose(right, -(one + two) / 2, atol=1e-12)
    np.testing.assert_allclose(left, one - two / 2, atol=1e-12)
    np.testing.assert_allclose(foot, two - one / 2, atol=1e-12)


def test_the_waves_lie_where_the_truth_says() -> None:
    """Between the waves nothing changes; within them much does."""
    ecg = simulate_ecg(Heart(variability=0.0), sampling_frequency=1000)
    change, blur = energy(ecg), 0.008
    for beat in ecg.beats:
        assert beat.p_onset is not None
        assert beat.p_end is not None
        for start, end in ((beat.p_onset, beat.p_end), (beat.qrs_onset, beat.qrs_end)):
            inside = change[between(ecg, start, end)].max()
            # The corners are rounded by a few milliseconds.
            assert change[between(ecg, start - 0.03, start - blur)].max() < 0.02 * inside
            assert change[between(ecg, start, start + blur)].max() > 0.05 * inside
        after = change[between(ecg, beat.t_end + blur, beat.t_end + 0.05)].max()
        assert after < 0.02 * change[between(ecg, beat.t_end - 0.1, beat.t_end)].max()


def test_truth_is_what_was_asked_for() -> None:
    ecg = simulate_ecg(Heart(rate=80, pr=172, qrs=88, qt=372, variability=0.0), seconds=12)
    assert ecg.rate == pytest.approx(80)
    assert ecg.pr == pytest.approx(172)
    assert ecg.qrs == pytest.approx(88)
    assert ecg.qt == pytest.approx(372)
    assert len(ecg.beats) == 15


@pytest.mark.parametrize("axis", [-30.0, 0.0, 45.0, 90.0])
def test_the_axis_turns_with_the_heart(axis: float) -> None:
    # Septum and base have forces of their own, which pull the net axis up by some degrees.
    assert simulate_ecg(Heart(axis=axis)).axis == pytest.approx(axis, abs=25)


def test_bundle_branch_blocks_look_as_they_are_defined() -> None:
    left = simulate_ecg(Heart(qrs=150, qt=430, bundle_branch=BundleBranch.LEFT, axis=0))
    right = simulate_ecg(Heart(qrs=140, qt=420, bundle_branch=BundleBranch.RIGHT))
    beat = left.beats[2]
    qrs = between(left, beat.qrs_onset, beat.qrs_end)
    # A broad R without q in I and V6, no R in V1.
    assert left.lead("V6")[qrs].min() > -0.05
    assert left.lead("V1")[qrs].max() < 0.1
    beat = right.beats[2]
    late = between(right, (beat.qrs_onset + beat.qrs_end) / 2 + 0.02, beat.qrs_end)
    # R' in V1 and a broad S in I and V6.
    assert right.lead("V1")[late].max() > 0.3
    assert right.lead("V6")[late].min() < -0.2
    assert right.lead("I")[late].min() < -0.1


def test_infarctions_raise_st_where_they_are() -> None:
    anterior = simulate_ecg(Heart(infarction=Infarction.ANTERIOR, st_elevation=0.3)).st
    inferior = simulate_ecg(Heart(infarction=Infarction.INFERIOR, st_elevation=0.3)).st
    healthy = simulate_ecg(Heart()).st
    assert all(abs(level) < 0.05 for level in healthy.values())
    assert min(anterior[name] for name in ("V1", "V2", "V3")) > 0.12
    assert min(inferior[name] for name in ("II", "III", "aVF")) > 0.15
    assert inferior["aVL"] < -0.1


def test_rhythms() -> None:
    fibrillation = simulate_ecg(Heart(rhythm=Rhythm.ATRIAL_FIBRILLATION, rate=95, qt=350), seconds=30)
    cycles = np.diff([beat.qrs_onset for beat in fibrillation.beats])
    assert cycles.std() > 0.1 * cycles.mean()
    assert fibrillation.pr is None
    assert fibrillation.p_onsets == ()

    block = simulate_ecg(Heart(conduction=Conduction.WENCKEBACH), seconds=30)
    delays = [beat.qrs_onset - beat.p_onset for beat in block.beats if beat.p_onset is not None]
    assert max(delays) - min(delays) == pytest.approx(0.110)
    assert len(block.p_onsets) > len(block.beats)

    complete = simulate_ecg(Heart(conduction=Conduction.COMPLETE_BLOCK, rate=40, qt=420), seconds=30)
    assert complete.rate == pytest.approx(40)
    assert len(complete.p_onsets) > 1.5 * len(complete.beats)

    premature = simulate_ecg(Heart(premature_ventricular=0.25), seed=3, seconds=30)
    origins = {beat.origin.value for beat in premature.beats}
    assert origins == {"conducted", "ventricular"}
    assert premature.qrs == pytest.approx(92)


def test_swapped_arms_invert_lead_one_and_nothing_else_of_the_truth() -> None:
    straight = simulate_ecg()
    swapped = simulate_ecg(swapped_electrodes=(("RA", "LA"),))
    np.testing.assert_allclose(swapped.lead("I"), -straight.lead("I"), atol=1e-12)
    np.testing.assert_allclose(swapped.lead("II"), straight.lead("III"), atol=1e-12)
    np.testing.assert_allclose(swapped.lead("V3"), straight.lead("V3"), atol=1e-12)
    assert swapped.axis == straight.axis


def test_noise_has_the_size_that_is_named() -> None:
    noise = Noise(wander=0.1, mains=0.02, muscle=0.03, amplifier=0.005).at_electrodes(
        9, np.arange(20000) / 1000, np.random.default_rng(1)
    )
    assert noise.std(axis=1) == pytest.approx(np.sqrt(0.1**2 + 0.02**2 + 0.03**2 + 0.005**2), rel=0.15)


@pytest.mark.parametrize("finding", [None, *FINDINGS])
def test_every_patient_can_be_simulated(finding: str | None) -> None:
    for seed in range(4):
        random = np.random.default_rng(seed)
        ecg = simulate_ecg(random_heart(random, finding), seed=seed, noise=random_noise(random))
        assert ecg.leads.shape == (len(LEADS), 5000)
        assert np.isfinite(ecg.leads).all()
        assert len(ecg.beats) >= 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 300.0},
        {"qrs": 100.0, "bundle_branch": BundleBranch.LEFT},
        {"qt": 150.0},
        {"pr": 90.0},
    ],
)
def test_an_impossible_heart_is_an_error(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"QRS|QT|PR|rate"):
        Heart(**wrong)  # type: ignore[arg-type]
