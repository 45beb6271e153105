from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    MPEG2MPML,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)

from operators.read.study import read_study
from operators.read.volume import Volume, read_volume
from operators.refused import Reason, Refused
from tests.operators.read.slices import AXIAL, decimals, instance_of, ramp, rotated, save, slice_header, write_series

DCMCJPEG = Path("/usr/bin/dcmcjpeg")

OBLIQUE = rotated(rotated(AXIAL, 10, (1, 0, 0)), -7, (0, 0, 1))
SAGITTAL = np.array([[0, 0, -3.0, 40], [0.9, 0, 0, -50], [0, -1.2, 0, 60], [0, 0, 0, 1.0]])
CORONAL = np.array([[0.9, 0, 0, -40], [0, 0, 3.0, -50], [0, -1.2, 0, 60], [0, 0, 0, 1.0]])


def volume_of(folder: Path) -> Volume:
    (series,) = read_study(folder).series
    return read_volume(series)


def read_by_itk(paths: Sequence[Path]) -> tuple[NDArray[Any], NDArray[np.float64]]:
    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in paths])
    image = reader.Execute()
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return SimpleITK.GetArrayFromImage(image), affine


@pytest.mark.parametrize("affine", [AXIAL, OBLIQUE, SAGITTAL, CORONAL], ids=["axial", "oblique", "sagittal", "coronal"])
@pytest.mark.parametrize("order", ["as numbered", "reversed", "shuffled"])
def test_voxels_and_affine_are_those_of_itk(tmp_path: Path, affine: NDArray[np.float64], order: str) -> None:
    array = ramp("u2", (7, 6, 5))
    paths = write_series(tmp_path, array, affine)
    numbers = {"as numbered": range(7), "reversed": range(6, -1, -1), "shuffled": (3, 0, 6, 5, 1, 4, 2)}[order]
    for number, path in zip(numbers, paths, strict=True):
        change_one(path, InstanceNumber=number + 1)

    volume = volume_of(tmp_path)

    itk_array, itk_affine = read_by_itk(paths)
    np.testing.assert_array_equal(volume.array, itk_array)
    np.testing.assert_array_equal(volume.array, array)
    np.testing.assert_allclose(volume.affine, itk_affine, rtol=0, atol=1e-4)
    np.testing.assert_allclose(volume.affine, affine, rtol=0, atol=1e-9)
    assert [instance.path for instance in volume.instances] == paths
    assert volume.voxel_volume == pytest.approx(0.9 * 1.2 * 3.0)
    assert volume.frame_of_reference_uid == volume.instances[0].header.FrameOfReferenceUID


def test_row_and_column_spacing_are_not_swapped(tmp_path: Path) -> None:
    """Defect D3 of the MONAI Deploy App SDK: PixelSpacing is row spacing, then column spacing."""
    write_series(tmp_path, ramp("u2"), PixelSpacing=[2.0, 0.5])
    affine = volume_of(tmp_path).affine
    assert affine[0, 0] == 0.5
    assert affine[1, 1] == 2.0


@pytest.mark.parametrize("dtype", ["u1", "i1", "u2", "i2", "u4", "i4"])
def test_every_integer_type_is_kept(tmp_path: Path, dtype: str) -> None:
    limits = np.iinfo(dtype)
    array = ramp(dtype, start=0, step=1)
    array[0, 0, 0], array[-1, -1, -1] = limits.min, limits.max
    write_series(tmp_path, array)
    volume = volume_of(tmp_path)
    assert volume.array.dtype == array.dtype
    np.testing.assert_array_equal(volume.array, array)


@pytest.mark.parametrize(
    ("stored", "attributes", "expected"),
    [
        ("u2", {"RescaleSlope": 1, "RescaleIntercept": -1024, "BitsStored": 12, "HighBit": 11}, "i2"),
        ("u2", {"RescaleSlope": 1, "RescaleIntercept": -1024}, "i4"),
        ("i2", {"RescaleSlope": 1, "RescaleIntercept": -1024, "BitsStored": 12, "HighBit": 11}, "i2"),
        ("u2", {"RescaleSlope": 2, "RescaleIntercept": 0, "BitsStored": 12, "HighBit": 11}, "u2"),
        ("u1", {"RescaleSlope": 10, "RescaleIntercept": 5}, "u2"),
        ("u2", {"RescaleSlope": -1, "RescaleIntercept": 0, "BitsStored": 12, "HighBit": 11}, "i2"),
        ("u2", {"RescaleSlope": 0.25, "RescaleIntercept": 0}, "f4"),
        ("u2", {"RescaleSlope": 1, "RescaleIntercept": 0.5}, "f4"),
    ],
)
def test_rescaled_values_have_the_smallest_type_that_holds_them(
    tmp_path: Path, stored: str, attributes: dict[str, Any], expected: str
) -> None:
    array = ramp(stored, step=2)
    write_series(tmp_path, array, **attributes)
    volume = volume_of(tmp_path)
    assert volume.array.dtype == np.dtype(expected)
    slope, intercept = attributes["RescaleSlope"], attributes["RescaleIntercept"]
    np.testing.assert_array_equal(volume.array, array.astype(np.float64) * slope + intercept)


def test_the_type_is_that_of_the_volume_not_of_its_first_slice(tmp_path: Path) -> None:
    """Defect D1 of the MONAI Deploy App SDK: a first slice without air made air read 64,536."""
    array = ramp("u2", step=1) + np.uint16(1024)
    array[2:] = 0
    write_series(tmp_path, array, RescaleSlope=1, RescaleIntercept=-1000, BitsStored=12, HighBit=11)
    volume = volume_of(tmp_path)
    assert volume.array[2:].max() == -1000
    assert volume.array[0].min() == 24


def test_a_slope_for_each_slice_is_applied_to_it(tmp_path: Path) -> None:
    """Defect D1 again: in PET each slice has its own slope; a first one of 1 truncates the rest (in ITK too)."""
    array = ramp("i2")
    array[0] = 0
    paths = write_series(tmp_path, array)
    slopes = [1.0, 0.37, 0.52, 1.91]
    for path, slope in zip(paths, slopes, strict=True):
        change_one(path, RescaleSlope=slope, RescaleIntercept=0)
    volume = volume_of(tmp_path)
    assert volume.array.dtype == np.float32
    expected = (array * np.array(slopes)[:, None, None]).astype(np.float32)
    np.testing.assert_array_equal(volume.array, expected)


def test_slices_of_different_sign_share_one_type(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2"))
    signed = -ramp("i2")[1]
    save(instance_of(slice_header(AXIAL, 1, 6, 5), signed), paths[1])
    volume = volume_of(tmp_path)
    assert volume.array.dtype == np.int32
    np.testing.assert_array_equal(volume.array[1], signed)
    np.testing.assert_array_equal(volume.array[2], ramp("u2")[2])


@pytest.mark.parametrize("dtype", ["u2", "i2"])
def test_unused_high_bits_are_not_read_as_values(tmp_path: Path, dtype: str) -> None:
    values = ramp(dtype) - (100 if dtype == "i2" else 0)
    polluted = ((values.astype(np.int32) & 0x0FFF) | 0x5000).astype("u2").view(dtype)
    write_series(tmp_path, polluted, BitsStored=12, HighBit=11)
    np.testing.assert_array_equal(volume_of(tmp_path).array, values)


def test_monochrome1_changes_no_value(tmp_path: Path) -> None:
    """Defect D7 of the MONAI Deploy App SDK: each slice was inverted against its own range."""
    write_series(tmp_path, ramp("u2"), PhotometricInterpretation="MONOCHROME1")
    np.testing.assert_array_equal(volume_of(tmp_path).array, ramp("u2"))


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
@pytest.mark.parametrize("dtype", ["u1", "i2", "u4"])
def test_native_transfer_syntaxes(tmp_path: Path, syntax: str, dtype: str) -> None:
    array = ramp(dtype, (3, 5, 5), step=1)
    stored = array.astype(array.dtype.newbyteorder(">")) if syntax == ExplicitVRBigEndian else array
    pixels = [instance_of(slice_header(AXIAL, index, 5, 5), plane) for index, plane in enumerate(stored)]
    for index, instance in enumerate(pixels):
        if dtype == "u1" and syntax == ExplicitVRBigEndian:
            instance["PixelData"].VR = "OB"
        save(instance, tmp_path / f"{index}.dcm", syntax)
    np.testing.assert_array_equal(volume_of(tmp_path).array, array)


def signed_ramp(dtype: str) -> NDArray[Any]:
    """Values on both sides of zero where the type is signed, within 12 bits."""
    values = ramp("i8", (3, 40, 33), step=1) % min(4096, np.iinfo(dtype).max)
    return (values - 500 if dtype == "i2" else values).astype(dtype)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("u2", 12), ("u2", 16), ("i2", 16)])
def test_compressed_transfer_syntaxes(tmp_path: Path, syntax: str, dtype: str, bits: int) -> None:
    array = signed_ramp(dtype)
    for path in write_series(tmp_path, array, BitsStored=bits, HighBit=bits - 1):
        instance = dcmread(path)
        instance.compress(syntax, generate_instance_uid=False)
        instance.save_as(path)
    np.testing.assert_array_equal(volume_of(tmp_path).array, array)


@pytest.mark.peer
@pytest.mark.skipif(not DCMCJPEG.exists(), reason="DCMTK is not installed")
@pytest.mark.parametrize(("dtype", "bits"), [("u1", 8), ("u2", 12), ("u2", 16), ("i2", 16)])
def test_jpeg_lossless_as_dcmtk_writes_it(tmp_path: Path, dtype: str, bits: int) -> None:
    """Defect D8 of the MONAI Deploy App SDK: the usual syntax of a PACS could not be decoded."""
    array = signed_ramp(dtype)
    for path in write_series(tmp_path / "native", array, BitsStored=bits, HighBit=bits - 1):
        (tmp_path / "jpeg").mkdir(exist_ok=True)
        # +e1: process 14, selection value 1, which is lossless and keeps the UID.
        subprocess.run([DCMCJPEG, "+e1", path, tmp_path / "jpeg" / path.name], check=True, capture_output=True)
    (series,) = read_study(tmp_path / "jpeg").series
    assert series.instances[0].file_meta.TransferSyntaxUID == JPEGLosslessSV1
    np.testing.assert_array_equal(read_volume(series).array, array)


def refusal(folder: Path) -> Refused:
    with pytest.raises(Refused) as refused:
        volume_of(folder)
    return refused.value


def change_one(path: Path, **attributes: Any) -> None:
    instance = dcmread(path)
    for keyword, value in attributes.items():
        setattr(instance, keyword, value)
    instance.save_as(path)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"SamplesPerPixel": 3, "PhotometricInterpretation": "RGB"}, "3 samples per pixel, RGB"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "PALETTE COLOR"),
        ({"NumberOfFrames": 2}, "2 frames"),
        ({"BitsAllocated": 64, "BitsStored": 64}, "64 bits stored in 64"),
        ({"BitsAllocated": None}, "16 bits stored in None"),
        ({"HighBit": 14}, "high bit 14 of 16"),
        ({"Rows": 0}, "no Rows"),
        ({"RescaleSlope": 0, "RescaleIntercept": 0}, "Rescale Slope of 0"),
        ({"ModalityLUTSequence": [Dataset()]}, "Modality LUT"),
    ],
)
def test_an_unsupported_pixel_format_is_refused(tmp_path: Path, attributes: dict[str, Any], said: str) -> None:
    paths = write_series(tmp_path, ramp("u2"))
    change_one(paths[2], **attributes)
    refused = refusal(tmp_path)
    assert refused.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert "instance 3" in refused.detail
    assert said in refused.detail


def test_a_transfer_syntax_without_decoder_is_refused_by_name(tmp_path: Path) -> None:
    for path in write_series(tmp_path, ramp("u2", (3, 40, 33))):
        instance = dcmread(path)
        instance.compress(RLELossless, generate_instance_uid=False)
        instance.file_meta.TransferSyntaxUID = MPEG2MPML
        instance.save_as(path)
    refused = refusal(tmp_path)
    assert refused.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert "MPEG2" in refused.detail


def test_pixels_that_do_not_decode_are_refused(tmp_path: Path) -> None:
    for path in write_series(tmp_path, ramp("u2", (3, 40, 33))):
        instance = dcmread(path)
        instance.compress(JPEG2000Lossless, generate_instance_uid=False)
        # Items of the right length, full of zeros.
        instance.PixelData = encapsulate([bytes(200)])
        instance.save_as(path)
    refused = refusal(tmp_path)
    assert refused.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert "JPEG 2000" in refused.detail


@pytest.mark.parametrize("kept", [-1, -21, -60])
def test_truncated_pixel_data_are_refused_with_their_size(tmp_path: Path, kept: int) -> None:
    """Part of defect D9 of the MONAI Deploy App SDK."""
    paths = write_series(tmp_path, ramp("u2"))
    paths[1].write_bytes(paths[1].read_bytes()[:kept])
    refused = refusal(tmp_path)
    assert refused.reason is Reason.TRUNCATED_PIXEL_DATA
    assert refused.detail == f"instance 2 holds {60 + kept} bytes of pixel data, its header announces 60"


def test_a_file_that_ends_before_its_pixel_data_is_refused(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2"))
    paths[1].write_bytes(paths[1].read_bytes()[:-72])
    refused = refusal(tmp_path)
    assert refused.reason is Reason.TRUNCATED_PIXEL_DATA
    assert "instance 2 has no pixel data" in refused.detail


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLSLossless])
@pytest.mark.parametrize("removed", [5, 8, 40])
def test_truncated_compressed_pixel_data_are_refused(tmp_path: Path, syntax: str, removed: int) -> None:
    for path in write_series(tmp_path, ramp("u2", (3, 40, 33))):
        instance = dcmread(path)
        instance.compress(syntax, generate_instance_uid=False)
        instance.save_as(path)
    path.write_bytes(path.read_bytes()[:-removed])
    refused = refusal(tmp_path)
    assert refused.reason is Reason.TRUNCATED_PIXEL_DATA
    assert "instance 3" in refused.detail


def test_missing_slices_are_noticed(tmp_path: Path) -> None:
    """Defect D4 of the MONAI Deploy App SDK: two of ten slices absent gave eight with a wrong spacing."""
    paths = write_series(tmp_path, ramp("u2", (10, 6, 5)))
    paths[3].unlink()
    paths[7].unlink()
    refused = refusal(tmp_path)
    assert refused.reason is Reason.MISSING_SLICE
    assert refused.detail.startswith("2 of 10 slices are missing")


@pytest.mark.filterwarnings("ignore:End of file reached")
def test_an_instance_that_cannot_be_parsed_is_recorded_and_its_slice_missed(tmp_path: Path) -> None:
    """Defect D9 of the MONAI Deploy App SDK: the volume went on without it."""
    paths = write_series(tmp_path, ramp("u2", (6, 6, 5)))
    paths[2].write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 200)
    study = read_study(tmp_path)
    assert [file.path for file in study.unreadable] == [paths[2]]
    assert refusal(tmp_path).reason is Reason.MISSING_SLICE


def test_a_localizer_within_the_series_is_noticed(tmp_path: Path) -> None:
    """Defect D5 of the MONAI Deploy App SDK: it was mixed into the volume."""
    write_series(tmp_path, ramp("u2", (5, 6, 5)))
    header = slice_header(SAGITTAL, 0, 6, 5)
    header.InstanceNumber = 6
    save(instance_of(header, ramp("u2")[0]), tmp_path / "localizer.dcm")
    refused = refusal(tmp_path)
    assert refused.reason is Reason.MIXED_ORIENTATION
    assert refused.detail == "1 of 6 slices differ in Image Orientation (Patient): instance 6"


def test_another_matrix_within_the_series_is_noticed(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("u2", (5, 6, 5)))
    save(instance_of(slice_header(AXIAL, 5, 8, 5), ramp("u2", (1, 8, 5))[0]), tmp_path / "larger.dcm")
    assert refusal(tmp_path).reason is Reason.MIXED_MATRIX


def test_several_volumes_in_one_series_are_noticed(tmp_path: Path) -> None:
    """Defect D2 of the MONAI Deploy App SDK: one instance per position was kept, in the order of the folder."""
    write_series(tmp_path / "b0", ramp("u2"))
    write_series(tmp_path / "b1000", ramp("u2", start=7))
    refused = refusal(tmp_path)
    assert refused.reason is Reason.DUPLICATE_POSITION
    assert "4 of 8 slices" in refused.detail


def test_one_slice_is_no_volume(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("u2", (1, 6, 5)))
    assert refusal(tmp_path).reason is Reason.TOO_FEW_SLICES


def test_positions_in_every_notation_of_decimal_strings(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2", (2, 6, 5)))
    change_one(paths[1], ImagePositionPatient=["-4.0e1", "-5E+1", " 13.0 "])
    np.testing.assert_allclose(volume_of(tmp_path).affine, AXIAL)
    assert decimals([0.1])[0] == 0.1
