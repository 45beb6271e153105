"""Defects D1 to D12, D17, D20 and D29 of the list in docs/reading.md: Gantry reads right or refuses."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import JPEGLosslessSV1

from deploy.inspect.folder import inspect_folder
from operators.read.expression import compile_condition
from operators.read.study import read_study
from operators.read.variables import SeriesVariables
from operators.read.volume import Volume, read_volume, read_volumes
from operators.refused import Reason, Refused
from tests.fuzz.instances import jpeg_lossless
from tests.fuzz.seeds import seed_folder
from tests.operators.read.slices import (
    AXIAL,
    instance_of,
    ramp,
    rotated,
    save,
    slice_header,
    write_series,
)


def volume_of(folder: Path) -> Volume:
    (series,) = read_study(folder).series
    return read_volume(series)


def reason_of(folder: Path) -> Reason:
    with pytest.raises(Refused) as refused:
        volume_of(folder)
    return refused.value.reason


def change(path: Path, **attributes: Any) -> None:
    instance = dcmread(path)
    for keyword, value in attributes.items():
        setattr(instance, keyword, value)
    instance.save_as(path)


def lay_out(seed: str, folder: Path) -> Path:
    for name, content in seed_folder(seed).items():
        (folder / name).write_bytes(content)
    return folder


def test_d1_a_first_slice_without_air_does_not_make_air_dense(tmp_path: Path) -> None:
    """The type was that of the lowest slice: all positive there, unsigned everywhere, and -1000 HU became 64,536."""
    array = ramp("u2", (4, 6, 5), start=1100)
    array[2] = 24
    write_series(tmp_path, array, RescaleSlope=1, RescaleIntercept=-1024, BitsStored=12, HighBit=11)
    volume = volume_of(tmp_path)
    np.testing.assert_array_equal(volume.array, array.astype(int) - 1024)
    assert volume.array.min() == -1000


def test_d1_a_blank_first_slice_does_not_truncate_uptake(tmp_path: Path) -> None:
    """PET: the blank first slice has slope 1, the type became integer, and up to 1 SUV was lost."""
    array = ramp("i2", (4, 6, 5))
    array[0] = 0
    paths = write_series(tmp_path, array, RescaleIntercept=0)
    slopes = [1.0, 0.37, 0.0052, 1.91]
    for path, slope in zip(paths, slopes, strict=True):
        change(path, RescaleSlope=slope)
    volume = volume_of(tmp_path)
    assert volume.array.dtype == np.float32
    expected = (array * np.array(slopes)[:, None, None]).astype(np.float32)
    np.testing.assert_array_equal(volume.array, expected)


@pytest.mark.parametrize("seed", ["mr_diffusion", "mr_echoes"])
def test_d2_a_series_of_several_volumes_loses_none(tmp_path: Path, seed: str) -> None:
    """One instance was kept for each position, and which one depended on the order of the folder."""
    lay_out(seed, tmp_path)
    assert reason_of(tmp_path) is Reason.SEVERAL_VOLUMES
    (series,) = read_study(tmp_path).series
    volumes = read_volumes(series)
    assert [volume.array.shape for volume in volumes] == [(4, 8, 6)] * 2
    expected = ramp("u2", (2, 4, 8, 6), step=7)  # type: ignore[arg-type]
    np.testing.assert_array_equal(np.stack([volume.array for volume in volumes]), expected)
    assert len({tuple(sorted(volume.label.items())) for volume in volumes}) == 2


def test_d2_what_is_read_does_not_depend_on_file_names(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2", (6, 6, 5)))
    before = volume_of(tmp_path)
    for number, path in enumerate(paths):
        path.rename(tmp_path / f"{(number * 5 + 3) % 6}.other")
    after = volume_of(tmp_path)
    np.testing.assert_array_equal(after.array, before.array)
    np.testing.assert_array_equal(after.affine, before.affine)


def test_d3_row_and_column_spacing_keep_their_places(tmp_path: Path) -> None:
    """Pixel Spacing is the distance of rows, then of columns (PS3.3 section 10.7.1.3)."""
    write_series(tmp_path, ramp("u2"), PixelSpacing=[2.0, 0.5])
    np.testing.assert_array_equal(np.diag(volume_of(tmp_path).affine), [0.5, 2.0, 3.0, 1.0])


def test_d4_missing_slices_are_refused(tmp_path: Path) -> None:
    paths = write_series(tmp_path, ramp("u2", (10, 6, 5)))
    for index in (3, 7):
        paths[index].unlink()
    assert reason_of(tmp_path) is Reason.MISSING_SLICE


def test_d5_a_scout_among_the_slices_is_refused(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("u2", (5, 6, 5)))
    scout = slice_header(rotated(AXIAL, 90, (1, 0, 0)), 9, 6, 5)
    save(instance_of(scout, ramp("u2")[0]), tmp_path / "scout.dcm")
    assert reason_of(tmp_path) is Reason.MIXED_ORIENTATION


def test_d5_a_localizer_that_says_so_is_left_out_by_name(tmp_path: Path) -> None:
    array = ramp("u2", (5, 6, 5))
    write_series(tmp_path, array)
    scout = slice_header(rotated(AXIAL, 90, (1, 0, 0)), 9, 6, 5)
    scout.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    save(instance_of(scout, ramp("u2")[0]), tmp_path / "scout.dcm")
    volume = volume_of(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    assert [(item.name, "localizer" in item.reason) for item in volume.left_out] == [("instance 10", True)]


def test_d5_slices_of_another_matrix_are_refused(tmp_path: Path) -> None:
    write_series(tmp_path, ramp("u2", (5, 6, 5)))
    save(instance_of(slice_header(AXIAL, 5, 8, 5), ramp("u2", (1, 8, 5))[0]), tmp_path / "larger.dcm")
    assert reason_of(tmp_path) is Reason.MIXED_MATRIX


@pytest.mark.parametrize("seed", ["mr_enhanced", "mr_enhanced_implicit", "ct_enhanced_rle"])
def test_d6_an_enhanced_multi_frame_instance_is_a_volume(tmp_path: Path, seed: str) -> None:
    """It had the shape (1, frames, rows, columns), no affine and a spacing of 1."""
    volume = volume_of(lay_out(seed, tmp_path))
    stored = ramp("u2", (4, 8, 6), step=7).astype(int)
    np.testing.assert_array_equal(volume.array, stored - 1024 if seed.startswith("ct") else 2 * stored - 3)
    expected = np.array([[0.75, 0, 0, -40], [0, 1.25, 0, -50.5], [0, 0, 3, 10], [0, 0, 0, 1.0]])
    np.testing.assert_allclose(volume.affine, expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("shape", ["INVERSE", "IDENTITY", None])
def test_d7_monochrome1_changes_no_value(tmp_path: Path, shape: str | None) -> None:
    """Each slice was inverted against its own range: one HU value became three."""
    array = ramp("u2")
    attributes: dict[str, Any] = {"PhotometricInterpretation": "MONOCHROME1", "RescaleSlope": 1, "RescaleIntercept": 0}
    write_series(tmp_path, array, PresentationLUTShape=shape, **attributes)
    np.testing.assert_array_equal(volume_of(tmp_path).array, array)


def test_d8_jpeg_lossless_needs_no_extra(tmp_path: Path) -> None:
    """The usual syntax of a PACS, 1.2.840.10008.1.2.4.70."""
    volume = volume_of(lay_out("ct_jpeg_lossless", tmp_path))
    assert volume.instances[0].file_meta.TransferSyntaxUID == JPEGLosslessSV1
    np.testing.assert_array_equal(volume.array, ramp("u2", (3, 32, 33), step=7).astype(int) % 4000 - 1024)
    assert jpeg_lossless(ramp("u2")[0])


@pytest.mark.filterwarnings("ignore:End of file reached")
def test_d9_what_is_no_image_stops_nothing_and_is_told(tmp_path: Path) -> None:
    """A dangling link ended the whole load."""
    array = ramp("u2", (6, 6, 5))
    paths = write_series(tmp_path, array)
    (tmp_path / "empty.dcm").touch()
    (tmp_path / "link.dcm").symlink_to(tmp_path / "gone.dcm")
    (tmp_path / "loop.dcm").symlink_to(tmp_path / "loop.dcm")
    (tmp_path / "notes.txt").write_text("not DICOM")
    (tmp_path / "DICOMDIR").write_bytes(paths[0].read_bytes())
    (tmp_path / "damaged.dcm").write_bytes(paths[0].read_bytes()[:132] + b"\xff" * 200)
    (tmp_path / "locked.dcm").write_bytes(paths[0].read_bytes())
    (tmp_path / "locked.dcm").chmod(0)
    volume = volume_of(tmp_path)
    np.testing.assert_array_equal(volume.array, array)
    told = {file.path.name for file in read_study(tmp_path).unreadable}
    # The superuser may read every file: then the locked one is a copy of the first slice, and kept once.
    assert told - {"locked.dcm"} == {"empty.dcm", "link.dcm", "loop.dcm", "notes.txt", "damaged.dcm"}
    assert ("locked.dcm" in told) == (os.geteuid() != 0)


@pytest.mark.filterwarnings("ignore:End of file reached")
@pytest.mark.parametrize(("kept", "reason"), [(-20, Reason.TRUNCATED_PIXEL_DATA), (200, Reason.MISSING_SLICE)])
def test_d9_a_damaged_slice_is_no_reason_to_go_on_without_it(tmp_path: Path, kept: int, reason: Reason) -> None:
    paths = write_series(tmp_path, ramp("u2", (6, 6, 5)))
    paths[2].write_bytes(paths[2].read_bytes()[:kept])
    assert reason_of(tmp_path) is reason


@pytest.mark.filterwarnings("ignore:End of file reached")
def test_d9_a_damaged_last_slice_is_told(tmp_path: Path) -> None:
    """At the end of a stack it leaves no gap: the file that could not be read is all that tells of it."""
    paths = write_series(tmp_path, ramp("u2", (6, 6, 5)))
    paths[5].write_bytes(paths[5].read_bytes()[:200])
    assert len(volume_of(tmp_path).slices) == 5
    assert [file.path for file in read_study(tmp_path).unreadable] == [paths[5]]
    (told,) = inspect_folder(tmp_path, []).report.unreadable
    assert (told.path, bool(told.problem)) == (paths[5].name, True)


@pytest.mark.parametrize(
    ("attributes", "condition"),
    [
        ({"BodyPartExamined": "BRAIN"}, 'BodyPartExamined == "BRAIN"'),
        ({"Laterality": "L"}, 'Laterality == "L" && !has(ImageLaterality)'),
        ({"ImageLaterality": "R"}, 'ImageLaterality == "R" && !has(Laterality)'),
    ],
)
def test_d10_body_part_and_laterality_can_be_asked_for(
    tmp_path: Path, attributes: dict[str, Any], condition: str
) -> None:
    """They were read under a wrong tag, or a name of their own, and always absent."""
    write_series(tmp_path, ramp("u2"), **attributes)
    (series,) = read_study(tmp_path).series
    assert compile_condition(condition).truth(SeriesVariables(series)) is True


def test_d11_pixels_are_held_once(tmp_path: Path) -> None:
    """Raw bytes, decoded slices and the volume were held together: 5.7 times the series."""
    array = ramp("u2", (16, 256, 256), step=1) % 4096
    write_series(tmp_path, array, RescaleSlope=1, RescaleIntercept=-1024, BitsStored=12, HighBit=11)
    volume_of(tmp_path)
    tracemalloc.start()
    try:
        volume = volume_of(tmp_path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(volume.array, array.astype(int) - 1024)
    assert peak <= 1.3 * volume.array.nbytes


def test_d12_reading_imports_no_network_and_no_dag() -> None:
    """Importing the loader took seconds: all of MONAI, torch and Holoscan came with it."""
    heavy = ("torch", "monai", "holoscan", "scipy.signal", "matplotlib", "SimpleITK", "highdicom")
    code = (
        f"import operators.read.volume, operators.read.selection, sys; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_d17_d20_a_second_study_is_not_ignored(tmp_path: Path) -> None:
    """The first study was used and the rest ignored; a report named the patient of the last."""
    write_series(tmp_path / "one", ramp("u2"))
    write_series(tmp_path / "two", ramp("u2"), StudyInstanceUID="1.2.99", SeriesInstanceUID="1.2.98", PatientID="P2")
    with pytest.raises(Refused) as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.SEVERAL_STUDIES


def test_d29_an_image_without_a_place_in_the_patient_is_refused(tmp_path: Path) -> None:
    """A NIfTI loader dropped affine and spacing: Gantry reads DICOM with geometry only."""
    (tmp_path / "image.nii").write_bytes(b"\x5c\x01\0\0" + bytes(344) + b"n+1\0" + bytes(200))
    with pytest.raises(Refused) as refused:
        read_study(tmp_path)
    assert refused.value.reason is Reason.NO_READABLE_INSTANCE
    write_series(tmp_path, ramp("u2"), ImagePositionPatient=None)
    assert reason_of(tmp_path) is Reason.MISSING_GEOMETRY


def test_w9_frames_are_sorted_by_position(tmp_path: Path) -> None:
    """Writers put frames in descending order; a file's order says nothing."""
    lay_out("mr_enhanced", tmp_path)
    upright = volume_of(tmp_path)
    instance = dcmread(tmp_path / "0.dcm")
    groups = list(instance.PerFrameFunctionalGroupsSequence)
    order = [2, 0, 3, 1]
    instance.PerFrameFunctionalGroupsSequence = [groups[index] for index in order]
    instance.PixelData = instance.pixel_array[order].tobytes()
    instance.save_as(tmp_path / "0.dcm")
    shuffled = volume_of(tmp_path)
    assert [item.frame for item in shuffled.slices] == [1, 3, 0, 2]
    np.testing.assert_array_equal(shuffled.array, upright.array)
    np.testing.assert_array_equal(shuffled.affine, upright.affine)
