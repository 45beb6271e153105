from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.data import get_testdata_files

from apps.run import UnknownAppError
from deploy.inspect.folder import Inspection, inspect_folder
from deploy.inspect.report import FolderReport, SeriesReport
from phantoms.ecg import Heart, simulate_ecg, write_ecg
from phantoms.faults import drop_slice, set_attributes, truncate_file
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.sonography import Lesion, simulate_breast, write_sonogram
from tests.deploy.inspect.folders import ct, diffusion, electrocardiogram, junk, ultrasound

APP = "mr_white_matter_lesions"


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Inspection:
    """CT, diffusion MR and ECG of one study, an ultrasound clip of another, and files that are nothing."""
    folder = tmp_path_factory.mktemp("everything")
    ct(folder / "ct")
    diffusion(folder / "mr")
    electrocardiogram(folder)
    ultrasound(folder / "us")
    junk(folder / "junk")
    return inspect_folder(folder, [APP])


def series_of(inspection: Inspection, kind: str, modality: str) -> SeriesReport:
    (found,) = [
        series
        for study in inspection.report.studies
        for series in study.series
        if (series.kind, series.modality) == (kind, modality)
    ]
    return found


def test_every_study_of_a_folder_is_told(everything: Inspection) -> None:
    report = everything.report
    assert sorted(len(study.series) for study in report.studies) == [1, 3]
    assert all(study.patient is None for study in report.studies)
    assert report.failures == []


def test_a_ct_is_a_volume_with_its_geometry(everything: Inspection) -> None:
    series = series_of(everything, "volume", "CT")
    assert series.sop_classes == ("CT Image Storage",)
    assert series.transfer_syntaxes == ("Explicit VR Little Endian",)
    assert (series.instances, series.planes, series.matrix) == (7, 7, (16, 16))
    assert series.spacing_mm == (5.0, 3.0, 2.0)
    assert (series.orientation, series.units) == ("axial", "HU")
    assert [gate.code for gate in series.gates][:2] == ["geometry-gate", "content-gate"]
    assert all(gate.passed for gate in series.gates)
    spacing = next(figure for figure in series.gates[0].figures if figure.code == "112226")
    assert (spacing.value, spacing.unit) == (5.0, "mm")


def test_an_enhanced_series_of_two_b_values_is_two_volumes(everything: Inspection) -> None:
    series = series_of(everything, "volume", "MR")
    assert series.sop_classes == ("Enhanced MR Image Storage",)
    assert (series.instances, series.planes) == (1, 4)
    assert [label.partition(",")[0] for label in series.volumes] == ["b-value 0 s/mm²", "b-value 1000 s/mm²"]


def test_a_clip_has_frames_and_a_spacing(everything: Inspection) -> None:
    series = series_of(everything, "frames", "US")
    assert (series.planes, series.matrix, series.spacing_mm) == (3, (24, 32), (0.5, 0.5))
    assert "1 ultrasound region" in series.notes
    assert "colour" in series.notes


def test_an_electrocardiogram_has_channels_and_units(everything: Inspection) -> None:
    series = series_of(everything, "waveform", "ECG")
    rhythm, beat = series.groups
    assert (rhythm.label, rhythm.sampling_frequency, rhythm.duration) == ("RHYTHM", 500.0, 2.0)
    assert [channel.name for channel in rhythm.channels][:3] == ["I", "II", "III"]
    assert {channel.unit for channel in rhythm.channels} == {"uV"}
    assert beat.label == "MEDIAN BEAT"
    assert series.notes == ("2 annotations",)


def test_what_cannot_be_read_is_told_with_its_cause(everything: Inspection) -> None:
    problems = {file.path: file.problem for file in everything.report.unreadable}
    assert set(problems) == {f"junk/{name}" for name in ("empty.dcm", "notes.txt", "dangling.dcm", "cut.dcm")}
    assert problems["junk/empty.dcm"] == "the file is empty"
    assert problems["junk/dangling.dcm"] == "No such file or directory"


def test_every_series_has_pictures(everything: Inspection) -> None:
    pictures = dict(everything.pictures)
    assert len(pictures) == 4
    by_name = {re.sub(r"^study [12]: \d+ ", "", title): shown for title, shown in pictures.items()}
    assert [tile.name for tile in by_name["thorax 3.0 B30f"].tiles] == [
        f"slice {number}" for number in (1, 2, 3, 5, 6, 7)
    ]
    assert [tile.name.partition(",")[0] for tile in by_name["Enhanced t2"].tiles] == [
        "b-value 0 s/mm²",
        "b-value 1000 s/mm²",
    ]
    assert len(by_name["Abdomen"].tiles) == 3
    assert len(by_name["12-lead ECG"].traces) == 12


def test_the_report_is_json_and_back(everything: Inspection) -> None:
    assert FolderReport.model_validate_json(everything.report.model_dump_json()) == everything.report


def test_a_broken_stack_is_told_with_reason_and_figures_and_still_shown(tmp_path: Path) -> None:
    drop_slice(ct(tmp_path), 3)
    inspection = inspect_folder(tmp_path, [])
    series = series_of(inspection, "volume", "CT")
    assert series.refusal is not None
    assert series.refusal.reason == "missing-slice"
    (geometry,) = series.gates
    assert {figure.code: figure.value for figure in geometry.figures}["largest-gap-deviation"] == 5.0
    ((title, pictures),) = inspection.pictures
    assert title.endswith("(refused: missing-slice)")
    assert len(pictures.tiles) == 6


def test_cut_pixels_are_told(tmp_path: Path) -> None:
    for path in ct(tmp_path):
        truncate_file(path, 0.9)
    series = series_of(inspect_folder(tmp_path, []), "volume", "CT")
    assert series.refusal is not None
    assert series.refusal.reason == "truncated-pixel-data"
    assert series.failure == ""


def test_the_patient_is_told_where_asked_for(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path), PatientName="山田^太郎", SpecificCharacterSet="ISO_IR 192")
    without = inspect_folder(tmp_path, []).report.model_dump_json()
    assert "山田" not in without
    assert "PHANTOM000001" not in without
    (study,) = inspect_folder(tmp_path, [], with_patient=True).report.studies
    assert study.patient is not None
    assert (study.patient.name, study.patient.identifier) == ("山田^太郎", "PHANTOM000001")


def test_two_patients_in_one_study_are_told(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path)[:2], PatientID="SOMEBODY ELSE")
    (study,) = inspect_folder(tmp_path, [APP]).report.studies
    assert study.refusal is not None
    assert study.refusal.reason == "several-patients"
    assert study.series == ()


def test_a_refused_study_has_its_place_on_the_contact_sheet(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path / "ct")[:2], PatientID="SOMEBODY ELSE")
    ultrasound(tmp_path / "us")
    titles = [title for title, _ in inspect_folder(tmp_path, []).pictures]
    assert sorted(title.partition(": ")[2] for title in titles) == [
        "1 Abdomen",
        "study (refused: several-patients)",
    ]
    assert [title.partition(":")[0] for title in titles] == ["study 1", "study 2"]


def test_a_single_cut_slice_is_told_as_cut(tmp_path: Path) -> None:
    first, *others = ct(tmp_path)
    for path in others:
        path.unlink()
    truncate_file(first, 0.9)
    series = series_of(inspect_folder(tmp_path, []), "volume", "CT")
    assert series.refusal is not None
    assert series.refusal.reason == "too-few-slices"
    (note,) = series.notes
    assert note.startswith("no picture, truncated-pixel-data: instance 1 ")


def test_file_names_that_are_no_utf8_are_told(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"M\xfcller.dcm")).touch()
    report = inspect_folder(tmp_path, []).report
    assert [file.path for file in report.unreadable] == [r"M\xfcller.dcm"]
    assert FolderReport.model_validate_json(report.model_dump_json()) == report


def test_an_app_that_would_run_says_on_what(tmp_path: Path) -> None:
    write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path)
    (app,) = inspect_folder(tmp_path, [APP]).report.studies[0].apps
    assert (app.name, app.verdict) == (APP, "runs")
    assert app.why == "T2-FLAIR: 2 t2_flair_tra_3mm, T1-weighted: 3 t1_mprage_sag_1mm"
    assert {(item.role, item.chosen) for item in app.decisions} == {
        (role, chosen) for role in ("flair", "t1") for chosen in (True, False)
    }
    assert [gate.passed for gate in app.gates] == [True, True]


def test_an_app_that_would_refuse_says_why(tmp_path: Path) -> None:
    written = write_brain_mr(simulate_brain_mr(3, size="small"), tmp_path)
    drop_slice(written.series["T1"].paths, 9)
    (undecided,) = inspect_folder(tmp_path, [APP]).report.studies[0].apps
    assert undecided.verdict == "undecided"
    assert undecided.why.startswith("T1-weighted cannot be read: 1 of 64 slices are missing")
    drop_slice(written.series["FLAIR"].paths, 9)
    (refusing,) = inspect_folder(tmp_path, [APP]).report.studies[0].apps
    assert refusing.verdict == "refuses"
    for series in written.series.values():
        set_attributes([path for path in series.paths if path.exists()], EchoTime=30.0)
    (lacking,) = inspect_folder(tmp_path, [APP]).report.studies[0].apps
    assert lacking.verdict == "refuses"
    assert lacking.why.startswith("no series for T2-FLAIR or T1-weighted")


def test_an_app_that_is_not_concerned_says_so(everything: Inspection) -> None:
    verdicts = {app.verdict for study in everything.report.studies for app in study.apps}
    assert verdicts == {"not concerned"}


def test_an_unknown_app_is_named(tmp_path: Path) -> None:
    ct(tmp_path)
    with pytest.raises(UnknownAppError, match="no app 'ct_nothing'"):
        inspect_folder(tmp_path, ["ct_nothing"])


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    inspection = inspect_folder(tmp_path, [])
    assert inspection.report.studies == ()
    assert inspection.report.unreadable == ()


def test_a_single_file_is_a_folder_too(tmp_path: Path) -> None:
    path = ct(tmp_path)[0]
    (study,) = inspect_folder(path, []).report.studies
    assert study.series[0].refusal is not None
    assert study.series[0].refusal.reason == "too-few-slices"


@pytest.mark.filterwarnings("ignore")
def test_pydicoms_own_odd_files_are_no_failure_of_ours(tmp_path: Path) -> None:
    for number, path in enumerate(sorted(map(Path, get_testdata_files()))):
        if path.is_file() and path.stat().st_size < 300_000:
            (tmp_path / f"{number:03d}_{path.name}").symlink_to(path)
    inspection = inspect_folder(tmp_path, [APP])
    assert inspection.report.failures == []
    kinds = {series.kind for study in inspection.report.studies for series in study.series}
    assert kinds == {"volume", "frames", "waveform", "other"}
    assert len(inspection.report.unreadable) > 10
    # The table of contents of a medium is nothing that could not be read.
    assert not any("DICOMDIR" in file.path for file in inspection.report.unreadable)


def test_a_wrong_window_or_spacing_is_no_failure(tmp_path: Path) -> None:
    set_attributes(ct(tmp_path), WindowCenter=["1", "2"], WindowWidth="0", SliceThickness="", KVP=None)
    inspection = inspect_folder(tmp_path, [])
    assert inspection.report.failures == []
    ((_, pictures),) = inspection.pictures
    assert all(np.ptp(tile.image) > 100 for tile in pictures.tiles)


def test_apps_on_pictures_and_waveforms_say_on_what_they_would_run(tmp_path: Path) -> None:
    write_ecg(simulate_ecg(Heart()), tmp_path / "ecg" / "ecg.dcm", seed=1)
    (tmp_path / "clip").mkdir()
    write_sonogram([simulate_breast(Lesion.BENIGN, seed=seed) for seed in (1, 2)], tmp_path / "clip", seed=2)
    names = ("ecg_intervals", "us_breast_lesion")
    verdicts = {
        app.name: app
        for study in inspect_folder(tmp_path, names).report.studies
        for app in study.apps
        if app.verdict != "not concerned"
    }
    assert {app.verdict for app in verdicts.values()} == {"runs"}
    assert [gate.detail for gate in verdicts["ecg_intervals"].gates] == [
        "instance 1: 12 channels, 10 s at 500 Hz",
    ]
    (gate,) = verdicts["us_breast_lesion"].gates
    assert gate.detail.startswith("instance 1: 2 frames of ")


def test_an_app_refuses_waveforms_whose_samples_are_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "ecg.dcm"
    write_ecg(simulate_ecg(Heart()), path, seed=1)
    instance = dcmread(path)
    item = instance.WaveformSequence[0]
    item.WaveformData = item.WaveformData[:1000]
    instance.save_as(path)
    (app,) = inspect_folder(tmp_path, ["ecg_intervals"]).report.studies[0].apps
    assert app.verdict == "refuses"
    assert app.gates[0].reason == "truncated-waveform-data"
