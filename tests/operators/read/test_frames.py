"""Pictures and clips of every modality: pixels, values, windows, times and what else is told of them."""

from __future__ import annotations

import resource
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread, uid
from pydicom.dataset import Dataset
from pydicom.encaps import itemize_frame
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import EnhancedXAImageStorage

from operators.read.frames import read_frames, read_series_frames
from operators.read.study import read_study
from operators.read.values.display import Window
from operators.refused import Reason, Refused
from phantoms.frames.common import WrittenFrames
from phantoms.frames.photography import write_photograph
from phantoms.frames.pictures import colours, greys
from phantoms.frames.radiography import write_radiograph, write_run
from phantoms.frames.ultrasound import write_ultrasound
from tests.operators.read.encoded_pictures import compressed, encapsulated, htj2k, instance_at, picture
from tests.operators.read.slices import save

WRITERS: dict[str, tuple[Callable[..., WrittenFrames], dict[str, Any]]] = {
    "US": (write_ultrasound, {"frames": 4}),
    "US grey": (write_ultrasound, {"colour": False}),
    "XA": (write_run, {}),
    "RF": (write_run, {"modality": "RF", "bits": 8}),
    "DX": (write_radiograph, {"photometric": "MONOCHROME1", "bits": 14}),
    "CR": (write_radiograph, {"modality": "CR"}),
    "MG": (write_radiograph, {"modality": "MG", "bits": 16}),
    "OP": (write_photograph, {"modality": "OP"}),
    "ES": (write_photograph, {"modality": "ES"}),
    "XC": (write_photograph, {"modality": "XC"}),
    "DMS": (write_photograph, {"modality": "DMS", "spacing": 0.05}),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_modality_as_it_was_taken(tmp_path: Path, name: str) -> None:
    write, arguments = WRITERS[name]
    written = write(tmp_path, **arguments)
    frames = read_frames(instance_at(written.path))
    np.testing.assert_array_equal(frames.array, written.array)
    assert frames.array.dtype == written.array.dtype
    assert frames.is_colour == (written.array.ndim == 4)
    assert frames.frame_numbers == tuple(range(len(written.array)))
    assert frames.has_burned_in_annotation is False
    assert frames.units == ""
    if written.spacing is not None:
        assert frames.pixel_spacing is not None
        assert (frames.pixel_spacing.row, frames.pixel_spacing.column) == pytest.approx(written.spacing)
    shown = frames.shown(0)
    assert shown.dtype == np.uint8
    assert shown.shape == written.array.shape[1:]
    if name == "DMS":
        # GDCM knows no dermoscopy yet.
        image = dcmread(written.path).pixel_array
    else:
        image = SimpleITK.GetArrayFromImage(SimpleITK.ReadImage(str(written.path)))
    # GDCM inverts MONOCHROME1.
    np.testing.assert_array_equal(frames.as_monochrome2().reshape(image.shape), image)


@pytest.mark.parametrize("name", ["XA", "US", "DX"])
@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
def test_compressed_as_well(tmp_path: Path, name: str, syntax: str) -> None:
    write, arguments = WRITERS[name]
    written = write(tmp_path, **arguments)
    dataset = dcmread(written.path)
    dataset.compress(syntax, generate_instance_uid=False)
    dataset.save_as(written.path)
    np.testing.assert_array_equal(read_frames(instance_at(written.path)).array, written.array)


def test_laterality_view_and_annotation(tmp_path: Path) -> None:
    mammogram = read_frames(instance_at(write_radiograph(tmp_path, modality="MG").path))
    assert (mammogram.laterality, mammogram.view) == ("L", "CC")
    chest = read_frames(instance_at(write_radiograph(tmp_path, ViewPosition=None, BurnedInAnnotation=None).path))
    assert (chest.laterality, chest.view) == ("U", "postero-anterior projection")
    assert chest.has_burned_in_annotation is None
    fundus = read_frames(instance_at(write_photograph(tmp_path, modality="OP", BurnedInAnnotation="YES").path))
    assert (fundus.laterality, fundus.has_burned_in_annotation) == ("R", True)


def test_monochrome1_changes_no_value_and_is_shown_inverted(tmp_path: Path) -> None:
    one = read_frames(instance_at(write_radiograph(tmp_path, photometric="MONOCHROME1").path))
    two = read_frames(instance_at(write_radiograph(tmp_path, number=2).path))
    np.testing.assert_array_equal(one.array, two.array)
    assert (one.inverted, two.inverted) == (True, False)
    np.testing.assert_allclose(one.shown(0).astype(int), 255 - two.shown(0).astype(int), atol=1)
    assert one.voi[0] == (Window(2048, 4096),)
    assert two.shown(0, Window(0, 2, "LINEAR_EXACT")).min() == 128
    np.testing.assert_array_equal(one.as_monochrome2(), 4095 - two.array)
    np.testing.assert_array_equal(two.as_monochrome2(), two.array)


def test_values_are_in_the_units_of_the_modality(tmp_path: Path) -> None:
    written = write_radiograph(tmp_path, RescaleSlope=2, RescaleIntercept=-100, RescaleType="OD")
    frames = read_frames(instance_at(written.path))
    np.testing.assert_array_equal(frames.array, 2 * written.array.astype(int) - 100)
    assert frames.units == "OD"
    assert frames.value_range == (-100, 2 * 4095 - 100)
    assert frames.array.dtype == np.int16
    item = Dataset()
    item.LUTDescriptor, item.ModalityLUTType = [1024, 0, 16], "US"
    item.LUTData = (np.arange(1024) ** 2 // 20).astype("<u2").tobytes()
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "OW"
    run = write_run(tmp_path, ModalityLUTSequence=[item])
    dataset = dcmread(run.path)
    found = read_frames(instance_at(run.path)).array
    np.testing.assert_array_equal(found, apply_modality_lut(dataset.pixel_array, dataset))


def enhanced_angiography(folder: Path, frames: int = 3) -> Path:
    """Frames with windows, rescale and times of their own."""
    instance = picture(greys(8, 9, frames, bits=12), bits=12, SOPClassUID=EnhancedXAImageStorage, Modality="XA")
    groups = []
    for index in range(frames):
        group, content, voi, values = Dataset(), Dataset(), Dataset(), Dataset()
        content.FrameReferenceDateTime = f"20260204110000.{index * 66000:06d}"
        voi.WindowCenter, voi.WindowWidth = 100 * (index + 1), 50
        values.RescaleSlope, values.RescaleIntercept, values.RescaleType = index + 1, 0, "US"
        group.FrameContentSequence, group.FrameVOILUTSequence = [content], [voi]
        group.PixelValueTransformationSequence = [values]
        groups.append(group)
    shared, spacing = Dataset(), Dataset()
    spacing.ImagerPixelSpacing = [0.2, 0.2]
    shared.FramePixelDataPropertiesSequence = [spacing]
    instance.SharedFunctionalGroupsSequence, instance.PerFrameFunctionalGroupsSequence = [shared], groups
    return save(instance, folder / "enhanced.dcm")


def test_frames_of_an_enhanced_object_have_their_own_attributes(tmp_path: Path) -> None:
    instance = instance_at(enhanced_angiography(tmp_path))
    frames = read_frames(instance)
    stored = greys(8, 9, 3, bits=12)
    np.testing.assert_array_equal(frames.array, stored * np.arange(1, 4)[:, None, None])
    assert frames.voi == ((Window(100, 50),), (Window(200, 50),), (Window(300, 50),))
    np.testing.assert_allclose(frames.frame_times, [0, 66, 132])  # type: ignore[arg-type]
    assert frames.pixel_spacing is not None
    assert frames.pixel_spacing.row == 0.2
    last = read_frames(instance, [2])
    np.testing.assert_array_equal(last.array[0], frames.array[2])
    assert (last.voi, last.frame_numbers) == ((frames.voi[2],), (2,))
    np.testing.assert_allclose(last.frame_times, [132])  # type: ignore[arg-type]


def test_other_functional_groups_than_frames_are_refused(tmp_path: Path) -> None:
    path = enhanced_angiography(tmp_path)
    dataset = dcmread(path)
    del dataset.PerFrameFunctionalGroupsSequence[1]
    dataset.save_as(path)
    with pytest.raises(Refused, match="2 functional groups describe 3 frames") as refused:
        read_frames(instance_at(path))
    assert refused.value.reason is Reason.MISSING_GEOMETRY


@pytest.mark.parametrize("frames", [[], [-1], [6], [2, 1], [1, 1]])
def test_frames_that_are_not_there_are_a_mistake_of_the_caller(tmp_path: Path, frames: list[int]) -> None:
    instance = instance_at(write_run(tmp_path, frames=6).path)
    with pytest.raises(ValueError, match="has 6 frames"):
        read_frames(instance, frames)


def sparse_native_clip(folder: Path) -> Path:
    """4,000 frames of 512 x 512 pixels, 2 GB, that take no place on the disk but for the one at 1,000."""
    instance = picture(greys(2, 2, 1, bits=16), NumberOfFrames=4000, Rows=512, Columns=512)
    path = save(instance, folder / "native.dcm")
    content = path.read_bytes()
    start = content.index(b"\xe0\x7f\x10\x00OW") + 12
    with path.open("r+b") as file:
        file.seek(start - 4)
        file.write((4000 * 512 * 512 * 2).to_bytes(4, "little"))
        file.truncate(start + 4000 * 512 * 512 * 2)
        file.seek(start + 1000 * 512 * 512 * 2)
        file.write(greys(512, 512, bits=16).tobytes())
    return path


def sparse_encapsulated_clip(folder: Path) -> Path:
    """40 frames, of which only the one at 7 holds a codestream: the others are 50 MB of nothing each."""
    path = encapsulated(
        picture(greys(512, 512, bits=16), NumberOfFrames=1), folder / "image.dcm", uid.HTJ2KLossless, [], table="none"
    )
    content = path.read_bytes()
    end = content.index(b"\xfe\xff\xdd\xe0")
    head = content[:end].replace(b"IS\x02\x001 ", b"IS\x02\x0040")
    with path.open("wb") as file:
        file.write(head)
        for frame in range(40):
            if frame == 7:
                file.write(b"".join(itemize_frame(htj2k(greys(512, 512, bits=16))[0])))
            else:
                file.write(b"\xfe\xff\x00\xe0" + (50_000_000).to_bytes(4, "little"))
                file.seek(50_000_000, 1)
        file.write(content[end:])
    return path


@pytest.mark.parametrize(("clip", "frame"), [(sparse_native_clip, 1000), (sparse_encapsulated_clip, 7)])
def test_a_long_clip_is_not_read_whole(tmp_path: Path, clip: Callable[[Path], Path], frame: int) -> None:
    instance = instance_at(clip(tmp_path))
    tracemalloc.start()
    try:
        frames = read_frames(instance, [frame])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    np.testing.assert_array_equal(frames.array, greys(512, 512, bits=16))
    # The frame itself has 0.5 MB, its codestream as much again.
    assert peak < 8e6


def test_a_series_gives_its_instances_in_order(tmp_path: Path) -> None:
    for number in (2, 1, 3):
        write_radiograph(tmp_path, number=number, InstanceNumber=number, SeriesInstanceUID="1.2.3", bits=9 + number)
    (series,) = read_study(tmp_path).series
    assert [frames.bits_stored for frames in read_series_frames(series)] == [10, 11, 12]


def test_colour_of_sixteen_bits_is_shown_in_eight(tmp_path: Path) -> None:
    array = colours(40, 40).astype(np.uint16) * 16
    path = compressed(picture(array, bits=12), tmp_path / "image.dcm", uid.JPEG2000Lossless)
    frames = read_frames(instance_at(path))
    np.testing.assert_array_equal(frames.array, array)
    np.testing.assert_array_equal(frames.shown(0), colours(40, 40)[0])


@pytest.mark.parametrize("syntax", [uid.ExplicitVRLittleEndian, uid.RLELossless, uid.DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("announced", [{"NumberOfFrames": 2**31 - 1}, {"Rows": 65535, "Columns": 65535}])
def test_a_header_that_announces_more_than_there_is_takes_no_memory(
    tmp_path: Path, syntax: str, announced: dict[str, int]
) -> None:
    instance = picture(greys(8, 8, 1))
    path = tmp_path / "image.dcm"
    path = compressed(instance, path, syntax) if syntax == uid.RLELossless else save(instance, path, syntax)
    dataset = dcmread(path)
    for keyword, value in announced.items():
        setattr(dataset, keyword, value)
    dataset.save_as(path)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Refused):
        read_frames(instance_at(path))
    # Kilobytes. An array that is made but not written to takes addresses only.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 50_000
