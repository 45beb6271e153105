"""Spatial Registration: the matrix's direction, checked by applying it to points in independent readers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import UltrasoundMultiFrameImageStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis, uid_from_text
from operators.read.study import Instance
from operators.read.volume import Volume
from operators.write.base.result import save
from operators.write.spatial_registration import Registration, write_spatial_registration
from operators.write.transforms.space import AtlasSpace, ImageSpace, SeriesSpace
from tests.operators.write.studies import as_series, make_volume, patient
from tests.peers import dcmtk

OUTPUT = OutputPart(object="spatial_registration", title="T1 to FLAIR", series_number=9010)
ICBM_152 = "1.2.840.10008.1.4.1.18"


def turned(degrees: float = 20.0, translation: tuple[float, float, float] = (12.5, -3.25, 40.0)) -> NDArray[np.float64]:
    turn = sitk.VersorTransform([0.6, 0.0, 0.8], float(np.radians(degrees)))
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(turn.GetMatrix()).reshape(3, 3)
    matrix[:3, 3] = translation
    return matrix


def moving_volume(study: str = "test/study") -> Volume:
    identity = patient(StudyInstanceUID=uid_from_text(study))
    volume = make_volume("sagittal", (4, 6, 5), number=7, description="T1", identity=identity)
    for instance in volume.instances:
        instance.header.FrameOfReferenceUID = uid_from_text("test/another frame of reference")
    return volume


def plain_image(number: int, frames: int | None = None) -> Instance:
    (instance,) = make_volume("axial", (1, 10, 12), number=number).instances
    header = deepcopy(instance.header)
    for keyword in ("FrameOfReferenceUID", "PositionReferenceIndicator", "ImagePositionPatient"):
        delattr(header, keyword)
    if frames is not None:
        header.SOPClassUID, header.NumberOfFrames = UltrasoundMultiFrameImageStorage, frames
    return Instance(instance.path, header, instance.file_meta)


def matrix_of(item: Dataset) -> NDArray[np.float64]:
    (registration,) = item.MatrixRegistrationSequence
    (matrix,) = registration.MatrixSequence
    return np.array([float(value) for value in matrix.FrameOfReferenceTransformationMatrix]).reshape(4, 4)


def dumped_matrices(path: Path) -> list[list[str]]:
    """The matrices as DCMTK reads them."""
    done = subprocess.run(
        [dcmtk("dcmdump"), "+L", "+P", "3006,00c6", str(path)], capture_output=True, text=True, check=True
    )
    return [found.split("\\") for found in re.findall(r"\[(.*?)\]", done.stdout)]


def test_points_of_the_moving_images_come_to_lie_in_the_fixed_space(tmp_path: Path, analysis: Analysis) -> None:
    fixed, moving = make_volume("oblique"), moving_volume()
    matrix = turned()
    registration = Registration(SeriesSpace(as_series(moving)), matrix, codes.DCM.ImageContentBasedAlignment, "mutual")
    path = save(
        write_spatial_registration("registration", OUTPUT, SeriesSpace(as_series(fixed)), [registration], analysis),
        tmp_path,
    )
    read = dcmread(path)
    assert read.FrameOfReferenceUID == fixed.frame_of_reference_uid
    own, other = read.RegistrationSequence
    assert own.FrameOfReferenceUID == fixed.frame_of_reference_uid
    assert other.FrameOfReferenceUID == moving.instances[0].header.FrameOfReferenceUID
    np.testing.assert_array_equal(matrix_of(own), np.eye(4))
    assert [item.ReferencedSOPInstanceUID for item in other.ReferencedImageSequence] == [
        instance.sop_instance_uid for instance in moving.instances
    ]

    # SimpleITK: the corner of the moving image, taken to the fixed space by the text that stands in the file.
    transform = sitk.AffineTransform(3)
    numbers = np.array(dumped_matrices(path)[1], dtype=float).reshape(4, 4)
    transform.SetMatrix(numbers[:3, :3].ravel().tolist())
    transform.SetTranslation(numbers[:3, 3].tolist())
    for voxel in ([0, 0, 0, 1], [4, 5, 3, 1]):
        point = moving.affine @ voxel
        np.testing.assert_allclose(transform.TransformPoint(point[:3].tolist()), (matrix @ point)[:3], atol=1e-9)


def test_the_type_of_the_matrix_says_what_it_does(analysis: Analysis) -> None:
    sheared = np.eye(4)
    sheared[0, 1] = 0.25
    mirrored = np.diag([-1.0, 1.0, 1.0, 1.0])
    scaled = turned() @ np.diag([1.1, 0.9, 1.0, 1.0])
    for matrix, expected in (
        (turned(), "RIGID"),
        (turned().astype(np.float32).astype(np.float64), "RIGID"),
        (scaled, "RIGID_SCALE"),
        (sheared, "AFFINE"),
        (mirrored, "AFFINE"),
    ):
        registration = Registration(SeriesSpace(as_series(moving_volume())), matrix)
        fixed = SeriesSpace(as_series(make_volume()))
        result = write_spatial_registration("registration", OUTPUT, fixed, [registration], analysis)
        found = result.RegistrationSequence[1].MatrixRegistrationSequence[0]
        assert found.MatrixSequence[0].FrameOfReferenceTransformationMatrixType == expected
        # Type 2: empty where the method is not told.
        assert list(found.RegistrationTypeCodeSequence) == []


def test_several_registrations_of_series_atlas_and_another_study(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    fixed, prior = make_volume(), moving_volume("test/prior study")
    registrations = [
        Registration(SeriesSpace(as_series(prior)), turned(5.0), codes.DCM.ImageContentBasedAlignment),
        Registration(AtlasSpace(ICBM_152), turned(8.0) @ np.diag([1.1, 1.1, 1.1, 1.0]), comment="affine"),
    ]
    result = write_spatial_registration("reg", OUTPUT, SeriesSpace(as_series(fixed)), registrations, analysis)
    path = save(result, tmp_path)
    validate(path)
    read = dcmread(path)
    (own,) = read.ReferencedSeriesSequence
    assert own.SeriesInstanceUID == fixed.instances[0].header.SeriesInstanceUID
    (other,) = read.StudiesContainingOtherReferencedInstancesSequence
    assert other.StudyInstanceUID == prior.instances[0].header.StudyInstanceUID
    assert len(other.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 4
    *_, atlas = read.RegistrationSequence
    assert atlas.FrameOfReferenceUID == ICBM_152
    assert "ReferencedImageSequence" not in atlas
    np.testing.assert_allclose(matrix_of(atlas), registrations[1].matrix, atol=1e-12)
    assert read.StudyInstanceUID == fixed.instances[0].header.StudyInstanceUID


def test_into_an_atlas(tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]) -> None:
    moving = moving_volume()
    registration = Registration(SeriesSpace(as_series(moving)), turned())
    path = save(write_spatial_registration("reg", OUTPUT, AtlasSpace(ICBM_152), [registration], analysis), tmp_path)
    validate(path)
    read = dcmread(path)
    assert read.FrameOfReferenceUID == ICBM_152
    assert read.PatientID == moving.instances[0].header.PatientID
    assert len(read.RegistrationSequence) == 2


def test_images_without_frame_of_reference(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    first, second = plain_image(11), plain_image(12, frames=3)
    moved = np.eye(4)
    moved[:2, 3] = 4.5, -2.25
    result = write_spatial_registration(
        "reg", OUTPUT, ImageSpace(first), [Registration(ImageSpace(second, frame=2), moved)], analysis
    )
    path = save(result, tmp_path)
    validate(path)
    read = dcmread(path)
    # The fixed image founds a new frame of reference, in which its top left pixel is the origin.
    assert read.FrameOfReferenceUID == analysis.uid("reg/frame of reference")
    own, other = read.RegistrationSequence
    assert "FrameOfReferenceUID" not in own
    assert "FrameOfReferenceUID" not in other
    assert own.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.sop_instance_uid
    assert "ReferencedFrameNumber" not in own.ReferencedImageSequence[0]
    assert other.ReferencedImageSequence[0].ReferencedFrameNumber == 2
    np.testing.assert_array_equal(matrix_of(other), moved)


@settings(deadline=None, max_examples=40)
@given(
    axis=st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda axis: np.linalg.norm(axis) > 0.1),
    degrees=st.floats(-180, 180),
    translation=st.tuples(*[st.floats(-900, 900)] * 3),
    scales=st.tuples(*[st.floats(0.2, 5)] * 3),
)
def test_any_matrix_comes_back(
    analysis: Analysis,
    axis: tuple[float, ...],
    degrees: float,
    translation: tuple[float, ...],
    scales: tuple[float, ...],
) -> None:
    matrix = np.eye(4)
    versor = sitk.VersorTransform(axis, float(np.radians(degrees)))
    matrix[:3, :3] = np.array(versor.GetMatrix()).reshape(3, 3) * scales
    matrix[:3, 3] = translation
    registration = Registration(SeriesSpace(as_series(moving_volume())), matrix)
    fixed = SeriesSpace(as_series(make_volume()))
    result = write_spatial_registration("registration", OUTPUT, fixed, [registration], analysis)
    found = matrix_of(result.RegistrationSequence[1])
    corners = np.array([[x, y, z, 1] for x in (-500, 500) for y in (-500, 500) for z in (-900, 900)], dtype=float)
    assert np.abs(corners @ found.T - corners @ matrix.T).max() < 1e-7
    (inner,) = result.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence
    assert all(len(str(value)) <= 16 for value in inner.FrameOfReferenceTransformationMatrix)


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    fixed, moving = SeriesSpace(as_series(make_volume())), SeriesSpace(as_series(moving_volume()))

    def write(*registrations: Registration, into: SeriesSpace | AtlasSpace | ImageSpace = fixed) -> None:
        write_spatial_registration("registration", OUTPUT, into, registrations, analysis)

    with pytest.raises(ValueError, match="no registration"):
        write()
    with pytest.raises(ValueError, match="4 x 4"):
        write(Registration(moving, np.eye(3)))
    with pytest.raises(ValueError, match="4 x 4"):
        write(Registration(moving, np.full((4, 4), np.nan)))
    with pytest.raises(ValueError, match="last row"):
        write(Registration(moving, turned().T))
    with pytest.raises(ValueError, match="inverted"):
        write(Registration(moving, np.diag([1.0, 1.0, 0.0, 1.0])))
    with pytest.raises(ValueError, match="registered twice"):
        write(Registration(fixed, turned()))
    with pytest.raises(ValueError, match="comment"):
        write(Registration(moving, turned(), comment="long " * 20))
    with pytest.raises(ValueError, match="has a Frame of Reference"):
        write(Registration(ImageSpace(make_volume(number=8).instances[0]), turned()))
    with pytest.raises(ValueError, match="say which one"):
        write(Registration(ImageSpace(plain_image(9, frames=2)), turned()))
    with pytest.raises(ValueError, match="not a frame 3"):
        write(Registration(ImageSpace(plain_image(9, frames=2), frame=3), turned()))
    with pytest.raises(ValueError, match="nobody knows whose"):
        write(Registration(AtlasSpace(ICBM_152), turned()), into=AtlasSpace("1.2.840.10008.1.4.1.1"))
    with pytest.raises(ValueError, match="UID, which is empty"):
        write(Registration(AtlasSpace(""), turned()))
    stranger = make_volume(number=8, identity=patient(PatientID="P-0816"))
    with pytest.raises(ValueError, match="2 patients"):
        write(Registration(SeriesSpace(as_series(stranger)), turned()))
    torn = moving_volume()
    torn.instances[2].header.FrameOfReferenceUID = "1.2.3"
    with pytest.raises(ValueError, match="in no single space"):
        write(Registration(SeriesSpace(as_series(torn)), turned()))
