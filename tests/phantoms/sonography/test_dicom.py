from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from operators.read.frames import read_frames
from operators.read.study import read_study
from phantoms.sonography import (
    Lesion,
    SimulatedSonogram,
    simulate_breast,
    write_breast_study,
    write_joint_study,
    write_sonogram,
)
from phantoms.sonography.dicom import Pixels
from tests.peers import dciodvfy_errors


@pytest.fixture(scope="module")
def picture() -> SimulatedSonogram:
    return simulate_breast(Lesion.BENIGN, seed=2, shape=(96, 128), spacing=0.3)


@pytest.mark.peer
@pytest.mark.parametrize("pixels", ["rgb", "grey", "palette", "jpeg"])
@pytest.mark.parametrize("frames", [1, 3])
def test_what_is_written_is_valid_and_read_as_what_it_was(
    picture: SimulatedSonogram, pixels: Pixels, frames: int, tmp_path: Path
) -> None:
    written = write_sonogram([picture] * frames, tmp_path, seed=1, pixels=pixels, calipers=True)
    assert dciodvfy_errors(written.path) == []
    read = read_frames(read_study(tmp_path).instances[0])
    assert read.is_colour == (pixels != "grey")
    # The picture's place on the screen.
    inside = read.array[-1, 24:120, 40:168] / read.value_range[1]
    difference = np.abs((inside.mean(axis=-1) if read.is_colour else inside) - picture.image / 255)
    assert np.median(difference) < 0.02
    assert (difference > 0.2).mean() < 0.01
    assert [region.spacing_mm for region in read.regions] == [pytest.approx((0.3, 0.3))]


def test_calipers_are_coloured_and_the_screen_is_grey(picture: SimulatedSonogram, tmp_path: Path) -> None:
    with_calipers = write_sonogram([picture], tmp_path, seed=1, calipers=True)
    plain = write_sonogram([picture], tmp_path, seed=1, instance=2)
    colour = [np.ptp(dcmread(each.path).pixel_array.astype(int), axis=-1).max() for each in (with_calipers, plain)]
    assert colour == [255, 0]


def test_a_scale_can_be_other_than_the_pictures_or_absent(picture: SimulatedSonogram, tmp_path: Path) -> None:
    stretched = write_sonogram([picture], tmp_path, seed=1, spacing=(0.2, 0.35))
    assert stretched.spacing == (0.2, 0.35)
    region = dcmread(stretched.path).SequenceOfUltrasoundRegions[0]
    assert (region.PhysicalDeltaY, region.PhysicalDeltaX) == pytest.approx((0.02, 0.035))
    silent = write_sonogram([picture], tmp_path, seed=1, instance=2, calibrated=False)
    assert silent.spacing is None
    assert "SequenceOfUltrasoundRegions" not in dcmread(silent.path)


def test_an_examination_is_one_series_of_two_pictures_and_a_clip(tmp_path: Path) -> None:
    written = write_breast_study(tmp_path, Lesion.MALIGNANT, seed=6)
    (series,) = read_study(tmp_path).series
    assert [instance.header.get("NumberOfFrames", 1) for instance in series.instances] == [1, 1, 9]
    assert [len(each.masks) for each in written] == [1, 1, 9]


@pytest.mark.parametrize("effusion", [True, False])
def test_every_section_of_a_joint_has_fluid_or_none_has(tmp_path: Path, effusion: bool) -> None:
    masks = [mask for written in write_joint_study(tmp_path, effusion=effusion, seed=6) for mask in written.masks]
    assert [bool(mask.any()) for mask in masks] == [effusion] * 7


def test_breast_and_joint_of_a_patient_are_two_studies(tmp_path: Path) -> None:
    """A node that gets both has no conflicting copies."""
    written = [
        *write_breast_study(tmp_path / "breast", Lesion.BENIGN, seed=6),
        *write_joint_study(tmp_path / "joint", effusion=True, seed=6),
    ]
    headers = [dcmread(each.path, stop_before_pixels=True) for each in written]
    assert len({header.PatientID for header in headers}) == 1
    assert [len({header[name].value for header in headers}) for name in ("StudyInstanceUID", "SOPInstanceUID")] == [
        2,
        6,
    ]
    assert all(header.file_meta.MediaStorageSOPInstanceUID == header.SOPInstanceUID for header in headers)
