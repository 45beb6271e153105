from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from deploy.inspect import series as inspected_series
from phantoms.faults import drop_slice, set_attributes
from tests.deploy.cli.conftest import Gantry
from tests.deploy.inspect.folders import ct, diffusion, electrocardiogram, junk, ultrasound


def test_a_folder_is_told_in_tables(gantry: Gantry, tmp_path: Path) -> None:
    drop_slice(ct(tmp_path / "ct"), 3)
    electrocardiogram(tmp_path)
    junk(tmp_path / "junk")
    result = gantry("inspect", tmp_path)
    assert result.exit_code == 0
    for told in (
        "thorax 3.0 B30f",
        "CT Image",
        "missing-slice",
        "1 of 7 slices are missing",
        "Spacing between slices 5 mm",
        "RHYTHM: 12 channels of 2 s",
        "the file is empty",
        "White matter lesions by region",
        "not concerned",
    ):
        assert told in result.stdout, told
    assert "Phantom" not in result.stdout


def test_the_patient_is_named_where_asked_for(gantry: Gantry, tmp_path: Path) -> None:
    ct(tmp_path)
    assert "Phantom, Seed 1" in gantry("inspect", tmp_path, "--patient").stdout


def test_json_is_all_that_is_printed(gantry: Gantry, tmp_path: Path) -> None:
    ct(tmp_path)
    result = gantry("inspect", tmp_path, "--json", "--apps", "mr_white_matter_lesions")
    content = json.loads(result.stdout)
    (study,) = content["studies"]
    assert study["series"][0]["spacing_mm"] == [5.0, 3.0, 2.0]
    assert study["series"][0]["gates"][0]["figures"][0] == {
        "code": "number-of-slices",
        "name": "Number of slices",
        "value": 7.0,
        "unit": "{slice}",
    }
    assert [app["name"] for app in study["apps"]] == ["mr_white_matter_lesions"]


def test_a_contact_sheet_is_written(gantry: Gantry, tmp_path: Path) -> None:
    ct(tmp_path / "ct")
    picture = tmp_path / "sheet.png"
    assert gantry("inspect", tmp_path / "ct", "--picture", picture).exit_code == 0
    with Image.open(picture) as sheet:
        assert sheet.width > 1000


def test_a_folder_without_instances_is_no_error(gantry: Gantry, tmp_path: Path) -> None:
    junk(tmp_path)
    result = gantry("inspect", tmp_path)
    assert result.exit_code == 0
    assert "no DICOM instance can be read here" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [(("absent",), "no folder or file absent"), ((".", "--apps", "ct_nothing"), "no app 'ct_nothing'")],
)
def test_a_mistake_is_named(
    gantry: Gantry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], told: str
) -> None:
    ct(tmp_path)
    monkeypatch.chdir(tmp_path)
    result = gantry("inspect", *arguments)
    assert result.exit_code == 1
    assert told in result.stderr


def test_a_picture_that_cannot_be_written_is_named(gantry: Gantry, tmp_path: Path) -> None:
    ct(tmp_path)
    result = gantry("inspect", tmp_path, "--picture", tmp_path / "absent" / "sheet.png")
    assert result.exit_code == 1
    assert "sheet.png" in result.stderr
    # Known before anything is read; what is known only afterwards costs no table.
    assert result.stdout == ""
    result = gantry("inspect", tmp_path, "--picture", tmp_path)
    assert result.exit_code == 1
    assert "readable" in result.stdout


def test_several_studies_are_numbered(gantry: Gantry, tmp_path: Path) -> None:
    ct(tmp_path / "ct")
    ultrasound(tmp_path / "us")
    told = gantry("inspect", tmp_path).stdout
    assert "Study 1 of 2" in told
    assert "Study 2 of 2" in told


def test_many_unreadable_files_are_told_by_their_problem(gantry: Gantry, tmp_path: Path) -> None:
    for number in range(50):
        (tmp_path / f"{number}.txt").write_text("no DICOM")
    (tmp_path / "empty.dcm").touch()
    told = gantry("inspect", tmp_path).stdout
    assert "Unreadable files: 51" in told
    assert "the file is empty" in told
    assert len(told.splitlines()) < 20
    assert len(json.loads(gantry("inspect", tmp_path, "--json").stdout)["unreadable"]) == 51


def test_what_the_gates_of_several_volumes_judged_is_told(gantry: Gantry, tmp_path: Path) -> None:
    diffusion(tmp_path)
    assert "(first of 2 volumes)" in gantry("inspect", tmp_path).stdout


def test_a_header_cannot_steer_the_terminal(gantry: Gantry, tmp_path: Path) -> None:
    set_attributes(ct(tmp_path), SeriesDescription="a\x1b[31mb", StudyDescription="c\x1b]0;d\x07")
    told = gantry("inspect", tmp_path).stdout
    assert "\x1b" not in told
    assert "a␛[31mb" in told
    assert "c␛]0;d␇" in told


def test_a_name_that_the_terminal_cannot_show_ends_nothing(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path), SeriesDescription="頭部", SpecificCharacterSet="ISO_IR 192")
    command = [sys.executable, "-m", "deploy.cli", "inspect", str(tmp_path)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
    assert "\\u982d\\u90e8" in result.stdout


def test_a_failure_of_ours_is_told_and_hides_no_other_series(
    gantry: Gantry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ct(tmp_path / "ct")
    electrocardiogram(tmp_path)

    def broken(*_: object) -> None:
        raise ZeroDivisionError("our mistake")

    monkeypatch.setattr(inspected_series, "read_waveform", broken)
    result = gantry("inspect", tmp_path)
    assert result.exit_code == 1
    assert "ZeroDivisionError: our mistake" in result.stderr
    assert "axial" in result.stdout
