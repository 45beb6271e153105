from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread, examples

from operators.read.frames import read_frames
from operators.read.study import read_study
from operators.read.ultrasound import TissueFrames, tissue_frames
from operators.refused import Reason, Refused
from phantoms.frames.ultrasound import Region, doppler, tissue, write_ultrasound
from phantoms.sonography import Lesion, SimulatedSonogram, simulate_breast, write_sonogram
from phantoms.sonography.dicom import Pixels
from tests.operators.read.encoded_pictures import instance_at

BESIDE = tissue((32, 0, 63, 47), 0.02)


@pytest.fixture(scope="module")
def picture() -> SimulatedSonogram:
    return simulate_breast(Lesion.BENIGN, seed=2, shape=(96, 128), spacing=0.3)


def read(folder: Path) -> TissueFrames:
    return tissue_frames(read_frames(read_study(folder).instances[0]))


@pytest.mark.parametrize("pixels", ["rgb", "grey", "palette", "jpeg"])
def test_tissue_is_cut_out_of_the_screen_and_grey(picture: SimulatedSonogram, pixels: Pixels, tmp_path: Path) -> None:
    write_sonogram([picture], tmp_path, seed=1, pixels=pixels)
    found = read(tmp_path)
    assert found.array.shape == (1, 96, 128)
    assert (found.top, found.left) == (24, 40)
    assert found.spacing == pytest.approx((0.3, 0.3))
    assert found.marked == 0
    assert abs(found.array[0] - picture.image / 255).mean() < (0.03 if pixels == "jpeg" else 0.002)


def test_coloured_marks_are_filled_from_around(picture: SimulatedSonogram, tmp_path: Path) -> None:
    write_sonogram([picture], tmp_path, seed=1, calipers=True)
    found = read(tmp_path)
    assert 0 < found.marked < 0.01
    # A caliper's grey would be far brighter than the dark lesion's border that it stands on.
    difference = abs(found.array[0] - picture.image / 255)
    assert (difference > 0.35).mean() < 0.001


def test_masks_come_back_onto_the_whole_screen(picture: SimulatedSonogram, tmp_path: Path) -> None:
    written = write_sonogram([picture] * 2, tmp_path, seed=1)
    found = read(tmp_path)
    assert (found.on_source(np.stack([picture.mask] * 2)) == written.masks).all()


def test_rows_and_columns_have_each_their_scale(picture: SimulatedSonogram, tmp_path: Path) -> None:
    write_sonogram([picture], tmp_path, seed=1, spacing=(0.2, 0.35))
    assert read(tmp_path).spacing == pytest.approx((0.2, 0.35))


def test_without_regions_the_whole_frame_is_tissue_without_a_scale(picture: SimulatedSonogram, tmp_path: Path) -> None:
    write_sonogram([picture], tmp_path, seed=1, screen=False, calibrated=False)
    found = read(tmp_path)
    assert found.array.shape == (1, 96, 128)
    assert found.spacing is None


@pytest.mark.parametrize(
    ("regions", "said"),
    [
        ([tissue((0, 0, 31, 47), 0.02), BESIDE], "2 regions of tissue"),
        ([doppler((0, 0, 63, 47), 0.01, 1.0, 20)], "no two-dimensional region"),
        ([tissue((0, 0, 20, 20), 0.02)], "21 x 21 pixels"),
        ([tissue((64, 0, 127, 47), 0.02)], "outside its frames"),
    ],
)
def test_other_than_one_region_of_tissue_is_refused_by_name(regions: list[Region], said: str, tmp_path: Path) -> None:
    write_ultrasound(tmp_path, regions=regions)
    with pytest.raises(Refused, match=said) as refused:
        read(tmp_path)
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_a_region_that_reaches_beyond_the_frame_is_cut(tmp_path: Path) -> None:
    write_ultrasound(tmp_path, regions=[tissue((10, 5, 200, 200), 0.02)])
    assert read(tmp_path).array.shape == (1, 43, 54)


def test_a_delta_of_nothing_is_no_scale(tmp_path: Path) -> None:
    write_ultrasound(tmp_path, regions=[tissue((0, 0, 63, 47), 0.0)])
    assert read(tmp_path).spacing is None


@pytest.mark.parametrize(("delta", "said"), [(0.002, "0.96 x 1.28 mm"), (2.0, "960 x 1280 mm")])
def test_a_scale_that_cannot_be_right_is_refused(delta: float, said: str, tmp_path: Path) -> None:
    write_ultrasound(tmp_path, regions=[tissue((0, 0, 63, 47), delta)])
    with pytest.raises(Refused, match=said) as refused:
        read(tmp_path)
    assert refused.value.reason is Reason.MISSING_GEOMETRY


@pytest.mark.parametrize("inverted", [False, True])
def test_grey_is_what_the_first_window_shows(picture: SimulatedSonogram, inverted: bool, tmp_path: Path) -> None:
    path = write_sonogram([picture], tmp_path, seed=1, pixels="grey", WindowCenter=64, WindowWidth=128).path
    expected = np.clip(picture.image / 127, 0, 1)
    if inverted:
        dataset = dcmread(path)
        dataset.PhotometricInterpretation = "MONOCHROME1"
        dataset.save_as(path)
        expected = 1 - expected
    np.testing.assert_allclose(read(tmp_path).array[0], expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "shape", "place", "spacing"),
    [
        # The region's last column lies one beyond the frame; below it stands one of a waveform.
        ("palette_color", (1, 290, 680), (60, 120), 0.2623),
        ("ybr_color", (30, 209, 236), (31, 84), 0.5105),
        ("rgb_color", (1, 240, 320), (0, 0), None),
        ("jpeg2k", (1, 480, 640), (0, 0), None),
    ],
)
def test_pictures_of_real_scanners(
    name: str, shape: tuple[int, int, int], place: tuple[int, int], spacing: float | None
) -> None:
    """Those that pydicom brings with it: palette, JPEG baseline in YBR_FULL_422, native RGB, JPEG 2000."""
    found = tissue_frames(read_frames(instance_at(examples.get_path(name))))
    assert found.array.shape == shape
    assert (found.top, found.left) == place
    assert found.spacing == (None if spacing is None else pytest.approx((spacing, spacing), abs=1e-4))
    assert 0 <= found.array.min() < found.array.max() <= 1
