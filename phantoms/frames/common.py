"""What all picture phantoms share: identity, pixels, and the truth about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID

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

CAMERA = Equipment(
    manufacturer="Gantry Phantoms",
    model="Simulated camera",
    serial_number="SIM-0004",
    software_version="1.0",
    station_name="PHANTOMCAM",
)


@dataclass(frozen=True, eq=False)
class WrittenFrames:
    """An instance on disk and its truth.

    ``array`` is (frame, row, column) as stored or (frame, row, column, 3) RGB; ``times`` are in ms since the first
    frame, None where the object does not tell; ``spacing`` is row and column spacing in mm, None likewise.
    """

    path: Path
    array: Array
    times: NDArray[np.float64] | None = None
    spacing: tuple[float, float] | None = None


def new_picture(sop_class_uid: UID, modality: str, description: str, *, seed: int, number: int) -> Dataset:
    """An object with all that is not peculiar to its modality, but no pixels."""
    study = Study(
        uid=derived_uid("frames", seed),
        patient=patient_of(seed),
        order=order_of(seed, "Picture phantom"),
        started=datetime(2026, 2, 4, 11, 0),
        description="Picture phantom",
    )
    instance = new_instance(sop_class_uid)
    set_study(instance, study)
    set_equipment(instance, CAMERA)
    for event in ("Series", "Acquisition", "Content"):
        day, time = date_and_time(study.started)
        setattr(instance, f"{event}Date", day)
        setattr(instance, f"{event}Time", time)
    day, time = date_and_time(study.started)
    instance.AcquisitionDateTime = day + time
    instance.Modality = modality
    instance.SeriesInstanceUID = derived_uid(study.uid, modality, number)
    set_instance_uid(instance, derived_uid(study.uid, modality, number, 1))
    instance.SeriesNumber = number
    instance.InstanceNumber = 1
    instance.SeriesDescription = description
    instance.PatientOrientation = None
    instance.Laterality = None
    instance.BurnedInAnnotation = "NO"
    instance.LossyImageCompression = "00"
    instance.AcquisitionContextSequence = []
    return instance


def set_pixels(instance: Dataset, array: Array, *, bits: int | None = None, photometric: str | None = None) -> None:
    """Write (frame, row, column) monochrome or (frame, row, column, 3) colour as native pixel data."""
    samples = 3 if array.ndim == 4 else 1
    instance.SamplesPerPixel = samples
    instance.PhotometricInterpretation = photometric or ("RGB" if samples == 3 else "MONOCHROME2")
    if samples == 3:
        instance.PlanarConfiguration = 0
    instance.Rows, instance.Columns = array.shape[1:3]
    instance.BitsAllocated = 8 * array.dtype.itemsize
    instance.BitsStored = bits or instance.BitsAllocated
    instance.HighBit = instance.BitsStored - 1
    instance.PixelRepresentation = int(array.dtype.kind == "i")
    if len(array) > 1:
        instance.NumberOfFrames = len(array)
    content = array.tobytes()
    instance.PixelData = content + b"\0" * (len(content) % 2)
    instance["PixelData"].VR = "OW" if instance.BitsAllocated > 8 else "OB"


def set_attributes(instance: Dataset, attributes: Mapping[str, Any]) -> None:
    """Write attributes by keyword; None removes one."""
    for keyword, value in attributes.items():
        if value is None:
            instance.pop(keyword, None)
        else:
            setattr(instance, keyword, value)


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """An item of a code sequence (PS3.3 section 8)."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def write(instance: Dataset, folder: Path, attributes: Mapping[str, Any]) -> Path:
    """Save an object under its modality's name, with attributes by keyword on top."""
    set_attributes(instance, attributes)
    path = folder / f"{instance.Modality.lower()}_{instance.SeriesNumber}.dcm"
    save(instance, path)
    return path
