"""Verification: right results pass, and every way to spoil one is found and named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from apps.run import app_manifest
from deploy.node.verify import KnownInstance, VerificationError, verify_results
from deploy.node.verify.pixels import count_segment_voxels
from deploy.node.verify.result_file import read_result
from operators.outcome import Outcome
from operators.provenance import Analysis
from operators.read.study import read_study
from phantoms.mr_brain.dicom import BrainMRStudy
from tests.deploy.node import tiny_app

STARTED = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)


class Results:
    """The tiny app's results, which a test may spoil before it checks them."""

    def __init__(
        self, folder: Path, outcome: Outcome, sources: tuple[Path, ...], known: dict[str, KnownInstance]
    ) -> None:
        self.folder = folder
        self.outcome = outcome
        self.sources = sources
        self.analysis = Analysis(app_manifest(tiny_app.APP).algorithm, outcome.input_digest, STARTED)
        self.known = known

    def change(self, name: str, change: Callable[[FileDataset], object]) -> None:
        dataset = dcmread(self.folder / name)
        change(dataset)
        dataset.save_as(self.folder / name)

    def problems(self) -> str:
        with pytest.raises(VerificationError) as found:
            self.check()
        return str(found.value)

    def check(self) -> list[str]:
        verified = verify_results(self.folder, self.outcome, self.analysis, sources=self.sources, known=self.known)
        return [item.name for item in verified]


@pytest.fixture(scope="module")
def sources(brain_study: BrainMRStudy) -> tuple[Path, ...]:
    return brain_study.series["FLAIR"].paths


@pytest.fixture(scope="module")
def known(sources: tuple[Path, ...]) -> dict[str, KnownInstance]:
    return {
        str(instance.sop_instance_uid): KnownInstance(
            str(instance.sop_class_uid), instance.header.SeriesInstanceUID, instance.header.StudyInstanceUID
        )
        for instance in read_study(sources).instances
    }


@pytest.fixture(scope="module")
def written(sources: tuple[Path, ...], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Outcome]:
    folder = tmp_path_factory.mktemp("results")
    outcome = tiny_app.run(
        tiny_app.APP,
        sources[0].parent,
        folder,
        device="cpu",
        settings=app_manifest(tiny_app.APP).settings,
        started=STARTED,
    )
    return folder, outcome


@pytest.fixture
def results(
    written: tuple[Path, Outcome], sources: tuple[Path, ...], known: dict[str, KnownInstance], tmp_path: Path
) -> Results:
    return Results(shutil.copytree(written[0], tmp_path / "output"), written[1], sources, known)


def test_right_results_pass(results: Results) -> None:
    assert results.check() == ["lesions.dcm", "report.dcm"]


@pytest.mark.parametrize("keyword", ["PatientID", "PatientName", "PatientBirthDate", "AccessionNumber", "StudyID"])
def test_another_identity_is_found(results: Results, keyword: str) -> None:
    results.change("report.dcm", lambda dataset: setattr(dataset, keyword, "19010101"))
    assert f"report.dcm: {keyword} is '19010101', in the source" in results.problems()


def test_identity_has_to_be_that_of_one_source_altogether(results: Results, tmp_path: Path) -> None:
    other = tmp_path / "other.dcm"
    header = dcmread(results.sources[0])
    header.PatientName, header.StudyDescription = "Spelt^Differently", "other"
    header.save_as(other)
    results.sources = (*results.sources, other)
    results.change("report.dcm", lambda dataset: setattr(dataset, "PatientName", "Spelt^Differently"))
    assert results.check()
    results.change("report.dcm", lambda dataset: setattr(dataset, "PatientSex", "O"))
    assert "report.dcm: PatientSex is 'O'" in results.problems()


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID"])
def test_identifiers_that_the_input_does_not_give_are_found(results: Results, keyword: str) -> None:
    def change(dataset: FileDataset) -> None:
        setattr(dataset, keyword, "2.25.1")
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID

    results.change("report.dcm", change)
    assert f"report.dcm: {keyword} is 2.25.1, the input gives 2.25." in results.problems()


def test_run_of_another_input_is_found(results: Results) -> None:
    results.analysis = replace(results.analysis, input_digest="0" * 64)
    assert "the run has input digest" in results.problems()


def test_file_meta_information_has_to_agree(results: Results) -> None:
    results.change("report.dcm", lambda dataset: setattr(dataset.file_meta, "MediaStorageSOPInstanceUID", "2.25.1"))
    assert "report.dcm: the File Meta Information names another SOP instance" in results.problems()


@pytest.mark.parametrize("keyword", ["Manufacturer", "ManufacturerModelName", "SoftwareVersions", "DeviceUID"])
def test_equipment_has_to_be_the_algorithm(results: Results, keyword: str) -> None:
    results.change("report.dcm", lambda dataset: delattr(dataset.ContributingEquipmentSequence[0], keyword))
    assert f"report.dcm: {keyword} of the Contributing Equipment is None, not " in results.problems()


def test_equipment_has_to_be_there(results: Results) -> None:
    results.change("lesions.dcm", lambda dataset: delattr(dataset, "ContributingEquipmentSequence"))
    assert "lesions.dcm: 0 items of Contributing Equipment are (109102, DCM" in results.problems()


def test_reference_to_an_unknown_instance_is_found_however_deep(results: Results) -> None:
    def change(dataset: FileDataset) -> None:
        frame = dataset.PerFrameFunctionalGroupsSequence[0]
        frame.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = "2.25.1"

    results.change("lesions.dcm", change)
    assert "lesions.dcm: refers to 2.25.1, which was not received in this study" in results.problems()


def test_reference_with_another_sop_class_is_found(results: Results) -> None:
    def change(dataset: FileDataset) -> None:
        series = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
        series.ReferencedSOPSequence[0].ReferencedSOPClassUID = "1.2.840.10008.5.1.4.1.1.2"

    results.change("report.dcm", change)
    assert "as CT Image Storage, but it is MR Image Storage" in results.problems()


def test_many_wrong_references_are_told_in_short(results: Results) -> None:
    results.known = {}
    lines = [line for line in results.problems().splitlines() if line.startswith("lesions.dcm")]
    assert len(lines) == 6
    assert lines[-1].endswith("more problems of this kind")


def test_references_that_came_with_the_order_are_left_alone(results: Results) -> None:
    def change(dataset: FileDataset) -> None:
        study = Dataset()
        study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = "1.2.840.10008.3.1.2.3.1", "2.25.1"
        dataset.ReferencedStudySequence = [study]

    results.change("report.dcm", change)
    assert results.check()


@pytest.mark.parametrize(("keyword", "value"), [("CompletionFlag", "PARTIAL"), ("VerificationFlag", "VERIFIED")])
def test_report_has_to_be_complete_and_unverified(results: Results, keyword: str, value: str) -> None:
    results.change("report.dcm", lambda dataset: setattr(dataset, keyword, value))
    assert f"report.dcm: {keyword} is {value}, not" in results.problems()


def test_voxels_have_to_be_those_that_were_measured(results: Results) -> None:
    def change(dataset: FileDataset) -> None:
        pixels = bytearray(dataset.PixelData)
        pixels[pixels.index(0)] = 0b101
        dataset.PixelData = bytes(pixels)

    measured = results.outcome.segment_voxels["lesions"][1]
    results.change("lesions.dcm", change)
    assert f"segment 1 has {measured + 2} voxels, the app measured {measured}" in results.problems()


def test_segment_that_was_measured_has_to_be_described(results: Results) -> None:
    counts = {"lesions": {**results.outcome.segment_voxels["lesions"], 2: 5}}
    results.outcome = results.outcome.model_copy(update={"segment_voxels": counts})
    assert "segment 2 is not described, the app measured 5 voxels" in results.problems()


def test_uncounted_segmentation_is_found(results: Results) -> None:
    results.outcome = results.outcome.model_copy(update={"segment_voxels": {}})
    assert "lesions.dcm: the outcome does not count this Segmentation's voxels" in results.problems()


@pytest.mark.parametrize("name", ["lesions.dcm", "report.dcm"])
@pytest.mark.parametrize("fraction", [0.0, 0.01, 0.3, 0.7, 0.999])
def test_truncated_object_is_found(results: Results, name: str, fraction: float) -> None:
    path = results.folder / name
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * fraction)])
    assert name in results.problems()


def test_object_without_a_mandatory_attribute_is_found(results: Results) -> None:
    results.change("lesions.dcm", lambda dataset: delattr(dataset, "SegmentSequence"))
    assert "lesions.dcm: SegmentSequence is absent (type 1)" in results.problems()


def test_absent_and_unnamed_files_are_found(results: Results) -> None:
    (results.folder / "report.dcm").rename(results.folder / "other.dcm")
    problems = results.problems()
    assert "report.dcm: cannot be read: FileNotFoundError" in problems
    assert "other.dcm: the app left a file that its outcome does not name" in problems


def test_name_that_leads_out_of_the_folder_is_found(results: Results) -> None:
    shutil.copyfile(results.folder / "report.dcm", results.folder.parent / "report.dcm")
    (results.folder / "report.dcm").unlink()
    files = tuple(name.replace("report", "../report") for name in results.outcome.files)
    results.outcome = results.outcome.model_copy(update={"files": files})
    assert "../report.dcm: is not a file's name in the output folder" in results.problems()


def test_run_without_a_result_is_no_result(results: Results) -> None:
    results.outcome = results.outcome.model_copy(update={"files": ()})
    assert "there is no result object" in results.problems()


def test_every_problem_is_told_at_once(results: Results) -> None:
    results.change("report.dcm", lambda dataset: setattr(dataset, "PatientID", "X"))
    results.change("lesions.dcm", lambda dataset: setattr(dataset, "AccessionNumber", "Y"))
    problems = results.problems()
    assert "report.dcm: PatientID" in problems
    assert "lesions.dcm: AccessionNumber" in problems


def test_voxels_are_counted_as_they_were_drawn(results: Results) -> None:
    segmentation = read_result(results.folder / "lesions.dcm")
    assert count_segment_voxels(segmentation) == results.outcome.segment_voxels["lesions"]
