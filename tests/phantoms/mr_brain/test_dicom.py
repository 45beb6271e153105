from __future__ import annotations

import shutil
import subprocess
from datetime import date
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread

from phantoms.identity import Patient, order_of
from phantoms.mr_brain import BrainMRPhantom, BrainMRStudy, simulate_brain_mr, write_brain_mr, write_localizer

DCIODVFY = shutil.which("dciodvfy")


@pytest.fixture(scope="module")
def written(small_phantom: BrainMRPhantom, tmp_path_factory: pytest.TempPathFactory) -> BrainMRStudy:
    return write_brain_mr(small_phantom, tmp_path_factory.mktemp("study"))


@pytest.mark.parametrize("sequence", ["FLAIR", "T1"])
def test_another_reader_finds_the_same_voxels_at_the_same_place(written: BrainMRStudy, sequence: str) -> None:
    series = written.series[sequence]
    reader = SimpleITK.ImageSeriesReader()
    files = reader.GetGDCMSeriesFileNames(str(series.paths[0].parent), series.series_uid)
    assert [Path(file) for file in files] == list(series.paths), "instances are in slice order"
    reader.SetFileNames(files)
    image = reader.Execute()
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), series.acquisition.array)
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * image.GetSpacing()
    affine[:3, 3] = image.GetOrigin()
    np.testing.assert_allclose(affine, series.acquisition.affine, atol=1e-4)


def test_headers_name_the_sequences(written: BrainMRStudy) -> None:
    flair, t1 = (dcmread(written.series[sequence].paths[0]) for sequence in ("FLAIR", "T1"))
    assert (flair.RepetitionTime, flair.EchoTime, flair.InversionTime) == (9000, 120, 2500)
    assert (t1.RepetitionTime, t1.EchoTime, t1.InversionTime) == (2300, 2.98, 900)
    assert (flair.MRAcquisitionType, t1.MRAcquisitionType) == ("2D", "3D")
    for instance in (flair, t1):
        assert list(instance.ImageType[:2]) == ["ORIGINAL", "PRIMARY"]
        assert instance.BodyPartExamined == "HEAD"
        assert instance.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert instance.FrameOfReferenceUID == written.frame_of_reference_uid
        assert instance.StudyInstanceUID == written.study_uid
        assert (instance.BitsStored, instance.PixelRepresentation) == (12, 0)
        row, column = np.split(np.array(instance.ImageOrientationPatient, float), 2)
        assert abs(row @ column) < 1e-6


def test_order_and_patient_are_in_every_object(written: BrainMRStudy) -> None:
    for path in written.paths:
        instance = dcmread(path, stop_before_pixels=True)
        assert instance.AccessionNumber == "ACC000001"
        assert instance.StudyID == "S000001"
        assert instance.ReferringPhysicianName == "Referring^Rita"
        request = instance.RequestAttributesSequence[0]
        assert request.RequestedProcedureID == "RP000001"
        assert request.ScheduledProcedureStepID == "SPS000001"
        assert instance.PatientID == "PHANTOM000001"
        assert instance.IssuerOfPatientID == "GANTRY PHANTOMS"
        assert instance.PatientAge[:3].isdigit()
        assert instance.PatientAge[3] == "Y"
        assert 1.3 < instance.PatientSize < 2.1
        assert 40 < instance.PatientWeight < 150


@pytest.mark.parametrize(
    ("character_set", "name"),
    [("ISO_IR 100", "Müller^Jürgen"), ("ISO_IR 192", "Yamada^Tarou=山田^太郎=やまだ^たろう")],
)
def test_names_keep_their_characters(
    small_phantom: BrainMRPhantom, tmp_path: Path, character_set: str, name: str
) -> None:
    patient = Patient("P1", name, date(1950, 2, 3), "M", 1.8, 80.0)
    study = write_brain_mr(
        small_phantom,
        tmp_path,
        sequences=["FLAIR"],
        patient=patient,
        order=order_of(7, "MR Schädel" if character_set == "ISO_IR 100" else "頭部MR"),
        character_set=character_set,
    )
    assert list(study.series) == ["FLAIR"]
    instance = dcmread(study.paths[0])
    assert instance.SpecificCharacterSet == character_set
    assert str(instance.PatientName) == name
    assert name.encode("latin-1" if character_set == "ISO_IR 100" else "utf-8") in study.paths[0].read_bytes()


def test_uids_follow_from_the_phantom(small_phantom: BrainMRPhantom, tmp_path: Path) -> None:
    first = write_brain_mr(small_phantom, tmp_path / "first")
    again = write_brain_mr(small_phantom, tmp_path / "again")
    salted = write_brain_mr(small_phantom, tmp_path / "salted", uid_salt="another day")
    other = write_brain_mr(simulate_brain_mr(1, size="small", lesions=[]), tmp_path / "other")
    for one, two in zip(first.paths, again.paths, strict=True):
        assert one.read_bytes() == two.read_bytes()
    uids = [
        {study.study_uid, study.frame_of_reference_uid}
        | {uid for series in study.series.values() for uid in (series.series_uid, *series.sop_instance_uids)}
        for study in (first, salted, other)
    ]
    assert not uids[0] & uids[1]
    assert not uids[0] & uids[2]
    assert len(uids[0]) == 2 + 2 + len(first.paths)
    assert all(uid.startswith("2.25.") and uid.is_valid for uid in uids[0])


def test_the_localizer_lies_in_three_planes(small_phantom: BrainMRPhantom, tmp_path: Path) -> None:
    study = write_brain_mr(small_phantom, tmp_path)
    images = [dcmread(path) for path in write_localizer(study)]
    assert len({image.SeriesInstanceUID for image in images}) == 1
    assert images[0].SeriesInstanceUID not in {series.series_uid for series in study.series.values()}
    normals = []
    t1 = study.phantom.t1
    for image in images:
        row, column = np.split(np.array(image.ImageOrientationPatient, float), 2)
        normals.append(np.abs(np.cross(row, column)))
        # A pixel of the localizer is the T1's voxel at that position.
        position = np.array(image.ImagePositionPatient, float) + 20 * image.PixelSpacing[0] * column
        position += 30 * image.PixelSpacing[1] * row
        x, y, z = np.rint(np.linalg.solve(t1.affine, [*position, 1])[:3]).astype(int)
        assert image.pixel_array[20, 30] == t1.array[z, y, x]
    np.testing.assert_allclose(np.sum(normals, axis=0), 1, atol=1e-6)


@pytest.mark.peer
@pytest.mark.skipif(DCIODVFY is None, reason="dciodvfy (dicom3tools) is not installed")
def test_dciodvfy_finds_no_error(written: BrainMRStudy) -> None:
    assert DCIODVFY is not None
    files = [paths[index] for paths in (s.paths for s in written.series.values()) for index in (0, len(paths) // 2)]
    for file in [*files, *write_localizer(written)]:
        report = subprocess.run([DCIODVFY, str(file)], capture_output=True, text=True, check=False)
        assert "MRImage" in report.stderr + report.stdout
        assert "Error" not in report.stderr + report.stdout
