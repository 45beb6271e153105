"""A real T1 series of another vendor's scanner, by DCMTK to a running node, and its results back from Orthanc."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset

from tests.integration.sites import Result, Site, storescu
from tests.peers import dciodvfy_errors, dcmtk, real_data

pytestmark = [
    pytest.mark.real_data,
    pytest.mark.peer,
    pytest.mark.slow,
    pytest.mark.timeout(900),
    # The anonymiser left "***" in dates, and in ages.
    pytest.mark.filterwarnings("ignore:Invalid value for VR"),
]

FOLDER = "mr_t1_uih"
LESIONS, REGIONS = "White matter lesions", "White matter regions"
REPORT, SUMMARY = "White matter lesion report", "White matter lesion summary"
SEGMENTATIONS = (LESIONS, REGIONS)
IDENTIFIERS = ("PatientID", "PatientName", "PatientBirthDate", "StudyInstanceUID", "StudyID", "AccessionNumber")
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Examination:
    """The real study, and the results that the archive has in it."""

    paths: tuple[Path, ...]
    headers: tuple[FileDataset, ...]
    results: dict[str, Result]

    @property
    def study_uid(self) -> str:
        """Study Instance UID of the source."""
        return str(self.headers[0].StudyInstanceUID)


@pytest.fixture(scope="module")
def examination(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Examination:
    """The series is sent to the archive, as a scanner does, and to the node."""
    paths = tuple(sorted(real_data(FOLDER).glob("*.dcm")))
    headers = tuple(dcmread(path, stop_before_pixels=True) for path in paths)
    study_uid = str(headers[0].StudyInstanceUID)
    for port, title in ((site.archive.port, site.archive.ae_title), (site.port, "GANTRY")):
        done = storescu(port, *paths, called_ae_title=title)
        assert done.returncode == 0, done.stderr
    site.wait_for_event(study_uid, "delivered")
    sources = {header.SOPInstanceUID for header in headers}
    results = [item for item in site.archive.instances(study_uid) if item.sop_instance_uid not in sources]
    return Examination(paths, headers, site.fetch(results, tmp_path_factory.mktemp("results")))


def test_results_arrive_in_the_source_study(examination: Examination) -> None:
    assert {name: result.dataset.Modality for name, result in examination.results.items()} == {
        LESIONS: "SEG",
        REGIONS: "SEG",
        REPORT: "SR",
        SUMMARY: "OT",
    }
    source = examination.headers[0]
    for result in examination.results.values():
        for keyword in IDENTIFIERS:
            assert result.dataset.get(keyword) == source.get(keyword), keyword
        assert result.dataset.SeriesInstanceUID != source.SeriesInstanceUID


@pytest.mark.parametrize("name", SEGMENTATIONS)
def test_segmentation_lies_on_the_planes_of_the_series(examination: Examination, name: str) -> None:
    segmentation = highdicom.seg.segread(examination.results[name].path)
    assert segmentation.FrameOfReferenceUID == examination.headers[0].FrameOfReferenceUID
    assert (segmentation.Rows, segmentation.Columns) == (examination.headers[0].Rows, examination.headers[0].Columns)
    planes = {header.SOPInstanceUID: header for header in examination.headers}
    for frame in segmentation.PerFrameFunctionalGroupsSequence:
        (derivation,) = frame.DerivationImageSequence
        (image,) = derivation.SourceImageSequence
        source = planes[image.ReferencedSOPInstanceUID]
        position = frame.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(floats(position), floats(source.ImagePositionPatient), rtol=0, atol=TOLERANCE)
    shared = segmentation.SharedFunctionalGroupsSequence[0]
    for header in examination.headers:
        orientation = shared.PlaneOrientationSequence[0].ImageOrientationPatient
        np.testing.assert_allclose(floats(orientation), floats(header.ImageOrientationPatient), rtol=0, atol=TOLERANCE)
        assert floats(shared.PixelMeasuresSequence[0].PixelSpacing) == pytest.approx(floats(header.PixelSpacing))


def test_regions_are_where_the_head_is(examination: Examination) -> None:
    segmentation = highdicom.seg.segread(examination.results[REGIONS].path)
    # Seen through the references to the source, not through positions: these two must agree.
    masks = segmentation.get_pixels_by_source_instance(
        [str(header.SOPInstanceUID) for header in examination.headers],
        combine_segments=True,
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    inside = np.concatenate(
        [
            dcmread(path).pixel_array[mask > 0]
            for path, mask in zip(examination.paths, masks, strict=True)
            if np.any(mask)
        ]
    )
    outside = dcmread(examination.paths[0]).pixel_array
    assert np.median(inside) > 3 * np.median(outside)


def test_route_is_t1_only_and_its_low_reliability_is_told(examination: Examination, site: Site) -> None:
    told = site.show_study(examination.study_uid)
    assert "no T2-FLAIR, T1-weighted is 2 t1_gre_fsp_3d_sag" in told
    assert "inversion time not between 1600 and 2900 ms" in told
    report = examination.results[REPORT].dataset
    # The lesions, and the verdicts of the gates on the input.
    assert {code for name, code in coded_values(report) if name == "Finding"} == {("110701", "DCM"), ("111050", "DCM")}
    assert ("gate-passed", "99GANTRY") in {code for name, code in coded_values(report) if name == "Slice geometry"}
    assert ("low-reliability", "99GANTRY") in {code for _, code in coded_values(report)}
    segment = examination.results[LESIONS].dataset.SegmentSequence[0]
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "110701"


def test_objects_have_no_error_that_the_source_does_not_have(examination: Examination) -> None:
    known = set(dciodvfy_errors(examination.paths[0]))
    for result in examination.results.values():
        assert set(dciodvfy_errors(result.path)) <= known


def test_dcmtk_reads_the_objects(examination: Examination) -> None:
    for result in examination.results.values():
        subprocess.run([dcmtk("dcmdump"), "+L", result.path], check=True, capture_output=True)
    report = subprocess.run(
        [dcmtk("dsrdump"), examination.results[REPORT].path], check=True, capture_output=True, text=True
    )
    assert "Imaging Measurement Report" in report.stdout


def test_same_study_again_gives_no_second_result(examination: Examination, site: Site, tmp_path: Path) -> None:
    before = {item.sop_instance_uid for item in site.archive.instances(examination.study_uid)}
    assert len(before) == len(examination.paths) + len(examination.results)
    arrivals = len(site.events("received"))
    done = storescu(site.port, *examination.paths)
    assert done.returncode == 0, done.stderr
    site.wait_for(lambda: len(site.events("received")) > arrivals)
    site.wait_until_decided(tmp_path)
    assert f"{len(examination.paths)} that were there already" in site.show_study(examination.study_uid)
    (job,) = site.jobs(examination.study_uid)
    assert job["state"] == "delivered"
    assert {item.sop_instance_uid for item in site.archive.instances(examination.study_uid)} == before


def floats(values: Sequence[object]) -> NDArray[np.float64]:
    return np.array([float(str(value)) for value in values])


def coded_values(report: Dataset) -> list[tuple[str, tuple[str, str]]]:
    """Concept name and code of every CODE item of a report's content tree."""
    found = []
    for item in report.get("ContentSequence", ()):
        if item.ValueType == "CODE":
            code = item.ConceptCodeSequence[0]
            # A value of more than 16 characters is a Long Code Value (PS3.3 section 8.1).
            value = code.get("CodeValue") or code.LongCodeValue
            found.append((item.ConceptNameCodeSequence[0].CodeMeaning, (value, code.CodingSchemeDesignator)))
        found += coded_values(item)
    return found
