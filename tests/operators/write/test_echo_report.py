"""Simplified Adult Echo SR: TID 5300 as DCMTK and pydicom read it, and as dciodvfy does under a class that it knows."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import SimplifiedAdultEchoSRStorage

from operators.measure.echocardiography import EchoKind, EchoMeasurement
from operators.measure.measurement import FindingSite, Measurement, Modifier
from operators.provenance import Analysis, uid_from_text
from operators.write.base.result import save
from operators.write.echo_report import write_echo_report
from tests.operators.write.examples.reports import DIAMETER, ECHO, echo_images, echo_report
from tests.operators.write.reports.readers import as_comprehensive, dsrdump, named, said
from tests.operators.write.validators import dciodvfy_problems

Write = Callable[..., FileDataset]
STRAIN = Code("130696", "DCM", "LV Peak GLS 2CH (Endocardial)")
PERCENT = Code("%", "UCUM", "Percent")
MAXIMUM = Code("56851009", "SCT", "Maximum")
OTHER = Code("1", "99X", "something")


@pytest.fixture(scope="module")
def path(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(echo_report(analysis).object, tmp_path_factory.mktemp("echo"))


@pytest.fixture(scope="module")
def report(path: Path) -> Dataset:
    return dcmread(path)


@pytest.fixture(scope="module")
def write(analysis: Analysis) -> Write:
    def write(*measurements: EchoMeasurement, images: Any = None, **options: Any) -> FileDataset:
        sources = echo_images() if images is None else images
        return write_echo_report("echo", ECHO, sources, measurements, analysis, **options)

    return write


def strain(value: float = -18.0, **changes: Any) -> EchoMeasurement:
    return EchoMeasurement(Measurement(STRAIN, value, PERCENT), **changes)


def test_dcmtk_accepts_its_relationships(path: Path, report: Dataset) -> None:
    assert report.SOPClassUID == SimplifiedAdultEchoSRStorage
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "5300"
    dump = dsrdump(path, "-q")
    assert "Simplified Adult Echo SR Document" in dump
    assert '<contains NUM:(,,"LV Peak GLS 2CH (Endocardial)")="-18.5" (%,UCUM,"Percent")>' in dump


def test_dciodvfy_accepts_its_tree(analysis: Analysis, tmp_path: Path) -> None:
    assert dciodvfy_problems(as_comprehensive(echo_report(analysis).object, tmp_path / "echo")) == []


def test_measurements_are_sorted_by_what_defines_them(report: Dataset) -> None:
    (pre,) = named(report, "Pre-coordinated Measurements")
    assert said(pre, "LV Peak GLS 2CH (Endocardial)") == [-18.5, -17.5]
    assert said(pre, "Short Label") == ["GLS", "GLS"]
    assert said(pre, "Selection Status") == ["Maximum"]
    (post,) = named(report, "Post-coordinated Measurements")
    assert said(post, "Diameter of outflow tract") == [2.1]
    assert said(post, "Finding Site") == ["Left Ventricular Outflow Tract"]
    assert said(post, "Measured Property") == ["Diameter"]
    assert said(post, "Measurement Type") == ["Directly measured"]
    assert said(post, "Cardiac Cycle Point") == ["Diastole"]
    assert said(post, "Image Mode") == ["B mode"]
    (adhoc,) = named(report, "Adhoc Measurements")
    assert said(adhoc, "Diameter") == [3.1]
    assert said(adhoc, "Short Label") == ["cyst"]


def test_measurements_name_the_image_and_the_frame(report: Dataset) -> None:
    image, clip = echo_images()
    first, second = named(report, "LV Peak GLS 2CH (Endocardial)")
    (graphic,) = (item for item in first.ContentSequence if item.ValueType == "SCOORD")
    (reference,) = graphic.ContentSequence[0].ReferencedSOPSequence
    assert (reference.ReferencedSOPInstanceUID, reference.ReferencedFrameNumber) == (clip.SOPInstanceUID, 2)
    (plain,) = (item for item in second.ContentSequence if item.ValueType == "IMAGE")
    assert plain.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == clip.SOPInstanceUID
    (cyst,) = named(named(report, "Adhoc Measurements")[0], "Diameter")
    assert cyst.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == image.SOPInstanceUID


def test_the_patient_is_described_and_the_zone_named(report: Dataset, analysis: Analysis, write: Write) -> None:
    assert said(report, "Patient Height") == [182]
    assert said(report, "Patient Weight") == [80.5]
    assert report.TimezoneOffsetFromUTC == analysis.started.astimezone().strftime("%z")
    zoned = deepcopy(echo_images()[0])
    zoned.TimezoneOffsetFromUTC = "+0900"
    assert write(strain(), images=[zoned]).TimezoneOffsetFromUTC == "+0900"


KIND = EchoKind(
    Code("125311", "DCM", "Structure of the Finding Site"),
    FindingSite(Code("13418002", "SCT", "Left Ventricular Outflow Tract")),
    DIAMETER,
    Code("125316", "DCM", "Directly measured"),
)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"observation_type": OTHER}, "CID 12302"),
        ({"property": OTHER}, "CID 12304"),
        ({"measurement_type": OTHER}, "CID 12303"),
        ({"flow_direction": OTHER}, "CID 12306"),
        ({"cardiac_phase": OTHER}, "CID 12307"),
        ({"image_mode": OTHER}, "CID 12224"),
        ({"image_view": OTHER}, "CID 12226"),
    ],
)
def test_a_kind_is_coded_by_its_context_groups(write: Write, changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(strain(kind=replace(KIND, **changes)))


def test_what_cannot_be_right_is_an_error(write: Write) -> None:
    side = Modifier(codes.SCT.Laterality, codes.SCT.Left)
    cases: list[tuple[list[EchoMeasurement], dict[str, Any], str]] = [
        ([], {}, "at least one measurement"),
        ([strain()], {"images": []}, "at least one image"),
        ([strain(selected_because=MAXIMUM)] * 2, {}, "two values of one quantity are preferred"),
        ([strain(selected_because=OTHER)], {}, "CID 12301"),
        ([EchoMeasurement(Measurement(OTHER, 1, PERCENT))], {}, "CID 12300"),
        ([EchoMeasurement(Measurement(STRAIN, 1, PERCENT, modifiers=(side,)))], {}, "pre-coordinated"),
        ([EchoMeasurement(Measurement(STRAIN, float("nan"), PERCENT))], {}, "finite"),
        ([], {"adhoc": [strain(label="x")]}, "CID 12304"),
        ([], {"adhoc": [EchoMeasurement(Measurement(DIAMETER, 1, codes.UCUM.Centimeter))]}, "needs a label"),
    ]
    for measurements, options, message in cases:
        with pytest.raises(ValueError, match=message):
            write(*measurements, **options)
    other = deepcopy(echo_images()[0])
    other.SOPInstanceUID = uid_from_text("another image")
    with pytest.raises(ValueError, match="not among those of the report"):
        write(strain(images=(other,)))
