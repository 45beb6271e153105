from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from operators.read.frames import read_frames
from operators.read.pictures.projection import SpacingOrigin
from operators.refused import Reason, Refused
from phantoms.frames.ultrasound import Region, doppler, tissue, write_ultrasound
from tests.operators.read.encoded_pictures import instance_at


def test_regions_have_units_and_places(tmp_path: Path) -> None:
    written = write_ultrasound(
        tmp_path, regions=[tissue((2, 1, 60, 20), 0.02), doppler((0, 24, 63, 47), 0.01, 2.0, 12)]
    )
    frames = read_frames(instance_at(written.path))
    image, spectrum = frames.regions
    assert (image.spatial_format, image.data_type, image.unit_x, image.unit_y) == ("2D", "tissue", "cm", "cm")
    assert (image.left, image.top, image.right, image.bottom) == (2, 1, 60, 20)
    assert image.spacing_mm == pytest.approx((0.2, 0.2))
    assert image.value_at(5, 5) is None
    assert (spectrum.spatial_format, spectrum.data_type) == ("spectral", "PW spectral Doppler")
    assert (spectrum.unit_x, spectrum.unit_y) == ("s", "cm/s")
    assert spectrum.spacing_mm is None
    # The baseline is 12 rows below the region's upper edge; upwards is towards the probe.
    assert spectrum.value_at(10, 24 + 12) == pytest.approx((0.1, 0.0))
    assert spectrum.value_at(0, 24 + 12 - 5) == pytest.approx((0.0, 10.0))
    assert not image.has_low_priority


def test_one_scale_is_the_spacing_of_the_frame(tmp_path: Path) -> None:
    two = [tissue((0, 0, 30, 47), 0.02), tissue((32, 0, 63, 47), 0.02)]
    frames = read_frames(instance_at(write_ultrasound(tmp_path, regions=two).path))
    spacing = frames.pixel_spacing
    assert spacing is not None
    assert (spacing.row, spacing.column) == pytest.approx((0.2, 0.2))
    assert spacing.origin is SpacingOrigin.REGION
    assert spacing.is_in_patient


@pytest.mark.parametrize(
    "regions",
    [
        [tissue((0, 0, 30, 47), 0.02), tissue((32, 0, 63, 47), 0.03)],
        [doppler((0, 24, 63, 47), 0.01, 2.0, 12)],
        [Region(2, 1, (0, 0, 63, 47), (4, 3), (0.01, 0.02))],
        [Region(1, 1, (0, 0, 63, 47), (0, 0), (1.0, 1.0))],
        [Region(1, 1, (0, 0, 63, 47), (3, 3), (0.0, 0.0))],
    ],
    ids=["two scales", "spectrum", "M-mode", "no units", "no scale"],
)
def test_other_regions_are_no_spacing(tmp_path: Path, regions: list[Region]) -> None:
    written = write_ultrasound(tmp_path, regions=regions, PixelSpacing=[1, 1])
    assert read_frames(instance_at(written.path)).pixel_spacing is None


def test_codes_that_the_standard_does_not_know_are_unknown(tmp_path: Path) -> None:
    written = write_ultrasound(tmp_path, regions=[Region(9, 99, (0, 0, 63, 47), (77, 3), (1.0, 1.0))])
    (region,) = read_frames(instance_at(written.path)).regions
    assert (region.spatial_format, region.data_type, region.unit_x) == ("unknown", "unknown", "unknown")
    assert region.spacing_mm is None


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("RegionLocationMaxX1", None),
        ("RegionLocationMaxY1", 1),
        ("PhysicalDeltaX", None),
        ("RegionSpatialFormat", None),
    ],
)
def test_malformed_regions_are_refused(tmp_path: Path, keyword: str, value: Any) -> None:
    path = write_ultrasound(tmp_path, regions=[tissue((2, 5, 60, 20), 0.02)]).path
    dataset = dcmread(path)
    (item,) = dataset.SequenceOfUltrasoundRegions
    if value is None:
        delattr(item, keyword)
    else:
        setattr(item, keyword, value)
    dataset.save_as(path)
    with pytest.raises(Refused) as refused:
        read_frames(instance_at(path))
    assert refused.value.reason is Reason.MISSING_GEOMETRY
