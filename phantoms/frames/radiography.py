"""Projection radiographs: XA and RF runs, DX, CR and mammograms (PS3.3 A.2, A.14, A.16, A.26 and A.27)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    DigitalMammographyXRayImageStorageForPresentation,
    DigitalXRayImageStorageForPresentation,
    XRayAngiographicImageStorage,
    XRayRadiofluoroscopicImageStorage,
)

from phantoms.frames.common import WrittenFrames, code, new_picture, set_pixels, write
from phantoms.frames.pictures import greys


def write_run(
    folder: Path,
    *,
    modality: str = "XA",
    frames: int = 6,
    rows: int = 32,
    columns: int = 40,
    bits: int = 10,
    frame_times: tuple[float, ...] = (),
    imager_spacing: float | None = 0.2,
    seed: int = 1,
    number: int = 1,
    **attributes: Any,
) -> WrittenFrames:
    """Write an angiographic (XA) or fluoroscopic (RF) run; ``frame_times`` are increments in ms, else 15 frames a s."""
    sop_class = XRayAngiographicImageStorage if modality == "XA" else XRayRadiofluoroscopicImageStorage
    instance = new_picture(sop_class, modality, "Run", seed=seed, number=number)
    array = greys(rows, columns, frames, bits=bits)
    set_pixels(instance, array, bits=bits)
    instance.NumberOfFrames = frames
    instance.ImageType = ["ORIGINAL", "PRIMARY", "SINGLE PLANE"]
    instance.PixelIntensityRelationship = "LIN"
    instance.KVP, instance.RadiationSetting = 80, "GR"
    instance.PositionerMotion = "STATIC"
    instance.PositionerPrimaryAngle, instance.PositionerSecondaryAngle = 30, 0
    instance.DistanceSourceToDetector, instance.DistanceSourceToPatient = 1000, 750
    instance.Exposure, instance.ExposureTime, instance.XRayTubeCurrent = 10, 20, 500
    if imager_spacing is not None:
        instance.ImagerPixelSpacing = [imager_spacing, imager_spacing]
    if frame_times:
        instance.FrameTimeVector = list(frame_times)
        instance.FrameIncrementPointer = 0x00181065
        times = np.cumsum([0.0, *frame_times[1:]])
    else:
        instance.FrameTime = 66.67
        instance.FrameIncrementPointer = 0x00181063
        times = np.arange(frames) * 66.67
    instance.WindowCenter, instance.WindowWidth = 1 << (bits - 1), 1 << bits
    path = write(instance, folder, attributes)
    return WrittenFrames(path, array, times, (imager_spacing, imager_spacing) if imager_spacing else None)


def write_radiograph(
    folder: Path,
    *,
    modality: str = "DX",
    photometric: str = "MONOCHROME2",
    bits: int = 12,
    rows: int = 40,
    columns: int = 32,
    imager_spacing: float = 0.14,
    seed: int = 1,
    number: int = 1,
    **attributes: Any,
) -> WrittenFrames:
    """Write a digital (DX) or computed (CR) radiograph of the chest, or a mammogram (MG), for presentation."""
    sop_class = {
        "DX": DigitalXRayImageStorageForPresentation,
        "CR": ComputedRadiographyImageStorage,
        "MG": DigitalMammographyXRayImageStorageForPresentation,
    }[modality]
    instance = new_picture(sop_class, modality, "Chest PA", seed=seed, number=number)
    array = greys(rows, columns, bits=bits)
    set_pixels(instance, array, bits=bits, photometric=photometric)
    instance.ImagerPixelSpacing = [imager_spacing, imager_spacing]
    instance.WindowCenter, instance.WindowWidth = 1 << (bits - 1), 1 << bits
    instance.BodyPartExamined, instance.ViewPosition = "CHEST", "PA"
    if modality == "CR":
        instance.PlateID, instance.KVP = "PLATE1", 110
        del instance.Laterality
        instance.ImageType = ["ORIGINAL", "PRIMARY"]
    else:
        _set_digital_x_ray(instance, photometric)
    if modality == "MG":
        _set_mammography(instance)
    return WrittenFrames(write(instance, folder, attributes), array, np.zeros(1), (imager_spacing, imager_spacing))


def _set_digital_x_ray(instance: Any, photometric: str) -> None:
    instance.PresentationIntentType = "FOR PRESENTATION"
    instance.ImageType = ["DERIVED", "PRIMARY"]
    instance.PixelIntensityRelationship, instance.PixelIntensityRelationshipSign = "LOG", -1
    instance.RescaleIntercept, instance.RescaleSlope, instance.RescaleType = 0, 1, "US"
    instance.PresentationLUTShape = "INVERSE" if photometric == "MONOCHROME1" else "IDENTITY"
    instance.DetectorType, instance.PositionerType = "DIRECT", None
    instance.PatientOrientation = ["L", "F"]
    instance.ImageLaterality = "U"
    instance.AnatomicRegionSequence = [code("51185008", "SCT", "Chest")]
    instance.ViewCodeSequence = [code("399348003", "SCT", "postero-anterior projection")]
    del instance.Laterality


def _set_mammography(instance: Any) -> None:
    instance.SeriesDescription = "L CC"
    instance.BodyPartExamined, instance.ImageLaterality, instance.ViewPosition = "BREAST", "L", "CC"
    instance.PositionerType, instance.OrganExposed = "MAMMOGRAPHIC", "BREAST"
    instance.BreastImplantPresent = "NO"
    instance.PatientOrientation = ["P", "L"]
    instance.AnatomicRegionSequence = [code("76752008", "SCT", "Breast")]
    view = code("399162004", "SCT", "cranio-caudal")
    view.ViewModifierCodeSequence = []
    instance.ViewCodeSequence = [view]
