from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from PIL import Image
from pydicom import dcmread
from pydicom.dataset import FileDataset

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.pictures.projection import PixelSpacing, SpacingOrigin, pixel_spacing
from operators.write.base.result import save
from operators.write.multi_frame_secondary_capture import PAGES, FrameVector, write_multi_frame_secondary_capture
from tests.operators.write.studies import as_series, as_study, make_volume
from tests.peers import dcmtk

PICTURES = OutputPart(object="multi_frame_secondary_capture", title="Slices with outlines", series_number=9012)
KINDS = {
    "SingleBit": np.bool_,
    "GrayscaleByte": np.uint8,
    "GrayscaleWord": np.uint16,
    "TrueColor": np.uint8,
}


def some_frames(kind: str) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    if kind == "SingleBit":
        return np.asarray(rng.random((3, 7, 9)) > 0.5)
    shape = (3, 7, 9, 3) if kind == "TrueColor" else (3, 7, 9)
    return rng.integers(0, 3000 if kind == "GrayscaleWord" else 256, shape).astype(KINDS[kind])


def write(analysis: Analysis, frames: NDArray[Any], **how: Any) -> FileDataset:
    volume = make_volume()
    return write_multi_frame_secondary_capture(
        "pictures",
        PICTURES,
        as_study(volume),
        frames,
        [as_series(volume)],
        analysis,
        **how,
    )


@pytest.mark.parametrize("kind", list(KINDS))
def test_readers_find_the_frames(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], kind: str
) -> None:
    frames = some_frames(kind)
    path = save(write(analysis, frames), tmp_path)
    validate(path)
    read = dcmread(path)
    assert read.SOPClassUID.keyword == f"MultiFrame{kind}SecondaryCaptureImageStorage"
    assert (read.ConversionType, read.BurnedInAnnotation, read.LossyImageCompression) == ("WSD", "NO", "00")
    assert len(read.SourceImageSequence) == len(make_volume().instances)
    assert read.BitsStored == {"SingleBit": 1, "GrayscaleByte": 8, "GrayscaleWord": 12, "TrueColor": 8}[kind]
    image = highdicom.imread(path)
    for index, frame in enumerate(frames):
        np.testing.assert_array_equal(image.get_stored_frame(index + 1), frame)
    if kind != "SingleBit":
        np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(path))), frames)
    for index, frame in enumerate(frames):
        picture = tmp_path / "out.pnm"
        # From the least to the most that can be stored.
        most = 2**read.BitsStored
        window = [] if kind == "TrueColor" else ["+Ww", str(most / 2), str(most)]
        command = [dcmtk("dcm2pnm"), "+F", str(index + 1), *window, str(path), str(picture)]
        subprocess.run(command, check=True, capture_output=True)
        scale = 255 / (most - 1)
        shown = np.asarray(Image.open(picture)).astype(float)
        assert np.abs(shown - frame * scale).max() <= 1


@settings(deadline=None, max_examples=20)
@given(st.data())
def test_any_frames_come_back(
    analysis: Analysis, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    kind = data.draw(st.sampled_from(list(KINDS)))
    shape = data.draw(array_shapes(min_dims=3, max_dims=3, max_side=5))
    frames = data.draw(arrays(KINDS[kind], (*shape, 3) if kind == "TrueColor" else shape))
    read = dcmread(save(write(analysis, frames), tmp_path_factory.mktemp("any")))
    np.testing.assert_array_equal(read.pixel_array.reshape(frames.shape), frames)


@pytest.mark.parametrize(
    ("vector", "expected"),
    [
        (PAGES, {"PageNumberVector": [1, 2, 3]}),
        (FrameVector(slice_locations=[-3.25, 0.0, 3.25]), {"SliceLocationVector": [-3.25, 0.0, 3.25]}),
        (FrameVector(frame_time=33.5), {"FrameTime": 33.5}),
        (
            FrameVector(labels=["A", "B", "Größe"]),
            {"PageNumberVector": [1, 2, 3], "FrameLabelVector": ["A", "B", "Größe"]},
        ),
    ],
)
@pytest.mark.parametrize("kind", list(KINDS))
def test_frames_are_told_apart(
    tmp_path: Path,
    analysis: Analysis,
    validate: Callable[[Path], None],
    kind: str,
    vector: FrameVector,
    expected: dict[str, object],
) -> None:
    path = save(write(analysis, some_frames(kind), vector=vector), tmp_path)
    validate(path)
    read = dcmread(path)
    for keyword, value in expected.items():
        assert read[keyword].value == value
    pointers = read["FrameIncrementPointer"].value
    assert [int(tag) for tag in (pointers if len(expected) > 1 else [pointers])] == [
        int(read[keyword].tag) for keyword in expected
    ]


def test_the_scale_is_read_as_it_was_meant(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    for spacing, calibration in (
        (PixelSpacing(0.45, 0.7, SpacingOrigin.PATIENT), ""),
        (PixelSpacing(0.45, 0.7, SpacingOrigin.FIDUCIAL), "a ruler"),
    ):
        result = write(analysis, some_frames("GrayscaleByte"), spacing=spacing, calibration=calibration)
        path = save(result, tmp_path)
        validate(path)
        assert pixel_spacing(dcmread(path)) == spacing
        said = subprocess.run(
            [dcmtk("dcmdump"), str(path)], capture_output=True, text=True, errors="replace", check=True
        )
        assert "(0028,0030) DS [0.45\\0.7]" in said.stdout


@pytest.mark.parametrize("orientation", ["axial", "oblique", "sagittal"])
@pytest.mark.parametrize("kind", ["GrayscaleByte", "GrayscaleWord", "TrueColor"])
def test_slices_keep_their_places(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], kind: str, orientation: str
) -> None:
    volume = make_volume(orientation, (3, 7, 9))
    frames = some_frames(kind)
    path = save(
        write_multi_frame_secondary_capture(
            "pictures", PICTURES, as_study(volume), frames, [as_series(volume)], analysis, volume=volume
        ),
        tmp_path,
    )
    validate(path)
    image = SimpleITK.ReadImage(str(path))
    np.testing.assert_array_equal(SimpleITK.GetArrayFromImage(image), frames)
    np.testing.assert_allclose(image.GetOrigin(), volume.affine[:3, 3], atol=1e-4)
    axes = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    np.testing.assert_allclose(axes, volume.affine[:3, :3], atol=1e-4)
    # highdicom sorts the slices in its own way: each pixel is looked for at its place.
    read = highdicom.imread(path).get_volume(apply_real_world_transform=False, apply_voi_transform=False)
    for index in range(3):
        place = (volume.affine @ [4, 2, index, 1])[None, :3]
        found = tuple(np.rint(read.map_reference_to_indices(place)[0]).astype(int))
        np.testing.assert_array_equal(read.array[found], frames[index, 2, 4])


def test_what_is_wrong_is_said_before_anything_is_written(analysis: Analysis) -> None:
    frames = some_frames("GrayscaleByte")
    for wrong in (
        frames.astype(float),
        frames[0],
        frames[:0],
        np.zeros((2, 4, 4, 4), np.uint8),
        frames.astype(np.int16),
    ):
        with pytest.raises(ValueError, match="frames are"):
            write(analysis, wrong)
    for vector, said in (
        (FrameVector(slice_locations=[1.0]), "1 slice locations for 3 frames"),
        (FrameVector(slice_locations=[1.0, np.nan, 2.0]), "not finite"),
        (FrameVector(labels=["a"] * 4), "4 labels for 3 frames"),
        (FrameVector(labels=["a", "b", "x" * 17]), "16"),
        (FrameVector(frame_time=0.0), "time between frames"),
        (FrameVector(frame_time=1.0, slice_locations=[1.0, 2.0, 3.0]), "not by both"),
    ):
        with pytest.raises(ValueError, match=said):
            write(analysis, frames, vector=vector)
    with pytest.raises(ValueError, match="too many"):
        write(analysis, np.zeros((20_000, 1, 1), np.uint8))
    volume = make_volume(shape=(3, 7, 9))
    with pytest.raises(ValueError, match="no functional groups"):
        write(analysis, frames > 5, volume=volume)
    with pytest.raises(ValueError, match="spacing is that of"):
        write(analysis, frames, volume=volume, spacing=PixelSpacing(1.0, 1.0, SpacingOrigin.PATIENT))
    with pytest.raises(ValueError, match="is not on"):
        write(analysis, frames[:, 1:], volume=volume)
    with pytest.raises(ValueError, match="not one in the patient"):
        write(analysis, frames, spacing=PixelSpacing(1.0, 1.0, SpacingOrigin.SCANNED))
