"""What all volume phantoms share: identity, place of a slice in the patient, pixels, and the truth about them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import DSfloat

from phantoms.identity import (
    Equipment,
    Study,
    date_and_time,
    derived_uid,
    new_instance,
    order_of,
    patient_of,
    save,
    set_equipment,
    set_instance_uid,
    set_study,
)

Array = NDArray[Any]
Affine = NDArray[np.float64]

SCANNER = Equipment(
    manufacturer="Gantry Phantoms",
    model="Simulated volume scanner",
    serial_number="SIM-0003",
    software_version="1.0",
    station_name="PHANTOMVOL",
)

EachSlice = Callable[[int], Mapping[str, Any]]
"""Attributes by keyword of one slice, from its index in the array; None removes one."""


@dataclass(frozen=True)
class WrittenVolume:
    """A series on disk and its truth: `paths` in the order of writing.

    `array` holds the values in the modality's units as float64, (slice, row, column) or (volume, slice, row, column);
    `affine` maps (column, row, slice, 1) to LPS mm.
    """

    folder: Path
    paths: tuple[Path, ...]
    array: Array
    affine: Affine


def study_of(seed: int, description: str) -> Study:
    """The study that the phantoms of one seed belong to."""
    return Study(
        uid=derived_uid("volume", seed),
        patient=patient_of(seed),
        order=order_of(seed, description),
        started=datetime(2026, 2, 3, 10, 0),
        description=description,
    )


def new_series(sop_class_uid: UID, modality: str, seed: int, number: int, description: str) -> Dataset:
    """An object with all that the instances of one series have in common, but no pixels."""
    study = study_of(seed, "Volume phantom")
    instance = new_instance(sop_class_uid)
    set_study(instance, study)
    set_equipment(instance, SCANNER)
    for event in ("Series", "Acquisition", "Content", "InstanceCreation"):
        day, time = date_and_time(study.started)
        setattr(instance, f"{event}Date", day)
        setattr(instance, f"{event}Time", time)
    instance.Modality = modality
    instance.SeriesInstanceUID = derived_uid(study.uid, number)
    instance.SeriesNumber = number
    instance.SeriesDescription = description
    instance.ProtocolName = description
    instance.FrameOfReferenceUID = derived_uid(study.uid, "frame of reference")
    instance.PositionReferenceIndicator = None
    instance.PatientPosition = "HFS"
    instance.BodyPartExamined = "CHEST"
    instance.AcquisitionNumber = 1
    instance.BurnedInAnnotation = "NO"
    instance.LossyImageCompression = "00"
    return instance


def decimals(values: Sequence[float] | NDArray[np.float64]) -> list[DSfloat]:
    """Decimal strings, which hold at most 16 characters (PS3.5 6.2)."""
    return [DSfloat(float(value), auto_format=True) for value in values]


def spacing_of(affine: Affine) -> NDArray[np.float64]:
    """Column, row and slice spacing in mm."""
    return np.asarray(np.linalg.norm(affine[:3, :3], axis=0))


def orientation_of(affine: Affine) -> list[DSfloat]:
    """Image Orientation (Patient): direction of a row, then of a column."""
    spacing = spacing_of(affine)
    return decimals([*affine[:3, 0] / spacing[0], *affine[:3, 1] / spacing[1]])


def position_of(affine: Affine, index: int) -> list[DSfloat]:
    """Image Position (Patient) of a slice."""
    return decimals(affine[:3, 3] + index * affine[:3, 2])


def slice_distance(affine: Affine) -> float:
    """Distance of neighbouring slices along their normal, in mm."""
    normal = np.cross(affine[:3, 0], affine[:3, 1])
    return abs(float(affine[:3, 2] @ normal) / float(np.linalg.norm(normal)))


def set_plane(instance: Dataset, affine: Affine, index: int) -> None:
    """Write the Image Plane module (PS3.3 C.7.6.2) of a slice."""
    spacing = spacing_of(affine)
    instance.PixelSpacing = decimals([spacing[1], spacing[0]])
    instance.ImageOrientationPatient = orientation_of(affine)
    instance.ImagePositionPatient = position_of(affine, index)
    instance.SliceThickness = decimals([slice_distance(affine)])[0]


def set_pixels(instance: Dataset, pixels: Array, bits_stored: int) -> None:
    """Write the Image Pixel module (PS3.3 C.7.6.3) of monochrome integers, (row, column) or (frame, row, column)."""
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.Rows, instance.Columns = pixels.shape[-2:]
    instance.BitsAllocated = 8 * pixels.dtype.itemsize
    instance.BitsStored = bits_stored
    instance.HighBit = bits_stored - 1
    instance.PixelRepresentation = int(pixels.dtype.kind == "i")
    instance.PixelData = pixels.tobytes() + b"\0" * (pixels.nbytes % 2)
    instance["PixelData"].VR = "OW"


def set_attributes(instance: Dataset, attributes: Mapping[str, Any]) -> None:
    """Set attributes by keyword; None removes one."""
    for keyword, value in attributes.items():
        if value is None:
            instance.pop(keyword, None)
        else:
            setattr(instance, keyword, value)


def write_slices(
    series: Dataset,
    stored: Array,
    affine: Affine,
    folder: Path,
    *,
    bits_stored: int,
    each: EachSlice | None = None,
    first_number: int = 1,
) -> tuple[Path, ...]:
    """Write each slice of `stored` (slice, row, column) as one instance to `folder`/`<instance number>.dcm`."""
    paths = []
    for index, pixels in enumerate(stored):
        instance = Dataset()
        instance.update(series)
        instance.file_meta = series.file_meta
        number = first_number + index
        set_instance_uid(instance, derived_uid(series.SeriesInstanceUID, number))
        instance.InstanceNumber = number
        set_plane(instance, affine, index)
        set_pixels(instance, pixels, bits_stored)
        if each is not None:
            set_attributes(instance, each(index))
        path = folder / f"{number:04d}.dcm"
        save(instance, path)
        paths.append(path)
    return tuple(paths)
