"""Every object class against the phantom's truth and against readers that are not ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from operators.read.study import read_study
from operators.read.volume import read_volumes, stacked
from phantoms.volumes.common import WrittenVolume
from phantoms.volumes.enhanced_ct import write_enhanced_ct
from phantoms.volumes.enhanced_mr import write_enhanced_mr
from phantoms.volumes.enhanced_pet import write_enhanced_pet
from phantoms.volumes.legacy import convert_to_legacy
from phantoms.volumes.mosaic import write_mosaic
from phantoms.volumes.nuclear import write_nm
from phantoms.volumes.single_frame import write_ct, write_mr, write_pet
from tests.operators.read.second_readers import (
    DCM2NIIX,
    assert_same,
    by_dcm2niix,
    by_highdicom,
    by_itk,
    by_nibabel,
    volume_of,
)
from tests.operators.read.slices import AXIAL, ramp, rotated

OBLIQUE = rotated(AXIAL, 20.0, (1.0, 0.4, 0.2))
SAGITTAL = np.array([[0.0, 0, -2.5, -30], [0.9, 0, 0, -40], [0, -1.1, 0, 50], [0, 0, 0, 1]])
SHAPE = (7, 8, 10)
SLOPES = np.linspace(0.5, 2.0, 7).tolist()
ORDER = [3, 1, 2, 0, 6, 5, 4]
MODALITIES = {"CT": write_ct, "MR": write_mr}


def reversed_slices(affine: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same slices' planes, stacked against their normal."""
    backwards = affine.copy()
    backwards[:3, 2] *= -1
    return backwards


def write(kind: str, folder: Path, affine: NDArray[np.float64]) -> WrittenVolume:
    if kind == "CT":
        return write_ct(folder, ramp("u2", SHAPE), affine)
    if kind == "MR":
        return write_mr(folder, ramp("u2", SHAPE), affine)
    if kind == "PT":
        return write_pet(folder, ramp("i2", SHAPE), affine, slopes=SLOPES)
    if kind == "NM":
        return write_nm(folder, ramp("u2", SHAPE), affine)
    if kind == "enhanced CT":
        return write_enhanced_ct(folder, ramp("u2", SHAPE), affine, order=ORDER)
    if kind == "enhanced MR":
        return write_enhanced_mr(folder, ramp("u2", SHAPE), affine, order=ORDER)
    if kind == "enhanced PT":
        return write_enhanced_pet(folder, ramp("i2", SHAPE), affine, slopes=SLOPES, order=ORDER)
    single = write(kind.removeprefix("legacy "), folder.parent / "single", affine)
    path = convert_to_legacy(single.paths, folder)
    return WrittenVolume(folder, (path,), single.array, affine)


KINDS = (
    ["CT", "MR", "PT", "NM", "enhanced CT", "enhanced MR", "enhanced PT"]
    + [f"legacy {modality}" for modality in ("CT", "MR", "PT")]
)  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("affine", [AXIAL, OBLIQUE, SAGITTAL], ids=["axial", "oblique", "sagittal"])
@pytest.mark.parametrize("kind", KINDS)
def test_voxels_and_affine_are_the_truth_and_those_of_other_readers(
    tmp_path: Path, kind: str, affine: NDArray[np.float64]
) -> None:
    written = write(kind, tmp_path / "series", affine)
    volume = volume_of(written.folder)

    np.testing.assert_array_equal(volume.array, written.array.astype(volume.array.dtype))
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-9)
    if kind in ("CT", "MR", "PT", "NM"):
        # ITK takes the type of the first slice's rescale: float where that is fractional.
        assert_same(volume, *by_itk(written.paths), rtol=1e-6)
    if kind.startswith(("enhanced", "legacy")):
        assert_same(volume, *by_highdicom(written.paths[0]), rtol=1e-6)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_a_stack_written_against_its_normal_is_turned(tmp_path: Path, kind: str) -> None:
    written = write(kind, tmp_path / "series", reversed_slices(OBLIQUE))
    volume = volume_of(written.folder)
    np.testing.assert_array_equal(volume.array, written.array[::-1].astype(volume.array.dtype))
    assert_same(volume, written.array, written.affine, rtol=1e-6)
    if kind == "NM":
        # Here the sign of Spacing Between Slices decides.
        assert_same(volume, *by_itk(written.paths))
    assert np.linalg.det(volume.affine[:3, :3]) > 0


@pytest.mark.peer
@pytest.mark.skipif(not DCM2NIIX.exists(), reason="dcm2niix is not installed")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["CT", "MR", "PT", "enhanced CT", "enhanced MR"])
def test_dcm2niix_agrees(tmp_path: Path, kind: str) -> None:
    written = write(kind, tmp_path / "series", OBLIQUE)
    # NIfTI holds the affine in float32.
    assert_same(volume_of(written.folder), *by_dcm2niix(written.folder, tmp_path / "nifti"), rtol=1e-5)


@pytest.mark.parametrize("affine", [AXIAL, OBLIQUE, SAGITTAL, reversed_slices(OBLIQUE)])
@pytest.mark.parametrize("slices", [4, 7, 9])
def test_a_mosaic_is_read_as_nibabel_reads_it(tmp_path: Path, affine: NDArray[np.float64], slices: int) -> None:
    first = ramp("u2", (slices, 8, 10))
    written = write_mosaic(tmp_path / "series", np.stack([first, first[::-1] + 7]), affine, b_values=[0, 1000])
    (series,) = read_study(written.folder).series
    volumes = read_volumes(series)

    assert [volume.label["b_value"] for volume in volumes] == [0.0, 1000.0]
    assert stacked(volumes).base is None
    assert [len(volume.instances) for volume in volumes] == [1, 1]
    for volume, path, truth in zip(volumes, written.paths, written.array, strict=True):
        assert_same(volume, truth, affine)
        assert_same(volume, *by_nibabel(path))


@pytest.mark.peer
@pytest.mark.skipif(not DCM2NIIX.exists(), reason="dcm2niix is not installed")
def test_a_mosaic_is_read_as_dcm2niix_reads_it(tmp_path: Path) -> None:
    first = ramp("u2", (7, 8, 10))
    written = write_mosaic(tmp_path / "series", np.stack([first, first[::-1] + 7]), OBLIQUE, b_values=[0, 1000])
    (series,) = read_study(written.folder).series
    array, affine = by_dcm2niix(written.folder, tmp_path / "nifti")
    for volume, other in zip(read_volumes(series), array, strict=True):
        assert_same(volume, other, affine)


def test_a_gated_tomogram_has_a_volume_for_each_time_slot(tmp_path: Path) -> None:
    first = ramp("u2", SHAPE)
    written = write_nm(tmp_path, np.stack([first, first + 1, first + 2]), OBLIQUE, time_slots=3)
    (series,) = read_study(tmp_path).series
    volumes = read_volumes(series)
    assert [volume.label for volume in volumes] == [{"time_slot": 1.0}, {"time_slot": 2.0}, {"time_slot": 3.0}]
    np.testing.assert_array_equal(stacked(volumes), written.array)
    assert volumes[2].slices[3].name == "instance 1 frame 18"
