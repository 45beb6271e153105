"""Pictures in every pixel format and transfer syntax, by encoders that are not those of the code under test."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, encapsulate_extended
from pydicom.uid import (
    UID,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    generate_uid,
)

from operators.read.instance import Instance
from operators.read.pixels.stored_values import FrameRequest, pixel_format, read_stored_frames
from operators.read.study import read_study
from operators.refused import Refused
from tests.operators.read.slices import SERIES_UID, STUDY_UID, save
from tests.peers import dcmtk

Array = NDArray[Any]

ENCAPSULATED_UNCOMPRESSED = UID("1.2.840.10008.1.2.1.98")


def picture(array: Array, *, bits: int | None = None, photometric: str | None = None, **attributes: Any) -> Dataset:
    """An image of (frame, row, column) or (frame, row, column, 3) pixels; attributes by keyword, None removes one."""
    instance = Dataset()
    instance.SOPClassUID = MultiFrameGrayscaleWordSecondaryCaptureImageStorage
    instance.SOPInstanceUID = generate_uid()
    instance.StudyInstanceUID, instance.SeriesInstanceUID = STUDY_UID, SERIES_UID
    instance.PatientID, instance.Modality, instance.InstanceNumber = "P1", "OT", 1
    instance.SamplesPerPixel = 3 if array.ndim == 4 else 1
    instance.PhotometricInterpretation = photometric or ("RGB" if array.ndim == 4 else "MONOCHROME2")
    if array.ndim == 4:
        instance.PlanarConfiguration = 0
    instance.NumberOfFrames, instance.Rows, instance.Columns = array.shape[:3]
    instance.BitsAllocated = 8 * array.dtype.itemsize
    instance.BitsStored = bits or instance.BitsAllocated
    instance.HighBit = instance.BitsStored - 1
    instance.PixelRepresentation = int(array.dtype.kind == "i")
    content = array.tobytes()
    instance.PixelData = content + b"\0" * (len(content) % 2)
    instance["PixelData"].VR = "OW" if instance.BitsAllocated > 8 else "OB"
    for keyword, value in attributes.items():
        if value is None:
            instance.pop(keyword, None)
        else:
            setattr(instance, keyword, value)
    return instance


def encapsulated(
    instance: Dataset,
    path: Path,
    syntax: str,
    frames: Sequence[bytes],
    *,
    fragments: int = 1,
    table: str = "basic",
    **attributes: Any,
) -> Path:
    """Save codestreams as frames, with a "basic", an "extended" or no offset table."""
    if table == "extended":
        content, instance.ExtendedOffsetTable, instance.ExtendedOffsetTableLengths = encapsulate_extended(list(frames))
        instance.PixelData = content
    else:
        instance.PixelData = encapsulate(list(frames), fragments_per_frame=fragments, has_bot=table == "basic")
    instance["PixelData"].VR = "OB"
    instance["PixelData"].is_undefined_length = True
    for keyword, value in attributes.items():
        setattr(instance, keyword, value)
    return save(instance, path, syntax)


def compressed(instance: Dataset, path: Path, syntax: str, **options: Any) -> Path:
    """Compress by pydicom's encoders (RLE, JPEG-LS, JPEG 2000)."""
    instance.file_meta = dcmread(save(instance, path)).file_meta
    instance.set_original_encoding(False, True)
    instance.compress(syntax, generate_instance_uid=False, **options)
    instance.save_as(path, enforce_file_format=True)
    return path


def htj2k(array: Array, *, lossless: bool = True) -> list[bytes]:
    """Each frame as an HTJ2K codestream, by OpenJPH."""
    return [
        bytes(imagecodecs.htj2k_encode(frame, level=None if lossless else 0.002, reversible=lossless))
        for frame in array
    ]


def by_dcmtk(program: str, path: Path, *options: str) -> Path:
    """Convert a file by one of DCMTK's programs."""
    target = path.with_name(f"{path.stem}.{program}.dcm")
    subprocess.run([dcmtk(program), *options, str(path), str(target)], check=True, capture_output=True)
    return target


def instance_at(path: Path) -> Instance:
    """The one instance of a file."""
    (instance,) = read_study([path]).instances
    return instance


def stored(path: Path) -> Array:
    """All frames of a file, as Gantry reads their stored values."""
    instance = instance_at(path)
    form = pixel_format(instance)
    out = np.empty((form.frames, *form.shape), form.dtype)
    read_stored_frames([FrameRequest(instance, form, out[frame], frame) for frame in range(form.frames)])
    return out


def stored_or_refused(path: Path) -> Array | Refused:
    """What :func:`stored` gives, or the refusal."""
    try:
        return stored(path)
    except Refused as refused:
        return refused
