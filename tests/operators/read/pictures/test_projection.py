from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError
from operators.read.frames import read_frames
from operators.read.pictures.projection import SpacingOrigin, pixel_spacing
from operators.refused import Reason, Refused
from phantoms.frames.photography import write_photograph
from phantoms.frames.radiography import write_radiograph, write_run
from tests.operators.read.encoded_pictures import instance_at


def header(**attributes: Any) -> Dataset:
    made = Dataset()
    for keyword, value in attributes.items():
        setattr(made, keyword, value)
    return made


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"Modality": "XA", "ImagerPixelSpacing": [0.2, 0.3]}, (0.2, 0.3, SpacingOrigin.DETECTOR)),
        (
            {"Modality": "DX", "ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.2, 0.2]},
            (0.2, 0.2, SpacingOrigin.DETECTOR),
        ),
        (
            {"Modality": "DX", "ImagerPixelSpacing": [0.2, 0.2], "PixelSpacing": [0.15, 0.15]},
            (0.15, 0.15, SpacingOrigin.CORRECTED),
        ),
        (
            {
                "Modality": "XA",
                "ImagerPixelSpacing": [0.2, 0.2],
                "PixelSpacing": [0.15, 0.15],
                "PixelSpacingCalibrationType": "FIDUCIAL",
            },
            (0.15, 0.15, SpacingOrigin.FIDUCIAL),
        ),
        (
            {"Modality": "CR", "PixelSpacing": [0.15, 0.15], "PixelSpacingCalibrationType": "GEOMETRY"},
            (0.15, 0.15, SpacingOrigin.GEOMETRY),
        ),
        ({"Modality": "CR", "PixelSpacing": [0.15, 0.15]}, (0.15, 0.15, SpacingOrigin.DETECTOR)),
        ({"Modality": "DMS", "PixelSpacing": [0.05, 0.04]}, (0.05, 0.04, SpacingOrigin.PATIENT)),
        ({"Modality": "OT", "NominalScannedPixelSpacing": [0.1, 0.1]}, (0.1, 0.1, SpacingOrigin.SCANNED)),
    ],
)
def test_the_origin_of_a_spacing(attributes: dict[str, Any], expected: tuple[float, float, SpacingOrigin]) -> None:
    found = pixel_spacing(header(**attributes))
    assert found is not None
    assert (found.row, found.column, found.origin) == expected
    assert found.is_in_patient == (expected[2] not in (SpacingOrigin.DETECTOR, SpacingOrigin.SCANNED))


def test_nothing_told_is_none() -> None:
    assert pixel_spacing(header(Modality="XC")) is None


@pytest.mark.parametrize("value", [[0, 0], [-1, 1], [1]])
def test_a_spacing_that_is_none_is_malformed(value: list[float]) -> None:
    with pytest.raises(MalformedAttributeError):
        pixel_spacing(header(PixelSpacing=value))


def test_spacing_of_read_frames(tmp_path: Path) -> None:
    run = read_frames(instance_at(write_run(tmp_path).path)).pixel_spacing
    chest = read_frames(instance_at(write_radiograph(tmp_path, PixelSpacing=[0.1, 0.1]).path)).pixel_spacing
    skin = read_frames(instance_at(write_photograph(tmp_path, modality="DMS", spacing=0.05).path)).pixel_spacing
    assert [found and found.origin for found in (run, chest, skin)] == [
        SpacingOrigin.DETECTOR,
        SpacingOrigin.CORRECTED,
        SpacingOrigin.PATIENT,
    ]
    with pytest.raises(Refused) as refused:
        read_frames(instance_at(write_radiograph(tmp_path, PixelSpacing=[0, 0]).path))
    assert refused.value.reason is Reason.MISSING_GEOMETRY
