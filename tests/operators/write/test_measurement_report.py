from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import highdicom
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup, SegmentReference
from operators.measure.regional_load import regional_load
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.reports.content import CONTAINS, decimal_string, number
from operators.write.segmentation import write_segmentation
from tests.operators.write.studies import (
    LEFT,
    LESION,
    LESIONS,
    REPORT,
    WHITE_MATTER,
    as_series,
    as_study,
    make_volume,
    segment,
)

MM3 = codes.UCUM.CubicMillimeter
VOXEL_SUMMATION = Code("YEKZ", "IBSI", "Volume from Voxel Summation")
NOTICE = "demonstration weights, trained on simulated data, not for clinical use"


def volume_of(value: float) -> Measurement:
    return Measurement(codes.SCT.Volume, value, MM3, VOXEL_SUMMATION)


def items(node: Dataset) -> Iterator[Dataset]:
    for child in node.get("ContentSequence", ()):
        yield child
        yield from items(child)


def named(node: Dataset, value: str) -> list[Dataset]:
    return [item for item in items(node) if item.ConceptNameCodeSequence[0].get("CodeValue") == value]


def make_report(tmp_path: Path, analysis: Analysis) -> tuple[Path, Dataset, Dataset]:
    """A report on FLAIR and T1 with two regions, an unassigned rest and the total; with the segmentation."""
    flair = make_volume("oblique")
    t1 = make_volume("sagittal", (8, 9, 10), number=4, description="T1")
    rng = np.random.default_rng(1)
    lesions = rng.random((6, 10, 12)) < 0.1
    regions = rng.integers(0, 3, (6, 10, 12)).astype(np.uint8)
    load = regional_load(lesions, regions, flair.voxel_volume, [1, 2])
    result = write_segmentation(
        "lesions", LESIONS, flair, lesions.astype(np.uint8), [segment(1, "All lesions")], analysis
    )
    groups = [
        MeasurementGroup(
            "All lesions",
            LESION,
            (
                volume_of(load.total_volume),
                Measurement(Code("246206008", "SCT", "Number of lesions"), load.lesion_count, codes.UCUM.NoUnits),
            ),
            segment=SegmentReference("lesions", 1),
            finding_site=WHITE_MATTER,
        ),
        *(
            MeasurementGroup(
                f"Region {name}", LESION, (volume_of(region.lesion_volume),), laterality=LEFT, finding_site=WHITE_MATTER
            )
            for name, region in load.regions.items()
        ),
        MeasurementGroup("Unassigned", LESION, (volume_of(load.unassigned_volume),), comment="in no region"),
    ]
    report = write_measurement_report(
        "report",
        REPORT,
        as_study(flair, t1),
        groups,
        {"lesions": result},
        [as_series(flair), as_series(t1)],
        analysis,
        evaluations=[Evaluation(Code("reliability", "99GANTRY", "Reliability"), Code("high", "99GANTRY", "High"))],
        notice=NOTICE,
        limits=["Lesions under 3 mm are unreliable."],
    )
    path = save(report, tmp_path)
    return path, dcmread(path), dcmread(save(result, tmp_path))


def test_the_report_is_valid(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    path, report, _ = make_report(tmp_path, analysis)
    validate(path)
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (report.VerificationFlag, report.CompletionFlag, report.PreliminaryFlag) == (
        "UNVERIFIED",
        "COMPLETE",
        "PRELIMINARY",
    )


def test_highdicom_reads_groups_with_their_segments(tmp_path: Path, analysis: Analysis) -> None:
    path, _, segmentation = make_report(tmp_path, analysis)
    content = highdicom.sr.srread(path).content
    (volumetric,) = content.get_volumetric_roi_measurement_groups()
    assert volumetric.tracking_identifier == "All lesions"
    assert volumetric.tracking_uid == segmentation.SegmentSequence[0].TrackingUID
    assert volumetric.finding_type == LESION
    assert volumetric.referenced_segment.referenced_sop_instance_uid == segmentation.SOPInstanceUID
    assert volumetric.referenced_segment.referenced_segment_numbers == [1]
    others = content.get_image_measurement_groups()
    assert [group.tracking_identifier for group in others] == ["Region 1", "Region 2", "Unassigned"]
    assert others[0].finding_sites[0].laterality.meaning == "Left"


def test_the_total_is_the_segmentations_voxels_times_the_voxel_volume(tmp_path: Path, analysis: Analysis) -> None:
    _, report, segmentation = make_report(tmp_path, analysis)
    measured = [item.MeasuredValueSequence[0] for item in named(report, "118565006")]
    values = [float(value.get("FloatingPointValue", value.NumericValue)) for value in measured]
    voxels = int(segmentation.pixel_array.sum())
    assert values[0] == voxels * make_volume("oblique").voxel_volume
    per_voxel = values[0] / voxels
    assert sum(round(value / per_voxel) for value in values[1:]) == voxels


def test_evidence_is_complete(tmp_path: Path, analysis: Analysis) -> None:
    _, report, segmentation = make_report(tmp_path, analysis)
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    listed = {
        item.ReferencedSOPInstanceUID
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    used = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in items(report)
        if "ReferencedSOPSequence" in item
    }
    assert used == listed
    assert segmentation.SOPInstanceUID in listed
    assert len(listed) == 6 + 8 + 1
    series = {item.SeriesInstanceUID for item in study.ReferencedSeriesSequence}
    assert {item.UID for item in named(report, "121232")} <= series


def test_what_images_share_is_said_once(tmp_path: Path, analysis: Analysis) -> None:
    _, report, _ = make_report(tmp_path, analysis)
    (library,) = named(report, "111028")
    flair, t1 = library.ContentSequence
    assert len(named(flair, "260753009")) == 6
    assert len(named(t1, "260753009")) == 8
    (columns,) = named(flair, "111026")
    assert columns.MeasuredValueSequence[0].NumericValue == pytest.approx(1.1)
    assert not any("ContentSequence" in item for item in named(flair, "260753009"))


def test_notice_and_limits_can_be_read(tmp_path: Path, analysis: Analysis) -> None:
    _, report, _ = make_report(tmp_path, analysis)
    assert [item.TextValue for item in named(report, "notice")] == [NOTICE]
    assert [item.TextValue for item in named(report, "limitation")] == ["Lesions under 3 mm are unreliable."]
    assert [item.ConceptCodeSequence[0].CodeMeaning for item in named(report, "reliability")] == ["High"]
    assert [item.CodingSchemeDesignator for item in report.CodingSchemeIdentificationSequence] == ["99GANTRY"]


def test_methods_and_units_are_coded(tmp_path: Path, analysis: Analysis) -> None:
    _, report, _ = make_report(tmp_path, analysis)
    for item in named(report, "118565006"):
        assert item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm3"
        assert [method.ConceptCodeSequence[0].CodeValue for method in named(item, "370129005")] == ["YEKZ"]


def test_the_procedure_is_the_studys_own_if_it_is_coded(analysis: Analysis) -> None:
    volume = make_volume()
    plain = write_measurement_report("report", REPORT, as_study(volume), [], {}, [as_series(volume)], analysis)
    assert named(plain, "121058")[0].ConceptCodeSequence[0].CodeValue == "25056-3"
    coded = Dataset()
    coded.CodeValue, coded.CodingSchemeDesignator, coded.CodeMeaning = "24590-2", "LN", "MR Brain"
    for instance in volume.instances:
        instance.header.ProcedureCodeSequence = [coded]
    own = write_measurement_report("report", REPORT, as_study(volume), [], {}, [as_series(volume)], analysis)
    assert named(own, "121058")[0].ConceptCodeSequence[0].CodeMeaning == "MR Brain"


def test_a_report_without_groups_is_valid(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    volume = make_volume()
    report = write_measurement_report("report", REPORT, as_study(volume), [], {}, [as_series(volume)], analysis)
    validate(save(report, tmp_path))
    assert named(report, "111001")


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    volume = make_volume()
    labels = np.ones((6, 10, 12), np.uint8)
    segmentation = write_segmentation("lesions", LESIONS, volume, labels, [segment(1, "a")], analysis)

    def write(*groups: MeasurementGroup) -> None:
        write_measurement_report(
            "report", REPORT, as_study(volume), groups, {"lesions": segmentation}, [as_series(volume)], analysis
        )

    with pytest.raises(ValueError, match="no segment 2"):
        write(MeasurementGroup("a", LESION, segment=SegmentReference("lesions", 2)))
    with pytest.raises(ValueError, match="tracking"):
        write(MeasurementGroup("a", LESION), MeasurementGroup("a", LESION))
    with pytest.raises(ValueError, match="finite"):
        write(MeasurementGroup("a", LESION, (volume_of(float("nan")),)))


@given(st.floats(-1e15, 1e15))
def test_every_number_comes_back_exactly(value: float) -> None:
    text = decimal_string(value)
    assert len(text) <= 16
    measured = number(CONTAINS, codes.SCT.Volume, value, MM3).MeasuredValueSequence[0]
    assert float(measured.get("FloatingPointValue", measured.NumericValue)) == value
    assert float(text) == pytest.approx(value, rel=1e-8)


def test_sensible_numbers_look_sensible() -> None:
    assert [decimal_string(value) for value in (3.0, 0.0, 1.5, 0.1, -2, 1234.567, 12345678.0)] == [
        "3",
        "0",
        "1.5",
        "0.1",
        "-2",
        "1234.567",
        "12345678",
    ]
