"""The app from a DICOM file to its result objects."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from apps.ecg_findings.labels import LABELS
from apps.run import app_manifest, model_folder_of, run_app
from operators.manifest import changed_model_files
from phantoms.ecg import AMBULATORY, RESTING, Heart, Infarction, simulate_ecg, write_ecg
from tests.operators.write.validators import dciodvfy_problems

APP = "ecg_findings"
NOTICE = "demonstration weights, trained on simulated data, not for clinical use"


def words_of(item: Dataset) -> str:
    """Every text of a report."""
    return "\n".join([str(item.get("TextValue", "")), *(words_of(child) for child in item.get("ContentSequence", ()))])


def test_findings_evidence_and_plot(tmp_path: Path) -> None:
    heart = Heart(infarction=Infarction.ANTERIOR, st_elevation=0.35)
    write_ecg(simulate_ecg(heart, noise=RESTING), tmp_path / "study" / "ecg.dcm", seed=7)
    outcome = run_app(APP, tmp_path / "study", tmp_path / "results", device="cpu")
    assert outcome.status == "analysed"
    assert outcome.summary.startswith("Acute anterior myocardial infarction (")
    results = {(found := dcmread(tmp_path / "results" / name)).SeriesDescription: found for name in outcome.files}
    assert set(results) == {"ECG findings", "ECG findings evidence", "ECG findings plot"}
    assert NOTICE in words_of(results["ECG findings"])
    assert NOTICE in words_of(results["ECG findings evidence"])
    for name in outcome.files:
        assert dciodvfy_problems(tmp_path / "results" / name) == []
    assert [gate.passed for gate in outcome.gates] == [True, True, True, True]


def test_a_holter_recording_of_two_leads(tmp_path: Path) -> None:
    ecg = simulate_ecg(Heart(pr=250, rate=66), noise=RESTING, sampling_frequency=100, seconds=60)
    write_ecg(ecg, tmp_path / "study" / "ecg.dcm", seed=7, recorder=AMBULATORY, leads=("II", "V5"))
    outcome = run_app(APP, tmp_path / "study", tmp_path / "results", device="cpu")
    assert outcome.status == "analysed"
    assert "First degree atrioventricular block" in outcome.summary


def test_what_is_no_electrocardiogram_is_refused_with_a_report(tmp_path: Path) -> None:
    ecg = simulate_ecg()
    ecg.leads[:] = np.random.default_rng(1).normal(0, 0.1, ecg.leads.shape)
    write_ecg(ecg, tmp_path / "study" / "ecg.dcm", seed=7)
    outcome = run_app(APP, tmp_path / "study", tmp_path / "results", device="cpu")
    assert outcome.status == "refused"
    assert outcome.reason == "domain-shift"
    (name,) = outcome.files
    assert NOTICE in words_of(dcmread(tmp_path / "results" / name))
    assert dciodvfy_problems(tmp_path / "results" / name) == []


@pytest.mark.parametrize(("rate", "status"), [(28, "analysed"), (30, "analysed"), (180, "analysed"), (210, "refused")])
def test_rates_that_the_network_does_not_know_are_told(tmp_path: Path, rate: int, status: str) -> None:
    heart = Heart(rate=rate, qt=400 * float(np.cbrt(60 / rate)), pr=130)
    write_ecg(simulate_ecg(heart, noise=RESTING), tmp_path / "study" / "ecg.dcm", seed=7)
    outcome = run_app(APP, tmp_path / "study", tmp_path / "results", device="cpu")
    assert outcome.status == status
    if status == "refused":
        assert outcome.reason == "domain-shift"
    (told,) = re.findall(r"(\d+) beats a minute", outcome.summary)
    assert int(told) == pytest.approx(rate, rel=0.01)
    assert any(
        figure.name == "Heart rate" and figure.value == pytest.approx(rate, rel=0.03)
        for gate in outcome.gates
        for figure in gate.figures
    )


def test_another_threshold_is_another_model(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    shutil.copytree(model_folder_of(APP), folder)
    assert changed_model_files(app_manifest(APP), folder) == ()
    text = (folder / LABELS).read_text(encoding="utf-8")
    (folder / LABELS).write_text(text.replace("threshold: 0.5", "threshold: 0.9", 1), encoding="utf-8")
    (problem,) = changed_model_files(app_manifest(APP), folder)
    assert problem.startswith("labels.yaml has SHA-256")
