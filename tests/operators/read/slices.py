"""Small MR series made by pydicom: every attribute that reading looks at is under the test's control."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    UID,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MRImageStorage,
    generate_uid,
)
from pydicom.valuerep import DSfloat

STUDY_UID = "1.2.826.0.1.3680043.10.1.1"
SERIES_UID = "1.2.826.0.1.3680043.10.1.2"
FRAME_OF_REFERENCE_UID = "1.2.826.0.1.3680043.10.1.3"

AXIAL = np.array([[0.9, 0.0, 0.0, -40.0], [0.0, 1.2, 0.0, -50.0], [0.0, 0.0, 3.0, 10.0], [0.0, 0.0, 0.0, 1.0]])
"""Affine (column, row, slice, 1) to LPS mm: 0.9 mm columns, 1.2 mm rows, 3 mm slices."""


def rotated(affine: NDArray[np.float64], degrees: float, axis: Sequence[float]) -> NDArray[np.float64]:
    """The affine turned about an axis through the origin (Rodrigues' formula)."""
    x, y, z = np.array(axis) / np.linalg.norm(axis)
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    angle = np.radians(degrees)
    turn = np.eye(4)
    turn[:3, :3] = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross
    return turn @ affine


def decimals(values: Sequence[float] | NDArray[np.float64]) -> list[DSfloat]:
    """Decimal strings of at most 16 characters."""
    return [DSfloat(float(value), auto_format=True) for value in values]


def slice_header(affine: NDArray[np.float64], index: int, rows: int, columns: int) -> Dataset:
    """The geometry of one slice, and what identifies it."""
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    header = Dataset()
    header.SOPClassUID = MRImageStorage
    header.SOPInstanceUID = generate_uid()
    header.StudyInstanceUID = STUDY_UID
    header.SeriesInstanceUID = SERIES_UID
    header.FrameOfReferenceUID = FRAME_OF_REFERENCE_UID
    header.Modality = "MR"
    header.PatientID = "P1"
    header.PatientName = "Doe^Jane"
    header.SeriesNumber = 4
    header.SeriesDescription = "test"
    header.ImageType = ["ORIGINAL", "PRIMARY", "M"]
    header.InstanceNumber = index + 1
    header.ImagePositionPatient = decimals(affine[:3, 3] + index * affine[:3, 2])
    header.ImageOrientationPatient = decimals([*affine[:3, 0] / spacing[0], *affine[:3, 1] / spacing[1]])
    header.PixelSpacing = decimals([spacing[1], spacing[0]])
    header.Rows, header.Columns = rows, columns
    return header


def headers_of(affine: NDArray[np.float64], slices: int, rows: int = 6, columns: int = 5) -> list[Dataset]:
    """Headers of a whole stack, in the order of the slices."""
    return [slice_header(affine, index, rows, columns) for index in range(slices)]


def instance_of(header: Dataset, pixels: NDArray[np.generic], **attributes: Any) -> Dataset:
    """An MR instance with native pixels of the array's dtype; attributes by keyword, None removes one."""
    instance = Dataset()
    instance.update(header)
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.BitsAllocated = instance.BitsStored = 8 * pixels.dtype.itemsize
    instance.HighBit = instance.BitsStored - 1
    instance.PixelRepresentation = int(pixels.dtype.kind == "i")
    instance.Rows, instance.Columns = pixels.shape[:2]
    instance.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    instance["PixelData"].VR = "OW"
    for keyword, value in attributes.items():
        if value is None:
            instance.pop(keyword, None)
        else:
            setattr(instance, keyword, value)
    return instance


def save(instance: Dataset, path: Path, transfer_syntax: str = ExplicitVRLittleEndian) -> Path:
    """Write one instance as a DICOM file; the pixel data must suit the transfer syntax already."""
    path.parent.mkdir(parents=True, exist_ok=True)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = UID(transfer_syntax)
    meta.MediaStorageSOPClassUID = instance.SOPClassUID
    meta.MediaStorageSOPInstanceUID = instance.SOPInstanceUID
    instance.file_meta = meta
    instance.save_as(
        path,
        enforce_file_format=True,
        implicit_vr=transfer_syntax == ImplicitVRLittleEndian,
        little_endian=transfer_syntax != ExplicitVRBigEndian,
    )
    return path


def write_series(
    folder: Path,
    array: NDArray[np.generic],
    affine: NDArray[np.float64] = AXIAL,
    *,
    transfer_syntax: str = ExplicitVRLittleEndian,
    **attributes: Any,
) -> list[Path]:
    """Write one file per slice of ``array`` (slice, row, column); attributes by keyword go into each of them."""
    return [
        save(
            instance_of(slice_header(affine, index, *pixels.shape), pixels, **attributes),
            folder / f"{index:03d}.dcm",
            transfer_syntax,
        )
        for index, pixels in enumerate(array)
    ]


def ramp(dtype: Any, shape: tuple[int, int, int] = (4, 6, 5), start: int = 0, step: int = 3) -> NDArray[Any]:
    """An array whose every voxel is different, so that no flip or shift goes unseen."""
    return (start + step * np.arange(np.prod(shape))).reshape(shape).astype(dtype)
