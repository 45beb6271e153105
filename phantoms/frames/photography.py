"""Colour pictures: fundus (OP), endoscopy (ES), skin and clinical photographs (PS3.3 A.32 and A.41)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import (
    UID,
    OphthalmicPhotography8BitImageStorage,
    VLEndoscopicImageStorage,
    VLPhotographicImageStorage,
)

from phantoms.frames.common import WrittenFrames, code, new_picture, set_pixels, write
from phantoms.frames.pictures import colours
from phantoms.identity import derived_uid

_DERMOSCOPIC_PHOTOGRAPHY = UID("1.2.840.10008.5.1.4.1.1.77.1.7")

_CLASSES = {
    "OP": OphthalmicPhotography8BitImageStorage,
    "ES": VLEndoscopicImageStorage,
    "XC": VLPhotographicImageStorage,
    "DMS": _DERMOSCOPIC_PHOTOGRAPHY,
}


def write_photograph(
    folder: Path,
    *,
    modality: str = "XC",
    rows: int = 40,
    columns: int = 48,
    frames: int = 1,
    spacing: float | None = None,
    seed: int = 1,
    number: int = 1,
    **attributes: Any,
) -> WrittenFrames:
    """Write a colour photograph: ophthalmic (OP), endoscopic (ES), photographic (XC) or dermoscopic (DMS)."""
    instance = new_picture(_CLASSES[modality], modality, "Photograph", seed=seed, number=number)
    array = colours(rows, columns, frames)
    set_pixels(instance, array)
    instance.ImageType = ["ORIGINAL", "PRIMARY"]
    if spacing is not None:
        instance.PixelSpacing = [spacing, spacing]
    if modality == "OP":
        _set_ophthalmic(instance)
    if modality == "DMS":
        _set_dermoscopic(instance)
    path = write(instance, folder, attributes)
    return WrittenFrames(path, array, np.zeros(1) if frames == 1 else None, (spacing, spacing) if spacing else None)


def _set_ophthalmic(instance: Any) -> None:
    instance.ImageType = ["ORIGINAL", "PRIMARY", "", "COLOR"]
    instance.NumberOfFrames = 1
    instance.ImageLaterality = "R"
    instance.AnatomicRegionSequence = [code("81745001", "SCT", "Eye")]
    instance.AcquisitionDeviceTypeCodeSequence = [code("409898007", "SCT", "Fundus Camera")]
    instance.IlluminationTypeCodeSequence = []
    instance.LightPathFilterTypeStackCodeSequence = []
    instance.ImagePathFilterTypeStackCodeSequence = []
    instance.LensesCodeSequence = []
    instance.EmmetropicMagnification, instance.IntraOcularPressure = None, None
    instance.HorizontalFieldOfView, instance.RefractiveStateSequence = None, []
    instance.PupilDilated = None
    instance.DetectorType = "CCD"
    instance.PatientEyeMovementCommanded = None
    instance.SynchronizationFrameOfReferenceUID = derived_uid(instance.StudyInstanceUID, "time")
    instance.SynchronizationTrigger, instance.AcquisitionTimeSynchronized = "NO TRIGGER", "N"
    instance.FrameTime, instance.FrameIncrementPointer = 0, 0x00181063
    del instance.Laterality


def _set_dermoscopic(instance: Any) -> None:
    instance.AnatomicRegionSequence = [code("181469002", "SCT", "Skin")]
    instance.FrameOfReferenceUID = derived_uid(instance.StudyInstanceUID, "frame of reference")
    instance.PositionReferenceIndicator = None
    instance.RecognizableVisualFeatures = "NO"
    instance.LightSourcePolarization = instance.EmitterColorTemperature = None
    instance.ContactMethod = instance.OpticalMagnificationFactor = None
