from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from deploy.inspect import series as inspected_series
from phantoms.faults import drop_slice
from tests.deploy.cli.conftest import Gantry
from tests.deploy.inspect.folders import ct, electrocardiogram, junk


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
    [(("absent",), "no folder absent"), ((".", "--apps", "ct_nothing"), "no app 'ct_nothing'")],
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
