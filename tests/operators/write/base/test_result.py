"""What holds for every kind of result object."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import timezone
from pathlib import Path

import numpy as np
import pytest
from pydicom import config, dcmread
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes

from operators.implementation import IMPLEMENTATION_CLASS_UID
from operators.measure.measurement import Measurement, MeasurementGroup, SegmentReference
from operators.provenance import Analysis
from operators.refused import Reason, Refused
from operators.write.base.identity import PATIENT_AND_STUDY
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.refusal_report import write_refusal_report
from operators.write.secondary_capture import write_secondary_capture
from operators.write.segmentation import write_segmentation
from tests.operators.write.studies import (
    LEFT,
    LESION,
    LESIONS,
    REPORT,
    SUMMARY,
    WHITE_MATTER,
    as_series,
    as_study,
    make_volume,
    patient,
    segment,
)

KINDS = ("lesions", "report", "refusal", "summary")


def all_results(identity: Dataset, analysis: Analysis, title: str = "Lesions") -> dict[str, FileDataset]:
    volume = make_volume("oblique", identity=identity)
    study = as_study(volume)
    labels = np.zeros((6, 10, 12), np.uint8)
    labels[2, 3:5, 6] = 1
    lesions = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, title)], analysis)
    group = MeasurementGroup(
        title,
        LESION,
        (Measurement(codes.SCT.Volume, 2 * volume.voxel_volume, codes.UCUM.CubicMillimeter),),
        finding_site=WHITE_MATTER,
        laterality=LEFT,
        segment=SegmentReference("lesions", 1),
    )
    report = write_measurement_report(
        "report", REPORT, study, [group], {"lesions": lesions}, [as_series(volume)], analysis
    )
    refused = Refused(Reason.MISSING_SLICE, "between slice 3 and slice 4")
    refusal = write_refusal_report("refusal", REPORT, study, refused, analysis)
    page = np.zeros((30, 41, 3), np.uint8)
    summary = write_secondary_capture("summary", SUMMARY, study, page, [as_series(volume)], analysis)
    return {"lesions": lesions, "report": report, "refusal": refusal, "summary": summary}


def written(identity: Dataset, analysis: Analysis, folder: Path, title: str = "Lesions") -> dict[str, FileDataset]:
    return {kind: dcmread(save(result, folder)) for kind, result in all_results(identity, analysis, title).items()}


JAPANESE = {
    "SpecificCharacterSet": ["", "ISO 2022 IR 87"],
    "PatientName": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "ReferringPhysicianName": "Suzuki^Ichiro=鈴木^一郎",
    "StudyDescription": "頭部MRI",
}
KATAKANA = {
    "SpecificCharacterSet": ["ISO 2022 IR 13", "ISO 2022 IR 87"],
    "PatientName": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "ReferringPhysicianName": "Suzuki^Ichiro",
    "StudyDescription": "MRI",
}
CHINESE = {"SpecificCharacterSet": "GB18030", "PatientName": "Wang^XiaoDong=王^小东"}
ASCII = {
    "SpecificCharacterSet": None,
    "PatientName": "Miller^Joe",
    "ReferringPhysicianName": "",
    "StudyDescription": "MR head",
}
IDENTITIES = {"german": {}, "japanese": JAPANESE, "katakana": KATAKANA, "chinese": CHINESE, "ascii": ASCII}


@pytest.mark.parametrize("changes", IDENTITIES.values(), ids=IDENTITIES.keys())
@pytest.mark.parametrize("title", ["Lesions", "Läsionen", "白質病変", "Очаги"])
def test_identity_is_unchanged_in_every_character_set(
    tmp_path: Path, analysis: Analysis, changes: dict[str, object], title: str
) -> None:
    identity = patient(**changes)
    identity.save_as(tmp_path / "source", implicit_vr=False, little_endian=True)
    source = dcmread(tmp_path / "source", force=True)
    for kind, result in written(source, analysis, tmp_path, title).items():
        for keyword in PATIENT_AND_STUDY:
            assert (keyword in result) == (keyword in source), (kind, keyword)
            assert result.get(keyword) == source.get(keyword), (kind, keyword)
        if title == "Lesions":
            assert result.get("SpecificCharacterSet") == source.get("SpecificCharacterSet"), kind
            files = (tmp_path / "source", tmp_path / f"{kind}.dcm")
            raw = [dcmread(path, force=True).get_item("PatientName").value for path in files]
            assert raw[0] == raw[1], kind
        if kind == "lesions":
            assert result.SegmentSequence[0].SegmentLabel == title


@pytest.mark.parametrize("changes", IDENTITIES.values(), ids=IDENTITIES.keys())
def test_every_object_is_valid(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], changes: dict[str, object]
) -> None:
    for result in all_results(patient(**changes), analysis).values():
        validate(save(result, tmp_path))


def test_absent_type_2_attributes_are_written_empty(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    absent = (
        "PatientName",
        "PatientID",
        "PatientBirthDate",
        "PatientSex",
        "StudyDate",
        "StudyTime",
        "StudyID",
        "AccessionNumber",
        "ReferringPhysicianName",
    )
    for result in all_results(patient(**dict.fromkeys(absent)), analysis).values():
        path = save(result, tmp_path)
        validate(path)
        read = dcmread(path)
        assert all(keyword in read and not read[keyword].value for keyword in absent)


def test_what_an_anonymiser_left_is_kept_but_not_spread(tmp_path: Path, analysis: Analysis) -> None:
    with config.disable_value_validation():
        identity = patient(StudyDate="***", StudyTime="***", PatientBirthDate="***")
    for result in written(identity, analysis, tmp_path).values():
        assert result.StudyDate == result.PatientBirthDate == "***"
        assert sum(element.value == "***" for element in result.iterall()) == 3


def test_numbers_that_an_anonymiser_overwrote_are_left_out(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    volume = make_volume()
    with config.disable_value_validation():
        for instance in volume.instances:
            for keyword in ("SliceThickness", "SpacingBetweenSlices"):
                instance.header.add(DataElement(keyword, "DS", "***", already_converted=True))
    labels = np.ones((6, 10, 12), np.uint8)
    lesions = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "Lesions")], analysis)
    validate(save(lesions, tmp_path))
    assert lesions.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness == 3
    report = write_measurement_report(
        "report", REPORT, as_study(volume), [], {"lesions": lesions}, [as_series(volume)], analysis
    )
    validate(save(report, tmp_path))
    (library,) = (item for item in report.ContentSequence if item.ValueType == "CONTAINER" and "Library" in str(item))
    named = {item.ConceptNameCodeSequence[0].CodeMeaning for item in library.ContentSequence[0].ContentSequence}
    assert "Pixel Data Rows" in named
    assert not named & {"Slice Thickness", "Spacing between slices"}


def test_an_unknown_body_part_is_valid(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    volume = make_volume()
    for instance in volume.instances:
        del instance.header.BodyPartExamined
        del instance.header.Manufacturer
    labels = np.zeros((6, 10, 12), np.uint8)
    page = np.zeros((4, 4, 3), np.uint8)
    for result in (
        write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "Lesions")], analysis),
        write_secondary_capture("summary", SUMMARY, as_study(volume), page, [as_series(volume)], analysis),
    ):
        validate(save(result, tmp_path))
        assert len(result.ContributingEquipmentSequence) == 1


def test_orders_are_kept(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    request = Dataset()
    request.AccessionNumber = "A1"
    request.RequestedProcedureID = "RP1"
    request.ScheduledProcedureStepID = "SPS1"
    identity = patient(AccessionNumber="A1")
    identity.RequestAttributesSequence = Sequence([request])
    for kind, result in all_results(identity, analysis).items():
        path = save(result, tmp_path)
        validate(path)
        read = dcmread(path)
        assert read.AccessionNumber == "A1"
        orders = read.ReferencedRequestSequence if kind in ("report", "refusal") else read.RequestAttributesSequence
        assert [item.RequestedProcedureID for item in orders] == ["RP1"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_algorithm_is_identified_alike_everywhere(tmp_path: Path, analysis: Analysis, kind: str) -> None:
    """IHE AIR: what the content says of the algorithm equals the Contributing Equipment item."""
    result = written(patient(), analysis, tmp_path)[kind]
    processing, acquisition = result.ContributingEquipmentSequence
    assert processing.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
    assert processing.DeviceUID == analysis.algorithm.device_uid
    assert acquisition.PurposeOfReferenceCodeSequence[0].CodeValue == "109101"
    assert acquisition.ManufacturerModelName == "Magnet 3T"
    assert acquisition.SoftwareVersions == ["A", "B"]
    name, version = processing.ManufacturerModelName, processing.SoftwareVersions
    assert (result.Manufacturer, result.ManufacturerModelName, result.SoftwareVersions) == ("Gantry", name, version)
    assert result.DeviceSerialNumber
    said: dict[str, set[str]] = {}
    for item in result.iterall():
        if item.keyword == "ContentSequence":
            for child in item.value:
                value = child.get("TextValue") or child.get("UID")
                said.setdefault(child.ConceptNameCodeSequence[0].get("CodeValue"), set()).add(str(value))
    if kind in ("report", "refusal"):
        assert said["111001"] == said["121015"] == {name}
        assert said["111003"] == {version}
        assert said["121012"] == {processing.DeviceUID}
        assert said["121014"] == {processing.Manufacturer}
        parameters = {"configuration: C", "registration: by geometry", f"model SHA-256: {'ab' * 32}"}
        assert said["111002"] == parameters
    if kind == "lesions":
        described = result.SegmentSequence[0]
        algorithm = described.SegmentationAlgorithmIdentificationSequence[0]
        assert described.SegmentAlgorithmName == algorithm.AlgorithmName == name
        assert algorithm.AlgorithmVersion == version
        assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"


def test_the_same_analysis_gives_the_same_bytes(tmp_path: Path, analysis: Analysis) -> None:
    first, second = tmp_path / "1", tmp_path / "2"
    for folder in (first, second):
        folder.mkdir()
        for result in all_results(patient(), analysis).values():
            save(result, folder)
    for path in sorted(first.iterdir()):
        assert path.read_bytes() == (second / path.name).read_bytes()
    assert sorted(path.name for path in first.iterdir()) == sorted(f"{kind}.dcm" for kind in KINDS)


def test_identifiers_are_the_analysis_own(tmp_path: Path, analysis: Analysis) -> None:
    for kind, result in written(patient(), analysis, tmp_path).items():
        assert result.SOPInstanceUID == analysis.uid(f"{kind}/instance")
        assert result.SeriesInstanceUID == analysis.uid(f"{kind}/series")
        assert result.StudyInstanceUID == patient().StudyInstanceUID
        assert result.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
        assert result.file_meta.MediaStorageSOPInstanceUID == result.SOPInstanceUID


def test_times_are_the_start_of_the_analysis_in_the_sources_zone(tmp_path: Path, analysis: Analysis) -> None:
    in_utc = replace(analysis, started=analysis.started.astimezone(timezone.utc))
    for result in written(patient(TimezoneOffsetFromUTC="+0900"), in_utc, tmp_path).values():
        assert result.TimezoneOffsetFromUTC == "+0900"
        assert (result.ContentDate, result.ContentTime) == ("20230714", "180506.789000")
        assert result.StudyTime == "101112.130"
    for identity in (patient(), patient(TimezoneOffsetFromUTC="+9900")):
        results = written(identity, analysis, tmp_path).values()
        for result in results:
            assert "TimezoneOffsetFromUTC" not in result
            assert result.ContentTime == analysis.started.astimezone().strftime("%H%M%S.%f")
    naive = replace(analysis, started=analysis.started.replace(tzinfo=None))
    with pytest.raises(ValueError, match="time zone"):
        all_results(patient(), naive)


def test_dcmtk_reads_every_object(tmp_path: Path, analysis: Analysis) -> None:
    if not Path("/usr/bin/dcmdump").exists():
        pytest.skip("DCMTK is not installed")
    for kind, result in all_results(patient(), analysis).items():
        path = save(result, tmp_path)
        dumped = subprocess.run(["/usr/bin/dcmdump", "-q", str(path)], capture_output=True, check=True)
        assert not dumped.stderr, kind
        if kind in ("report", "refusal"):
            read = subprocess.run(["/usr/bin/dsrdump", "-Ec", str(path)], capture_output=True, check=True)
            assert b"Imaging Measurement Report" in read.stdout
            assert not read.stderr, kind


def test_only_our_datasets_can_be_saved(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="file name"):
        save(Dataset(), tmp_path)
