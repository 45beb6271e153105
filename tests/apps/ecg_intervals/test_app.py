"""The app from a DICOM file to its result objects."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from apps.run import run_app
from operators.outcome import Outcome
from phantoms.ecg import (
    AMBULATORY,
    FIVE_ELECTRODES,
    GENERAL,
    RESTING,
    RESTLESS,
    TWELVE_LEAD,
    Heart,
    simulate_ecg,
    write_ecg,
)
from phantoms.ecg.dicom import Recorder
from phantoms.ecg.electrodes import LEADS
from tests.operators.write.validators import dciodvfy_problems

APP = "ecg_intervals"
HEART = Heart(pr=230, qrs=96, qt=400, rate=72)


def run(folder: Path, output: Path) -> tuple[Outcome, dict[str, Dataset]]:
    outcome = run_app(APP, folder, output, device="cpu")
    results = [dcmread(output / name) for name in outcome.files]
    return outcome, {str(result.SeriesDescription): result for result in results}


def numbers_of(report: Dataset) -> dict[str, float]:
    """Every number of a report by its concept's meaning, the first of each."""
    found: dict[str, float] = {}

    def visit(item: Dataset) -> None:
        if item.get("ValueType") == "NUM" and item.MeasuredValueSequence:
            name = item.ConceptNameCodeSequence[0].CodeMeaning
            found.setdefault(name, float(item.MeasuredValueSequence[0].NumericValue))
        for child in item.get("ContentSequence", ()):
            visit(child)

    visit(report)
    return found


def test_report_annotations_and_plot(tmp_path: Path) -> None:
    ecg = simulate_ecg(HEART, noise=RESTING)
    write_ecg(ecg, tmp_path / "study" / "ecg.dcm", seed=7)
    outcome, results = run(tmp_path / "study", tmp_path / "results")
    assert outcome.status == "analysed"
    assert "First degree atrioventricular block" in outcome.summary
    assert set(results) == {"ECG report", "ECG annotations", "ECG plot"}
    for name in outcome.files:
        assert dciodvfy_problems(tmp_path / "results" / name) == []
    numbers = numbers_of(results["ECG report"])
    assert ecg.pr is not None
    for truth, words in ((ecg.pr, "PR"), (ecg.qrs, "QRS"), (ecg.qt, "QT ")):
        values = [value for name, value in numbers.items() if name.startswith(words) and "Axis" not in name]
        assert any(value == pytest.approx(truth, abs=12) for value in values), (words, numbers)
    plot = results["ECG plot"].pixel_array
    assert plot.ndim == 3
    assert (plot.sum(axis=2) < 150).mean() > 0.01, "something is drawn"


@pytest.mark.parametrize(
    ("recorder", "frequency", "leads", "seconds"),
    [(TWELVE_LEAD, 1000, LEADS, 10.0), (GENERAL, 250, FIVE_ELECTRODES, 10.0), (AMBULATORY, 100, ("II", "V5"), 60.0)],
)
def test_every_kind_of_recorder(
    tmp_path: Path, recorder: Recorder, frequency: int, leads: tuple[str, ...], seconds: float
) -> None:
    ecg = simulate_ecg(HEART, noise=RESTING, sampling_frequency=frequency, seconds=seconds)
    write_ecg(ecg, tmp_path / "study" / "ecg.dcm", seed=7, recorder=recorder, leads=leads)
    outcome, results = run(tmp_path / "study", tmp_path / "results")
    assert outcome.status == "analysed"
    assert "sinus rhythm" in outcome.summary
    annotations = results["ECG annotations"]
    assert annotations.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.77"


@pytest.mark.parametrize("kind", ["noise", "restless and of low voltage"])
def test_what_cannot_be_measured_is_refused_with_a_report(tmp_path: Path, kind: str) -> None:
    if kind == "noise":
        ecg = simulate_ecg()
        ecg.leads[:] = np.random.default_rng(1).normal(0, 0.1, ecg.leads.shape)
    else:
        ecg = simulate_ecg(Heart(voltage=0.2), noise=RESTLESS, seed=1)
    write_ecg(ecg, tmp_path / "study" / "ecg.dcm", seed=7)
    outcome, results = run(tmp_path / "study", tmp_path / "results")
    assert outcome.status == "refused"
    assert outcome.reason == "signal-quality"
    (report,) = results.values()
    assert report.Modality == "SR"
    assert dciodvfy_problems(tmp_path / "results" / outcome.files[0]) == []


def test_of_several_recordings_the_newest_is_measured_and_the_others_are_told(tmp_path: Path) -> None:
    for number in (1, 2, 3):
        ecg = simulate_ecg(HEART, seed=number)
        write_ecg(ecg, tmp_path / "study" / f"{number}.dcm", seed=7, instance_number=number)
    outcome, _ = run(tmp_path / "study", tmp_path / "results")
    assert outcome.status == "analysed"
    assert outcome.summary.endswith("2 older recordings not read")
