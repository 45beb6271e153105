"""IHE AI Results (AIR), actor Evidence Creator: one test for each line of the checklist that concerns result objects.

Every test reads the saved objects of every writer with pydicom. Lines of the checklist that are about transactions are
not tested here, as the node does not have them yet: Storage Commitment [RAD-10], storage over STOW-RS [RAD-108],
query and retrieval of input by C-FIND and C-MOVE [RAD-14, RAD-16] or QIDO-RS and WADO-RS [RAD-129, RAD-107]. Storage by
C-STORE [RAD-18] is tested against real archives in ``tests/integration``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import (
    Comprehensive3DSRStorage,
    KeyObjectSelectionDocumentStorage,
    ParametricMapStorage,
    SegmentationStorage,
)

from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.segments.form import LabelMapSegmentationStorage
from tests.operators.write.every_object import EVERY_OBJECT
from tests.operators.write.examples.made import Made

SEGMENTATIONS = (SegmentationStorage, LabelMapSegmentationStorage)
REPORTS = [name for name in EVERY_OBJECT if "report" in name]


class Result:
    """A saved object, read again, beside what it was made from."""

    def __init__(self, name: str, analysis: Analysis, folder: Path) -> None:
        self.made: Made = EVERY_OBJECT[name](analysis)
        self.read: Dataset = dcmread(save(self.made.object, folder))
        self.source: Dataset = self.made.sources[0]


@pytest.fixture(scope="module", params=list(EVERY_OBJECT))
def result(request: pytest.FixtureRequest, analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return Result(request.param, analysis, tmp_path_factory.mktemp("result"))


@pytest.fixture(scope="module", params=REPORTS)
def report(request: pytest.FixtureRequest, analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Result:
    return Result(request.param, analysis, tmp_path_factory.mktemp("report"))


def content(parent: Dataset) -> Iterator[Dataset]:
    for item in parent.get("ContentSequence", ()):
        yield item
        yield from content(item)


def code(item: Dataset, keyword: str = "ConceptNameCodeSequence") -> tuple[str, str]:
    found = item.get(keyword)
    return (found[0].get("CodeValue", ""), found[0].CodingSchemeDesignator) if found else ("", "")


def values(root: Dataset, number: str) -> set[str]:
    """Texts and UIDs of the content items named (number, DCM)."""
    named = (item for item in content(root) if code(item) == (number, "DCM"))
    return {str(item.get("TextValue") or item.get("UID")) for item in named if item.ValueType in ("TEXT", "UIDREF")}


def processing_equipment(root: Dataset) -> Dataset:
    (item,) = (
        item
        for item in root.ContributingEquipmentSequence
        if code(item, "PurposeOfReferenceCodeSequence") == ("109102", "DCM")
    )
    return item


def test_contributing_equipment_names_the_algorithm(result: Result, analysis: Analysis) -> None:
    """6.5.3.1: purpose (109102, DCM, "Processing Equipment"), manufacturer, model, software versions, Device UID."""
    item = processing_equipment(result.read)
    assert item.PurposeOfReferenceCodeSequence[0].CodeMeaning == "Processing Equipment"
    algorithm = analysis.algorithm
    assert (item.Manufacturer, item.ManufacturerModelName) == (algorithm.manufacturer, algorithm.name)
    assert (item.SoftwareVersions, item.DeviceUID) == (algorithm.version, algorithm.device_uid)


def test_the_report_names_the_algorithm_as_the_header_does(report: Result) -> None:
    """6.5.3.1: TID 4019 and TID 1004 equal Contributing Equipment, where the template has a place for them."""
    item = processing_equipment(report.read)
    told = {
        "111001": item.ManufacturerModelName,
        "111003": item.SoftwareVersions,
        "121012": item.DeviceUID,
        "121014": item.Manufacturer,
        "121015": item.ManufacturerModelName,
    }
    for number, expected in told.items():
        assert values(report.read, number) <= {expected}
    if report.read.SOPClassUID == Comprehensive3DSRStorage:
        assert all(values(report.read, number) for number in told)


def test_segmentations_and_maps_name_their_equipment_in_full(result: Result) -> None:
    """Enhanced General Equipment is type 1; segments name their algorithm, with family, name and version."""
    read = result.read
    if read.SOPClassUID not in (*SEGMENTATIONS, ParametricMapStorage):
        return
    for keyword in ("Manufacturer", "ManufacturerModelName", "DeviceSerialNumber", "SoftwareVersions"):
        assert read[keyword].value, keyword
    for segment in read.get("SegmentSequence", ()):
        if segment.SegmentNumber == 0:
            continue
        assert segment.SegmentAlgorithmType != "MANUAL"
        assert segment.SegmentAlgorithmName == processing_equipment(read).ManufacturerModelName
        for identification in segment.SegmentationAlgorithmIdentificationSequence:
            assert code(identification, "AlgorithmFamilyCodeSequence") != ("", "")
            assert (identification.AlgorithmName, identification.AlgorithmVersion) == (
                processing_equipment(read).ManufacturerModelName,
                processing_equipment(read).SoftwareVersions,
            )


@pytest.mark.parametrize("name", ["measurement report", "refusal report"])
def test_measurements_and_findings_are_in_a_comprehensive_3d_sr_of_tid_1500(
    name: str, analysis: Analysis, tmp_path: Path
) -> None:
    root = Result(name, analysis, tmp_path).read
    assert root.SOPClassUID == Comprehensive3DSRStorage
    assert code(root) == ("126000", "DCM")
    template = root.ContentTemplateSequence[0]
    assert (template.MappingResource, template.TemplateIdentifier) == ("DCMR", "1500")


def test_regions_are_in_segmentations(analysis: Analysis, tmp_path: Path) -> None:
    measured = Result("measurement report", analysis, tmp_path)
    (region,) = (item for item in content(measured.read) if code(item) == ("121191", "DCM"))
    (reference,) = region.ReferencedSOPSequence
    drawn = measured.made.objects["lesions"]
    assert (reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID) == (
        SegmentationStorage,
        drawn.SOPInstanceUID,
    )
    assert reference.ReferencedSegmentNumber in {segment.SegmentNumber for segment in drawn.SegmentSequence}


@pytest.mark.parametrize("name", ["parametric map", "parametric map, quantised"])
def test_maps_of_values_are_parametric_maps(name: str, analysis: Analysis, tmp_path: Path) -> None:
    assert Result(name, analysis, tmp_path).read.SOPClassUID == ParametricMapStorage


def test_every_finding_can_be_tracked(result: Result) -> None:
    """Tracking Identifier and Unique Identifier on each measurement group and each segment."""
    for group in content(result.read):
        if code(group) == ("125007", "DCM"):
            children = {code(child) for child in group.ContentSequence}
            assert {("112039", "DCM"), ("112040", "DCM")} <= children
    for segment in result.read.get("SegmentSequence", ()):
        if segment.SegmentNumber != 0:
            assert segment.TrackingID
            assert segment.TrackingUID


def test_a_segment_and_its_measurements_are_tracked_as_one(analysis: Analysis, tmp_path: Path) -> None:
    measured = Result("measurement report", analysis, tmp_path)
    tracked = values(measured.read, "112040")
    drawn = {segment.TrackingUID for segment in measured.made.objects["lesions"].SegmentSequence}
    assert tracked & drawn


def test_source_images_are_referenced(result: Result) -> None:
    referenced = {element.value for element in result.read.iterall() if element.keyword == "ReferencedSOPInstanceUID"}
    assert referenced & {header.SOPInstanceUID for header in result.made.sources}


def test_key_images_are_a_key_object_selection(analysis: Analysis, tmp_path: Path) -> None:
    chosen = Result("key object selection", analysis, tmp_path)
    assert chosen.read.SOPClassUID == KeyObjectSelectionDocumentStorage
    images = [item for item in content(chosen.read) if item.ValueType == "IMAGE"]
    assert {item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for item in images} <= {
        header.SOPInstanceUID for header in chosen.made.sources
    }


def test_results_are_in_the_source_study_with_its_patient_and_order(result: Result) -> None:
    for keyword in (
        "StudyInstanceUID",
        "StudyID",
        "StudyDate",
        "StudyTime",
        "AccessionNumber",
        "ReferringPhysicianName",
        "PatientID",
        "IssuerOfPatientID",
        "PatientName",
        "PatientBirthDate",
        "PatientSex",
    ):
        assert (result.read.get(keyword) or "") == (result.source.get(keyword) or ""), keyword


def test_results_are_in_series_of_their_own(result: Result) -> None:
    assert result.read.SeriesInstanceUID not in {header.SeriesInstanceUID for header in result.made.sources}
    assert result.read.SOPInstanceUID not in {header.SOPInstanceUID for header in result.made.sources}
    series = [made.SeriesInstanceUID for made in result.made.objects.values()]
    assert len(set(series)) == len(series)


def test_no_result_claims_to_be_verified(result: Result) -> None:
    assert result.read.get("VerificationFlag", "UNVERIFIED") == "UNVERIFIED"
    assert "VerifyingObserverSequence" not in result.read
