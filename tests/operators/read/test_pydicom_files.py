"""Every file with pixels that pydicom ships: read as pydicom reads it, or refused by name, or better, and why."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom import dcmread
from pydicom.pixels.processing import apply_color_lut, apply_modality_lut
from pydicom.pixels.utils import pixel_array

from operators.read.frames import read_frames
from operators.read.instance import Instance
from operators.read.study import read_study
from operators.refused import Reason, Refused
from tests.operators.read.encoded_pictures import by_dcmtk, stored

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"

REFUSED = {
    # Its size is overwritten by the delimiter that gave it its name; no decoder reads it.
    "JPEG2000-embedded-sequence-delimiter.dcm": Reason.UNSUPPORTED_PIXEL_FORMAT,
    "MR_truncated.dcm": Reason.TRUNCATED_PIXEL_DATA,
    # Native pixels that claim to be JPEG.
    "SC_rgb_jpeg.dcm": Reason.UNSUPPORTED_PIXEL_FORMAT,
    # Number of Frames is "1A".
    "badVR.dcm": Reason.UNSUPPORTED_PIXEL_FORMAT,
    # One frame left of three, with the functional groups of all.
    "liver_1frame.dcm": Reason.MISSING_GEOMETRY,
    "liver_expb_1frame.dcm": Reason.MISSING_GEOMETRY,
}

# Lossy JPEG: libjpeg-turbo and the reference software that pydicom decodes with round differently.
ROUNDED = frozenset(
    {
        "JPGExtended.dcm",
        "SC_jpeg_no_color_transform.dcm",
        "SC_jpeg_no_color_transform_2.dcm",
        "SC_rgb_dcmtk_+eb+cr.dcm",
        "SC_rgb_dcmtk_+eb+cy+n1.dcm",
        "SC_rgb_dcmtk_+eb+cy+np.dcm",
        "SC_rgb_jpeg_app14_dcmd.dcm",
        "SC_rgb_jpeg_lossy_gdcm.dcm",
        "examples_ybr_color.dcm",
    }
)


def instances() -> Iterator[tuple[str, Instance]]:
    for path in sorted(FOLDER.rglob("*.dcm")):
        try:
            (instance,) = read_study([path]).instances
        except Refused:
            continue
        if instance.pixel_data_offset is not None or path.name == "image_dfl.dcm":
            yield path.name, instance


INSTANCES = dict(instances())


def test_none_is_forgotten() -> None:
    assert len(INSTANCES) > 55
    assert REFUSED.keys() <= INSTANCES.keys()
    assert INSTANCES.keys() >= ROUNDED


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sorted(INSTANCES.keys() - REFUSED.keys() - {"JPEG-lossy.dcm"}))
def test_frames_are_those_of_pydicom(name: str) -> None:
    dataset = dcmread(INSTANCES[name].path)
    expected = pixel_array(dataset)
    if dataset.PhotometricInterpretation == "PALETTE COLOR":
        expected = apply_color_lut(expected, dataset)
    elif dataset.SamplesPerPixel == 1:
        expected = apply_modality_lut(expected, dataset)
    frames = read_frames(INSTANCES[name])
    found = frames.array.reshape(expected.shape)
    # Components differ by 1, which conversion from YBR may double, and pydicom's own rounding makes 3 of it.
    tolerance = 0 if name not in ROUNDED else 3 if dataset.SamplesPerPixel == 3 else 1
    np.testing.assert_allclose(found.astype(float), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize(("name", "reason"), REFUSED.items())
def test_what_cannot_be_read_is_refused(name: str, reason: Reason) -> None:
    with pytest.raises(Refused) as refused:
        read_frames(INSTANCES[name])
    assert refused.value.reason is reason


@pytest.mark.peer
def test_twelve_bit_jpeg_that_pydicom_does_not_decode_is_that_of_dcmtk(tmp_path: Path) -> None:
    for name in ("JPEG-lossy.dcm", "JPGExtended.dcm"):
        path = tmp_path / name
        path.write_bytes(INSTANCES[name].path.read_bytes())
        second = dcmread(by_dcmtk("dcmdjpeg", path)).pixel_array
        np.testing.assert_array_equal(stored(path)[0], second)
