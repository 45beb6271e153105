"""A saved file equals the one that pydicom would write, in every transfer syntax; frames come back as they were."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    SecondaryCaptureImageStorage,
)

from operators.provenance import Analysis
from operators.write.base.encode import write_pixels
from operators.write.base.result import finish, new_result, save
from tests.operators.write.every_object import EVERY_OBJECT
from tests.operators.write.studies import SUMMARY, patient

FRAMES: dict[str, NDArray[Any]] = {
    "one odd frame": np.arange(15, dtype=np.uint8).reshape(1, 3, 5),
    "runs": np.repeat(np.arange(6, dtype=np.uint8), 150).reshape(2, 3, 150),
    "single column": np.arange(6, dtype=np.uint8).reshape(2, 3, 1),
    "16 bits": np.random.default_rng(0).integers(0, 65535, (3, 7, 9), dtype=np.uint16),
    "16 bits, sparse": np.eye(33, dtype=np.uint16)[np.newaxis] * 515,
}


def image(frames: NDArray[Any], transfer_syntax: UID, analysis: Analysis) -> FileDataset:
    result = new_result(SecondaryCaptureImageStorage, "OT", "x", SUMMARY, patient(), analysis)
    result.Rows, result.Columns = frames.shape[1:]
    result.NumberOfFrames = len(frames)
    result.SamplesPerPixel, result.PhotometricInterpretation, result.PixelRepresentation = 1, "MONOCHROME2", 0
    bits = 8 * frames.itemsize
    result.BitsAllocated, result.BitsStored, result.HighBit = bits, bits, bits - 1
    finish(result)
    if transfer_syntax == DeflatedExplicitVRLittleEndian:
        write_pixels(result, list(frames))
        result.file_meta.TransferSyntaxUID = transfer_syntax
    else:
        write_pixels(result, list(frames), transfer_syntax)
    return result


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize(
    "transfer_syntax",
    [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, RLELossless, JPEGLSLossless, JPEG2000Lossless],
    ids=lambda uid: uid.name,
)
def test_an_image_is_saved_as_pydicom_would(
    name: str, transfer_syntax: UID, analysis: Analysis, tmp_path: Path
) -> None:
    result = image(FRAMES[name], transfer_syntax, analysis)
    path = save(result, tmp_path)
    buffer = BytesIO()
    dcmwrite(buffer, result, enforce_file_format=True)
    assert path.read_bytes() == buffer.getvalue()
    read = dcmread(path)
    assert read.file_meta.TransferSyntaxUID == transfer_syntax
    np.testing.assert_array_equal(read.pixel_array.reshape(FRAMES[name].shape), FRAMES[name])


def test_what_comes_after_the_pixels_is_saved_too(analysis: Analysis, tmp_path: Path) -> None:
    result = image(FRAMES["runs"], ExplicitVRLittleEndian, analysis)
    result.add_new(0xFFFCFFFC, "OB", b"\0\0")
    read = dcmread(save(result, tmp_path))
    assert read[0xFFFCFFFC].value == b"\0\0"
    np.testing.assert_array_equal(read.pixel_array, FRAMES["runs"])


def test_an_object_without_pixels_is_saved(analysis: Analysis, tmp_path: Path) -> None:
    result = finish(new_result(SecondaryCaptureImageStorage, "OT", "x", SUMMARY, patient(), analysis))
    assert dcmread(save(result, tmp_path)) == result


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_every_object_is_saved_as_pydicom_would(name: str, analysis: Analysis, tmp_path: Path) -> None:
    result = EVERY_OBJECT[name](analysis).object
    path = save(result, tmp_path)
    buffer = BytesIO()
    dcmwrite(buffer, result, enforce_file_format=True)
    assert path.read_bytes() == buffer.getvalue()
