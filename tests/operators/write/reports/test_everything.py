"""TID 1500 in full, as second readers see it: highdicom, DCMTK, pydicom's parse."""

from __future__ import annotations

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.provenance import Analysis
from operators.write.base.result import save
from tests.operators.write.reports.everything import Everything, everything
from tests.operators.write.reports.readers import dsrdump, items, named, said, value
from tests.operators.write.studies import LESION
from tests.operators.write.validators import dciodvfy_problems


@pytest.fixture(scope="module")
def made(analysis: Analysis) -> Everything:
    return everything(analysis)


@pytest.fixture(scope="module")
def path(made: Everything, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(made.report, tmp_path_factory.mktemp("everything"))


@pytest.fixture(scope="module")
def report(path: Path) -> Dataset:
    return dcmread(path)


@pytest.fixture(scope="module")
def content(path: Path) -> highdicom.sr.MeasurementReport:
    """What highdicom reads. It fails on a NUM without a value (PS3.3 C.18.1: type 2), so those are taken out."""
    dataset = dcmread(path)
    for item in [dataset, *items(dataset)]:
        if "ContentSequence" in item:
            item.ContentSequence = [
                child for child in item.ContentSequence if child.ValueType != "NUM" or child.MeasuredValueSequence
            ]
    return highdicom.sr.Comprehensive3DSR.from_dataset(dataset).content


def test_dciodvfy_and_dcmtk_accept_it(path: Path) -> None:
    assert dciodvfy_problems(path) == []
    dump = dsrdump(path, "-q", "+U8")
    assert '<contains NUM:(,,"Volume")="97.0212345678901" (mm3,UCUM,"cubic millimeter")>' in dump
    assert '<contains NUM:(,,"Volume")=empty (114006,DCM,"Measurement failure")>' in dump
    assert '<has concept mod CODE:(,,"Language of Content Item and Descendants")=(de,RFC5646,"German")>' in dump
    assert '<has obs context PNAME:(,,"Person Observer Name")="Weiß^Anna">' in dump


def test_highdicom_sorts_the_groups_by_what_they_are_of(content: highdicom.sr.MeasurementReport) -> None:
    def identifiers(groups: list[object]) -> list[str]:
        return [group.tracking_identifier for group in groups]  # type: ignore[attr-defined]

    volumetric = content.get_volumetric_roi_measurement_groups()
    assert identifiers(volumetric) == ["Lesion 1", "Contours", "Ellipsoid"]
    planar = content.get_planar_roi_measurement_groups()
    assert identifiers(planar) == ["Lesion 1", "Ellipse", "Polygon", "One plane of the segment"]
    assert identifiers(content.get_image_measurement_groups()) == ["Whole brain", "Midline"]
    assert all(group.finding_type == LESION for group in (*volumetric, *planar))


def test_regions_are_where_they_were(made: Everything, content: highdicom.sr.MeasurementReport) -> None:
    key, ellipse, polygon, plane = content.get_planar_roi_measurement_groups()
    slices = made.volume.slices
    np.testing.assert_array_equal(key.roi.value, [[4.5, 3.5], [8.5, 5.5]])
    assert key.roi.graphic_type.value == "POLYLINE"
    assert key.roi.ContentSequence[0].referenced_sop_instance_uid == slices[2].header.SOPInstanceUID
    assert ellipse.roi.graphic_type.value == "ELLIPSE"
    np.testing.assert_array_equal(
        polygon.roi.value, [[0.5, 0.0, 7.0], [4.0, 0.0, 7.0], [4.0, 3.0, 7.0], [0.5, 0.0, 7.0]]
    )
    assert polygon.roi.frame_of_reference_uid == made.volume.frame_of_reference_uid
    frame = plane.referenced_segmentation_frame
    assert frame.referenced_sop_instance_uid == made.segmentation.SOPInstanceUID
    assert frame.referenced_frame_numbers == [1]
    # The first frame of the segment lies on the third slice.
    (source,) = named(plane[0], "Source image for segmentation")
    assert source.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == slices[2].header.SOPInstanceUID


def test_volumes_have_their_segment_contours_or_surface(
    made: Everything, content: highdicom.sr.MeasurementReport
) -> None:
    segment, contours, ellipsoid = content.get_volumetric_roi_measurement_groups()
    assert segment.referenced_segment.referenced_segment_numbers == [1]
    assert segment.tracking_uid == made.segmentation.SegmentSequence[0].TrackingUID
    assert [roi.ContentSequence[0].referenced_sop_instance_uid for roi in contours.roi] == [
        made.volume.slices[index].header.SOPInstanceUID for index in (1, 2)
    ]
    assert ellipsoid.roi.graphic_type.value == "ELLIPSOID"
    axes = np.asarray(ellipsoid.roi.graphic_data)
    assert axes.shape == (6, 3)
    assert contours.method == Code("YEKZ", "IBSI", "Volume from Voxel Summation")


def test_a_viewer_finds_a_graphic_beside_the_segment(made: Everything, report: Dataset) -> None:
    """OHIF merges groups of one tracking UID and draws the SCOORD at their top, with the image that it is on."""
    uid = made.segmentation.SegmentSequence[0].TrackingUID
    groups = [group for group in named(report, "Measurement Group") if uid in said(group, "Tracking Unique Identifier")]
    assert len(groups) == 2
    graphics = [item for group in groups for item in group.ContentSequence if item.ValueType == "SCOORD"]
    (graphic,) = graphics
    assert graphic.ContentSequence[0].RelationshipType == "SELECTED FROM"
    assert said(groups[1], "Long axis") == [4.7]
    assert not said(groups[1], "Comment")


def test_a_number_keeps_all_that_is_said_of_it(content: highdicom.sr.MeasurementReport) -> None:
    group = content.get_volumetric_roi_measurement_groups()[0]
    (measurement,) = group.get_measurements(codes.SCT.Volume)
    assert measurement.value == 97.0212345678901
    assert measurement.unit == codes.UCUM.CubicMillimeter
    assert measurement.derivation == codes.SCT.Mean
    assert measurement.method.value == "YEKZ"
    assert [site.laterality.meaning for site in measurement.finding_sites] == ["Left"]
    (number,) = measurement
    below = {item.ConceptNameCodeSequence[0].CodeMeaning: item for item in number.ContentSequence}
    assert {name: item.RelationshipType for name, item in below.items()} == {
        "Topographical modifier": "HAS CONCEPT MOD",
        "Measurement Method": "HAS CONCEPT MOD",
        "Derivation": "HAS CONCEPT MOD",
        "Finding Site": "HAS CONCEPT MOD",
        "Equivalent Meaning of Concept Name": "HAS CONCEPT MOD",
        **dict.fromkeys(
            [
                "Normality",
                "Z-Score of measurement",
                "Population description",
                "Reference Authority",
                "Normal Range Lower Limit",
                "Normal Range Upper Limit",
                "Normal Range description",
                "Normal Range Authority",
                "Level of Significance",
                "-, range of lower measurement uncertainty",
                "+, range of upper measurement uncertainty",
                "Selection Status",
            ],
            "HAS PROPERTIES",
        ),
    }
    assert value(below["Normal Range Upper Limit"]) == 50
    assert value(below["+, range of upper measurement uncertainty"]) == 4.25
    assert value(below["Normality"]) == "Abnormally High"
    for name in ("Normal Range Lower Limit", "+, range of upper measurement uncertainty"):
        assert below[name].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm3"


def test_a_number_that_could_not_be_measured_says_why(report: Dataset) -> None:
    (whole_brain,) = (
        group for group in named(report, "Measurement Group") if "Whole brain" in said(group, "Tracking Identifier")
    )
    (volume,) = named(whole_brain, "Volume")
    assert value(volume) is None
    assert volume.NumericValueQualifierCodeSequence[0].CodeMeaning == "Measurement failure"
    assert said(whole_brain, "Finding") == [LESION.meaning, "ohne Befund"]


def test_a_number_names_the_graphic_that_it_was_taken_from(content: highdicom.sr.MeasurementReport) -> None:
    _, midline = content.get_image_measurement_groups()
    in_plane, in_space = midline.get_measurements()
    assert [item.ValueType for item in in_plane[0].ContentSequence] == ["SCOORD"]
    assert [item.ValueType for item in in_space[0].ContentSequence] == ["SCOORD3D"]
    assert {item.RelationshipType for item in (*in_plane[0].ContentSequence, *in_space[0].ContentSequence)} == {
        "INFERRED FROM"
    }


def test_groups_tell_category_time_point_and_site(content: highdicom.sr.MeasurementReport) -> None:
    group = content.get_volumetric_roi_measurement_groups()[0]
    assert group.finding_category.meaning == "Morphologically Abnormal Structure"
    (site,) = group.finding_sites
    assert (site.laterality.meaning, site.topographical_modifier.meaning) == ("Left", "Upper")
    assert said(group[0], "Subject Time Point Identifier") == ["P-0815/2"]
    assert said(group[0], "Protocol Time Point Identifier") == ["W12"]
    assert said(group[0], "Time Point") == ["week 12"]
    assert said(group[0], "Time Point Order") == [2]
    assert said(group[0], "Time Point Type") == ["Target Lesion at Baseline"]


def test_derived_numbers_and_statements_have_containers_of_their_own(report: Dataset) -> None:
    (derived,) = named(report, "Derived Imaging Measurements")
    assert said(derived, "Interquartile Range of population") == [61.5]
    (evaluations,) = named(report, "Qualitative Evaluations")
    coded, text = named(evaluations, "Finding")
    assert value(text) == "mehr als im Vorjahr"
    assert value(coded) == LESION.meaning
    assert said(coded, "Laterality") == ["Left"]


def test_observers_are_the_device_and_the_person(report: Dataset, analysis: Analysis) -> None:
    assert said(report, "Observer Type") == ["Device", "Person"]
    assert said(report, "Device Observer UID") == [analysis.algorithm.device_uid]
    assert said(report, "Person Observer's Role in the Organization") == ["Physician"]
    assert report.VerificationFlag == "UNVERIFIED"


def referenced(sequence: list[Dataset]) -> dict[str, set[str]]:
    return {
        study.StudyInstanceUID: {
            item.ReferencedSOPInstanceUID
            for series in study.ReferencedSeriesSequence
            for item in series.ReferencedSOPSequence
        }
        for study in sequence
    }


def test_evidence_is_sorted_by_study(made: Everything, report: Dataset) -> None:
    own = {instance.sop_instance_uid for instance in made.volume.instances} | {made.segmentation.SOPInstanceUID}
    other = {instance.sop_instance_uid for instance in made.prior.instances}
    prior_study = made.prior.instances[0].header.StudyInstanceUID
    assert referenced(report.CurrentRequestedProcedureEvidenceSequence) == {report.StudyInstanceUID: own}
    assert referenced(report.PertinentOtherEvidenceSequence) == {prior_study: other}
    assert referenced(report.PredecessorDocumentsSequence) == {
        report.StudyInstanceUID: {made.predecessor.SOPInstanceUID}
    }
    used = {
        item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        for item in items(report)
        if "ReferencedSOPSequence" in item
    }
    assert used == own | other


def test_the_library_has_a_group_for_each_series(made: Everything, report: Dataset) -> None:
    (library,) = named(report, "Image Library")
    current, prior = library.ContentSequence
    assert len(named(current, "Source")) == 6
    assert len(named(prior, "Source")) == 3
    cosines = [said(current, f"Image Orientation (Patient) Column {axis}")[0] for axis in "XYZ"]
    assert cosines == [float(cosine) for cosine in made.volume.instances[0].header.ImageOrientationPatient[3:]]
