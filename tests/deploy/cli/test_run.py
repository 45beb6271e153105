from __future__ import annotations

from pathlib import Path

import pytest

from operators.outcome import Outcome
from phantoms.faults import drop_slice
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.mr_brain.dicom import write_localizer
from tests.deploy.cli.conftest import Gantry
from tests.peers import dciodvfy_errors

APP = "mr_white_matter_lesions"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--setting", "colour=red"), "'colour'"),
        (("--setting", "minimum_lesion_volume_mm3=large"), "'minimum_lesion_volume_mm3'"),
        (("--setting", "minimum_lesion_volume_mm3"), "is not KEY=VALUE"),
        (("--device", "gpu"), '"gpu"'),
    ],
)
def test_a_wrong_option_is_named(gantry: Gantry, tmp_path: Path, arguments: tuple[str, ...], told: str) -> None:
    result = gantry("run", APP, tmp_path, tmp_path / "results", *arguments)
    assert result.exit_code == 1
    assert told in result.stderr
    assert not (tmp_path / "results").exists()


def test_a_missing_folder_is_named(gantry: Gantry, tmp_path: Path) -> None:
    result = gantry("run", APP, tmp_path / "absent", tmp_path / "results")
    assert result.exit_code == 1
    assert str(tmp_path / "absent") in result.stderr


def test_a_refused_study_is_told_and_reported(gantry: Gantry, tmp_path: Path) -> None:
    written = write_brain_mr(simulate_brain_mr(2, size="small"), tmp_path / "study", sequences=())
    write_localizer(written)
    result = gantry("run", APP, tmp_path / "study", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "not analysed: No suitable series in the study" in " ".join(result.stdout.split())
    assert "a localizer" in result.stdout
    outcome = Outcome.load(tmp_path / "results")
    assert (outcome.status, outcome.reason) == ("refused", "no-suitable-series")
    for name in outcome.files:
        assert dciodvfy_errors(tmp_path / "results" / name) == []
        assert name in result.stdout


def test_a_refused_series_is_told_with_the_figures_of_its_gate(gantry: Gantry, tmp_path: Path) -> None:
    written = write_brain_mr(simulate_brain_mr(1, size="small"), tmp_path / "study", sequences=["FLAIR"])
    drop_slice(written.series["FLAIR"].paths, 9)
    result = gantry("run", APP, tmp_path / "study", tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "T2-FLAIR (2 t2_flair_tra_3mm)" in result.stdout
    (gate,) = Outcome.load(tmp_path / "results").gates
    assert (gate.code, gate.passed, gate.reason) == ("geometry-gate", False, "missing-slice")
    assert {figure.code: figure.value for figure in gate.figures}["number-of-slices"] == 23
    assert dciodvfy_errors(tmp_path / "results" / "report.dcm") == []


def test_a_folder_without_dicom_is_no_traceback(gantry: Gantry, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not DICOM", encoding="utf-8")
    result = gantry("run", APP, tmp_path, tmp_path / "results", "--device", "cpu")
    assert result.exit_code == 1
    assert "No readable DICOM instance" in result.stderr


def test_what_follows_the_app_goes_to_its_training_program(gantry: Gantry) -> None:
    result = gantry("train", APP, "--help")
    assert result.exit_code == 0
    assert f"train {APP}" in result.stdout
    assert "--studies" in result.stdout
    assert "Usage: gantry train APP" in gantry("train", "--help").stdout
