"""Recordings like those that the errors were measured on, and others: the app measures both and tells which it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread

from apps.ecg_intervals.likeness import REFERENCE
from apps.ecg_intervals.train import MODEL_FOLDER, main, profile_of
from apps.ecg_intervals.training.cases import Case, simulate_case
from apps.run import run_app
from operators.check.domain_shift import Reference
from operators.measure.ecg.profile import signal_profile
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import RESTING, Heart, simulate_ecg, write_ecg

Signal = NDArray[np.float64]


@pytest.fixture(scope="module")
def shipped() -> Reference:
    return Reference.load(MODEL_FOLDER / REFERENCE)


def test_recordings_of_the_evaluation_are_like_the_reference(shipped: Reference) -> None:
    distances = np.array([shipped.distance(profile_of(seed)) for seed in range(700_000, 700_020)])
    assert (distances <= shipped.limit).mean() >= 0.9


@pytest.mark.parametrize(
    "spoil",
    [
        lambda signal: -signal,
        lambda signal: 0.1 * np.random.default_rng(0).normal(size=signal.shape),
        lambda signal: np.tile(np.sin(2 * np.pi * 10 * np.arange(signal.shape[1]) / 500), (len(signal), 1)),
    ],
    ids=["upside down", "noise", "a sine"],
)
def test_what_is_no_electrocardiogram_is_not(shipped: Reference, spoil: Callable[[Signal], Signal]) -> None:
    signal = spoil(simulate_case(Case((), "resting", 700_001)).leads)
    assert shipped.distance(signal_profile(EcgLeads(STANDARD_LEADS, signal, 500.0))) > shipped.limit


def test_a_recording_unlike_them_is_measured_and_the_report_warns(tmp_path: Path) -> None:
    ecg = simulate_ecg(Heart(), noise=RESTING)
    for name, sign in (("usual", 1), ("upside down", -1)):
        ecg.leads[:] *= sign
        write_ecg(ecg, tmp_path / name / "ecg.dcm", seed=7)
        outcome = run_app("ecg_intervals", tmp_path / name, tmp_path / f"{name} results", device="cpu")
        assert outcome.status == "analysed"
        (gate,) = outcome.gates
        assert gate.passed
        assert gate.detail.startswith("warning: ") == (sign < 0)
        report = next(
            dataset
            for file in outcome.files
            if (dataset := dcmread(tmp_path / f"{name} results" / file)).SeriesDescription == "ECG report"
        )
        assert gate.detail in report.to_json()


def test_the_reference_is_fitted_on_every_kind_of_recording(tmp_path: Path) -> None:
    main(["--recordings", "1", "--processes", "1", "--output", str(tmp_path)])
    fitted = Reference.load(tmp_path / REFERENCE)
    assert fitted.mean.shape == (12,)
    assert fitted.distance(profile_of(700_000)) < fitted.limit
