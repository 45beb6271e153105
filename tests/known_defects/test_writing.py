"""Defects D13 to D28 and weaknesses W1 to W9 of the list in docs/reading.md, where no other test shows them."""

from __future__ import annotations

import logging
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import trimesh
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian

from operators.manifest import OutputPart
from operators.measure.measurement import Measurement, MeasurementGroup, SegmentReference
from operators.provenance import Analysis
from operators.read.selection import require_series
from operators.read.study import Study, read_study
from operators.read.volume import Volume, read_volume
from operators.write.base.result import save
from operators.write.encapsulated_document import write_encapsulated_stl
from operators.write.measurement_report import write_measurement_report
from operators.write.pages.montage import axial_tiles
from operators.write.segmentation import write_segmentation
from tests.fuzz.reading import MANIFEST
from tests.operators.read.slices import ramp, write_series
from tests.operators.write.conftest import analysis as analysis
from tests.operators.write.studies import LESION, LESIONS, REPORT, WHITE_MATTER, make_volume, patient, segment

SHAPE = (6, 10, 12)
MODEL = OutputPart(object="encapsulated_stl", title="Surface", series_number=9020)


def some_labels(shape: tuple[int, ...] = SHAPE) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    labels = np.zeros(shape, np.uint8)
    labels[2:4, 3:5, 4] = 1
    return labels


def segmentation(analysis: Analysis, volume: Volume | None = None) -> FileDataset:
    volume = volume or make_volume()
    return write_segmentation(
        "lesions", LESIONS, volume, some_labels(volume.array.shape), [segment(1, "Lesions")], analysis
    )


def report(analysis: Analysis, study: Study, volume: Volume, lesions: Dataset) -> FileDataset:
    group = MeasurementGroup(
        "Lesions",
        LESION,
        (Measurement(codes.SCT.Volume, 4 * volume.voxel_volume, codes.UCUM.CubicMillimeter),),
        finding_site=WHITE_MATTER,
        segment=SegmentReference("lesions", 1),
    )
    sources = [study.series[0]]
    return write_measurement_report("report", REPORT, study, [group], {"lesions": lesions}, sources, analysis)


def content_of(item: Dataset) -> list[Dataset]:
    return list(item.get("ContentSequence", ()))


def named(item: Dataset, code_value: str) -> list[Dataset]:
    return [
        inner
        for inner in content_of(item)
        if inner.get("ConceptNameCodeSequence", [{}])[0].get("CodeValue") == code_value
    ]


def test_d14_a_label_that_does_not_fit_is_an_error_not_another_label(analysis: Analysis) -> None:
    """257 became 1."""
    labels = some_labels().astype(np.int16)
    labels[3, 3, 4] = 257
    with pytest.raises(ValueError, match="uint8"):
        write_segmentation("lesions", LESIONS, make_volume(), labels, [segment(1, "a")], analysis)


def test_d16_d24_what_the_manifest_and_the_algorithm_say_stands_in_the_object(analysis: Analysis) -> None:
    """Series number, description, manufacturer and serial number were random or made up, the body part absent."""
    result = segmentation(analysis)
    assert (result.SeriesNumber, result.SeriesDescription) == (9001, "White matter lesions")
    assert result.Manufacturer == "Gantry"
    assert result.ManufacturerModelName
    assert result.SoftwareVersions
    assert result.DeviceSerialNumber.strip("0")
    assert result.BodyPartExamined == "BRAIN"
    assert result.ContentCreatorName
    again = segmentation(analysis)
    assert (again.SeriesInstanceUID, again.SOPInstanceUID) == (result.SeriesInstanceUID, result.SOPInstanceUID)


def test_d23_the_file_names_its_own_writer_in_explicit_little_endian(tmp_path: Path, analysis: Analysis) -> None:
    """The Implementation Class UID was another product's, the syntax implicit."""
    meta = dcmread(save(segmentation(analysis), tmp_path)).file_meta
    assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert meta.ImplementationClassUID.startswith("2.25.")
    assert str(meta.ImplementationVersionName).startswith("GANTRY")


def test_d25_nothing_of_the_patient_is_logged(
    tmp_path: Path, analysis: Analysis, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whole data sets and attribute values went into the log."""
    write_series(tmp_path, ramp("u2"), PatientName="Secret^Patient", PatientID="P-4711", Modality="MR")
    with caplog.at_level(logging.DEBUG):
        study = read_study(tmp_path)
        require_series(study, MANIFEST)
        volume = read_volume(study.series[0])
        lesions = segmentation(analysis, volume)
        save(lesions, tmp_path)
        save(report(analysis, study, volume, lesions), tmp_path)
    # Whoever logs an object logs its repr.
    said = caplog.text + "".join(capfd.readouterr()) + repr(study) + repr(volume)
    assert "Secret" not in said
    assert "4711" not in said


def test_d26_a_missing_pdf_library_is_not_a_wrong_pdf() -> None:
    """It was reported as "Not PDF bytes"."""
    program = "import sys; sys.modules['pikepdf'] = None; import operators.write.encapsulated_document"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode
    assert "ModuleNotFoundError: import of pikepdf" in done.stderr


def test_d27_the_mesh_is_the_box_that_was_marked(analysis: Analysis) -> None:
    """A box of 49 x 29 x 27 mm at (105, 205, 315) became one of 13 x 31 x 152 mm at (1, 3, 13)."""
    volume = make_volume("axial", (16, 40, 60), spacing=(3.0, 1.0, 1.0), origin=(100.0, 200.0, 300.0))
    mask = np.zeros(volume.array.shape, bool)
    mask[5:14, 5:34, 5:54] = True
    result = write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(200, 60, 40))
    mesh = trimesh.load(BytesIO(result.EncapsulatedDocument[: result.EncapsulatedDocumentLength]), file_type="stl")
    assert isinstance(mesh, trimesh.Trimesh)
    np.testing.assert_allclose(mesh.bounds, [(104.5, 204.5, 313.5), (153.5, 233.5, 340.5)], atol=1e-3)
    assert mesh.volume == pytest.approx(49 * 29 * 27, rel=0.02)


def test_d28_a_picture_shows_the_whole_range() -> None:
    """Half of a ramp from -1000 to 1000 was black and a third white."""
    values = np.linspace(-1000, 1000, 24 * 40 * 40).reshape(24, 40, 40).astype(np.int16)
    affine = np.diag([1.0, 1.0, 4.0, 1.0])
    tiles = axial_tiles(values, affine, np.zeros(values.shape, np.uint8), 6)
    shown = np.concatenate([tile.image.ravel() for tile in tiles])
    assert (shown == 0).mean() < 0.1
    assert (shown == 255).mean() < 0.1
    assert shown.min() < 64
    assert shown.max() > 192
    assert len(np.unique(shown)) > 50


def test_w2_any_sex_that_the_source_has_is_kept(tmp_path: Path, analysis: Analysis) -> None:
    volume = make_volume(identity=patient(PatientSex="U"))
    assert dcmread(save(segmentation(analysis, volume), tmp_path)).PatientSex == "U"


def test_w5_the_algorithm_stands_where_the_template_has_it(tmp_path: Path, analysis: Analysis) -> None:
    """TID 1500 row 6 and TID 1411: not among the items of a measurement group."""
    volume_folder = tmp_path / "source"
    write_series(volume_folder, ramp("u2", SHAPE), Modality="MR")
    study = read_study(volume_folder)
    volume = read_volume(study.series[0])
    written = report(analysis, study, volume, segmentation(analysis, volume))
    (measurements,) = named(written, "126010")
    (group,) = named(measurements, "125007")
    assert named(measurements, "111001")
    assert not named(group, "111001")
    (series,) = named(group, "121232")
    assert series.ConceptNameCodeSequence[0].CodeMeaning == "Source series for segmentation"


def test_w6_the_image_library_does_not_repeat_what_images_share(tmp_path: Path, analysis: Analysis) -> None:
    """1,184 kB for 300 images."""
    write_series(tmp_path, ramp("u2", (30, 6, 5)), Modality="MR")
    study = read_study(tmp_path)
    volume = read_volume(study.series[0])
    path = save(report(analysis, study, volume, segmentation(analysis, volume)), tmp_path)
    assert path.stat().st_size < 30 * 600 + 20_000


def test_w9_frames_lie_in_the_order_of_the_slices(analysis: Analysis) -> None:
    result = segmentation(analysis)
    positions = [
        float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
        for frame in result.PerFrameFunctionalGroupsSequence
    ]
    assert positions == sorted(positions)
    assert len(positions) == 2
