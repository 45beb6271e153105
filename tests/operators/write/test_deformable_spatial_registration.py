"""Deformable Spatial Registration: the displacement field comes back, and resampling with it finds the right points."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
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

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.deformable_spatial_registration import Deformation, write_deformable_spatial_registration
from operators.write.transforms.space import AtlasSpace, SeriesSpace
from operators.write.transforms.vector_grid import DisplacementField
from tests.operators.write.studies import as_series, make_volume
from tests.operators.write.test_spatial_registration import ICBM_152, moving_volume, turned
from tests.peers import dcmtk

OUTPUT = OutputPart(object="deformable_spatial_registration", title="T1 to FLAIR, bent", series_number=9011)


def smooth_field(shape: tuple[int, int, int], seed: int = 0) -> NDArray[np.float64]:
    """Displacements of up to about 12 mm, different along every axis."""
    slices, rows, columns = np.meshgrid(*(np.linspace(0, 1, count) for count in shape), indexing="ij")
    phases = np.random.default_rng(seed).uniform(0, 6, 3)
    return np.stack(
        [
            12 * np.sin(2 * columns + phases[0]) * rows,
            7 * np.cos(3 * rows + phases[1]) + slices,
            5 * slices * columns + np.sin(phases[2]),
        ],
        axis=-1,
    )


def field_of(item: Dataset) -> sitk.Image:
    """The displacements of an item as SimpleITK's image, from what PS3.3 C.20.3.1.1 says of the attributes."""
    (grid,) = item.DeformableRegistrationGridSequence
    columns, rows, slices = grid.GridDimensions
    row, column = np.reshape(np.array(grid.ImageOrientationPatient, dtype=float), (2, 3))
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(slices, rows, columns, 3)
    image = sitk.GetImageFromArray(vectors.astype(float), isVector=True)
    image.SetOrigin([float(value) for value in grid.ImagePositionPatient])
    image.SetSpacing([float(value) for value in grid.GridResolution])
    image.SetDirection(np.stack([row, column, np.cross(row, column)], axis=1).ravel().tolist())
    return image


def matrix_in(item: Dataset, keyword: str) -> NDArray[np.float64]:
    if keyword not in item:
        return np.eye(4)
    (holder,) = item[keyword].value
    return np.array([float(value) for value in holder.FrameOfReferenceTransformationMatrix]).reshape(4, 4)


@pytest.mark.parametrize("orientation", ["axial", "oblique", "sagittal"])
@pytest.mark.parametrize("reversed_order", [False, True])
def test_simpleitk_finds_the_source_of_every_voxel(
    tmp_path: Path,
    analysis: Analysis,
    validate: Callable[[Path], None],
    orientation: str,
    reversed_order: bool,
) -> None:
    fixed, moving = make_volume(orientation, reversed_order=reversed_order), moving_volume()
    shape = (4, 5, 6)
    vectors = smooth_field(shape)
    pre, post = turned(3.0, (0.5, 0.25, -1.0)), turned(10.0) @ np.diag([1.02, 0.99, 1.0, 1.0])
    deformation = Deformation(
        SeriesSpace(as_series(moving)),
        DisplacementField(vectors, fixed.affine),
        pre=pre,
        post=post,
        method=codes.DCM.ImageContentBasedAlignment,
        comment="free-form",
    )
    result = write_deformable_spatial_registration(
        "bent", OUTPUT, SeriesSpace(as_series(fixed)), [deformation], analysis
    )
    path = save(result, tmp_path)
    validate(path)
    read = dcmread(path)
    assert read.FrameOfReferenceUID == fixed.frame_of_reference_uid
    (item,) = read.DeformableRegistrationSequence
    assert item.SourceFrameOfReferenceUID == moving.instances[0].header.FrameOfReferenceUID
    assert item.FrameOfReferenceTransformationComment == "free-form"
    assert item.PreDeformationMatrixRegistrationSequence[0].FrameOfReferenceTransformationMatrixType == "RIGID"
    assert item.PostDeformationMatrixRegistrationSequence[0].FrameOfReferenceTransformationMatrixType == "RIGID_SCALE"
    field = sitk.DisplacementFieldTransform(field_of(item))
    before, after = (matrix_in(item, f"{when}DeformationMatrixRegistrationSequence") for when in ("Pre", "Post"))
    for slice_, row, column in np.ndindex(shape):
        point = (fixed.affine @ [column, row, slice_, 1])[:3]
        displacement = np.array(field.TransformPoint(point.tolist())) - point
        expected = post @ np.array([*(pre @ [*point, 1])[:3] + vectors[slice_, row, column], 1])
        found = after @ np.array([*(before @ [*point, 1])[:3] + displacement, 1])
        np.testing.assert_allclose(found[:3], expected[:3], atol=1e-5)


def test_dcmtk_reads_the_same_grid(tmp_path: Path, analysis: Analysis) -> None:
    fixed = make_volume()
    vectors = smooth_field((2, 3, 4)).astype(np.float32)
    deformation = Deformation(SeriesSpace(as_series(moving_volume())), DisplacementField(vectors, fixed.affine))
    path = save(
        write_deformable_spatial_registration("bent", OUTPUT, SeriesSpace(as_series(fixed)), [deformation], analysis),
        tmp_path,
    )
    command = [dcmtk("dcmdump"), "+L", "+P", "0064,0009", "+P", "0064,0007", "+P", "0064,0008", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    data, dimensions, resolution = (line.split()[2] for line in text.splitlines())
    np.testing.assert_array_equal(np.array(data.split("\\"), dtype=np.float32), vectors.ravel())
    assert dimensions == "4\\3\\2"
    np.testing.assert_allclose(np.array(resolution.split("\\"), dtype=float), [1.1, 0.98, 3.0])


def test_into_an_atlas_with_matrices_alone_and_undefined_vectors(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    source = make_volume()
    vectors = smooth_field((3, 4, 5))
    vectors[1, 2, 3] = np.nan
    before = vectors.copy()
    vectors.flags.writeable = False
    deformations = [
        Deformation(SeriesSpace(as_series(source)), DisplacementField(vectors, source.affine), pre=np.eye(4)),
        Deformation(SeriesSpace(as_series(moving_volume())), None, post=turned()),
    ]
    result = write_deformable_spatial_registration("bent", OUTPUT, AtlasSpace(ICBM_152), deformations, analysis)
    path = save(result, tmp_path)
    validate(path)
    bent, straight = dcmread(path).DeformableRegistrationSequence
    # An identity is not written (type 1C).
    assert "PreDeformationMatrixRegistrationSequence" not in bent
    assert "DeformableRegistrationGridSequence" not in straight
    np.testing.assert_allclose(matrix_in(straight, "PostDeformationMatrixRegistrationSequence"), turned(), atol=1e-12)
    stored = np.frombuffer(bent.DeformableRegistrationGridSequence[0].VectorGridData, "<f4").reshape(3, 4, 5, 3)
    assert np.isnan(stored[1, 2, 3]).all()
    assert np.isnan(stored).sum() == 3
    np.testing.assert_array_equal(vectors, before)


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 3),
    seed=st.integers(0, 1000),
    largest=st.floats(0.001, 255),
    spacing=st.tuples(*[st.floats(0.1, 10)] * 3),
    reversed_order=st.booleans(),
)
def test_any_field_comes_back(
    analysis: Analysis,
    shape: tuple[int, int, int],
    seed: int,
    largest: float,
    spacing: tuple[float, float, float],
    reversed_order: bool,
) -> None:
    fixed = make_volume("oblique", shape, spacing=spacing, reversed_order=reversed_order)
    vectors = np.random.default_rng(seed).uniform(-largest, largest, (*shape, 3))
    deformation = Deformation(SeriesSpace(as_series(moving_volume())), DisplacementField(vectors, fixed.affine))
    result = write_deformable_spatial_registration(
        "bent", OUTPUT, SeriesSpace(as_series(fixed)), [deformation], analysis
    )
    field = field_of(result.DeformableRegistrationSequence[0])
    for slice_, row, column in np.ndindex(shape):
        point = (fixed.affine @ [column, row, slice_, 1])[:3]
        index = field.TransformPhysicalPointToContinuousIndex(point.tolist())
        np.testing.assert_allclose(index, np.round(index), atol=1e-6)
        found = field.GetPixel([round(value) for value in index])
        np.testing.assert_allclose(found, vectors[slice_, row, column], rtol=0, atol=1e-5)


def test_what_cannot_be_right_is_an_error(analysis: Analysis) -> None:
    fixed, moving = make_volume(), SeriesSpace(as_series(moving_volume()))
    vectors = smooth_field((3, 4, 5))

    def write(
        vectors: NDArray[np.generic] = vectors, affine: NDArray[np.float64] = fixed.affine, **changes: object
    ) -> None:
        field = DisplacementField(vectors, affine)  # type: ignore[arg-type]
        deformation = Deformation(moving, field, **changes)  # type: ignore[arg-type]
        into = SeriesSpace(as_series(fixed))
        write_deformable_spatial_registration("bent", OUTPUT, into, [deformation], analysis)

    with pytest.raises(ValueError, match="slice, row, column, 3"):
        write(vectors[..., :2])
    with pytest.raises(ValueError, match="of floats"):
        write(vectors.astype(np.int16))
    half = vectors.copy()
    half[0, 0, 0, 1] = np.nan
    with pytest.raises(ValueError, match="all three"):
        write(half)
    half[0, 0, 0, 1] = np.inf
    with pytest.raises(ValueError, match="infinite"):
        write(half)
    sheared = fixed.affine.copy()
    sheared[0, 2] = 1.0
    with pytest.raises(ValueError, match="perpendicular"):
        write(affine=sheared)
    with pytest.raises(ValueError, match="without length"):
        write(affine=fixed.affine @ np.diag([1, 0, 1, 1]))
    with pytest.raises(ValueError, match="last row"):
        write(affine=fixed.affine.T)
    with pytest.raises(ValueError, match="before the deformation"):
        write(pre=np.eye(3))
    with pytest.raises(ValueError, match="comment"):
        write(comment="long " * 20)
    with pytest.raises(ValueError, match="needs a displacement field"):
        write_deformable_spatial_registration("bent", OUTPUT, moving, [Deformation(moving, None)], analysis)
