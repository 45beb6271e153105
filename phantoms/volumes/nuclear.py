"""Reconstructed nuclear medicine slices as one multi-frame NM image (PS3.3 A.5, C.8.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import NuclearMedicineImageStorage

from phantoms.identity import derived_uid, save, set_instance_uid
from phantoms.volumes.common import (
    Affine,
    Array,
    WrittenVolume,
    decimals,
    new_series,
    orientation_of,
    position_of,
    set_attributes,
    set_pixels,
    slice_distance,
    spacing_of,
)


def write_nm(
    folder: Path,
    stored: Array,
    affine: Affine,
    *,
    seed: int = 1,
    number: int = 5,
    time_slots: int = 1,
    **attributes: Any,
) -> WrittenVolume:
    """Write one NM image; with `time_slots`, `stored` is (time slot, slice, row, column): a gated tomogram.

    Spacing Between Slices is negative if the array runs against the normal of its slices (PS3.3 C.8.4.15).
    """
    volumes = stored.reshape(time_slots, -1, *stored.shape[-2:])
    frames = volumes.reshape(-1, *stored.shape[-2:])
    slices = volumes.shape[1]
    gated = time_slots > 1
    instance = new_series(NuclearMedicineImageStorage, "NM", seed, number, "SPECT")
    set_instance_uid(instance, derived_uid(instance.SeriesInstanceUID, 1))
    spacing = spacing_of(affine)
    backwards = float(np.cross(affine[:3, 0], affine[:3, 1]) @ affine[:3, 2]) < 0
    detector = Dataset()
    set_attributes(
        detector,
        {
            "CollimatorType": "PARA",
            "ImageOrientationPatient": orientation_of(affine),
            "ImagePositionPatient": position_of(affine, 0),
        },
    )
    energy = Dataset()
    energy.EnergyWindowName = "Tc99m"
    pointers = [Tag("SliceVector")]
    if gated:
        pointers = [Tag("RRIntervalVector"), Tag("TimeSlotVector"), Tag("SliceVector")]
        instance.RRIntervalVector = [1] * len(frames)
        instance.NumberOfRRIntervals = 1
        instance.TimeSlotVector = np.repeat(np.arange(1, time_slots + 1), slices).tolist()
        instance.NumberOfTimeSlots = time_slots
        instance.GatedInformationSequence = Sequence()
    set_attributes(
        instance,
        {
            "PatientPosition": None,
            "CountsAccumulated": int(frames.sum()),
            "RotationInformationSequence": Sequence(),
            "NumberOfRotations": 1,
            "ImageType": ["ORIGINAL", "PRIMARY", "RECON GATED TOMO" if gated else "RECON TOMO", "EMISSION"],
            "InstanceNumber": 1,
            "NumberOfFrames": len(frames),
            "FrameIncrementPointer": pointers,
            "SliceVector": np.tile(np.arange(1, slices + 1), time_slots).tolist(),
            "NumberOfSlices": slices,
            "PixelSpacing": decimals([spacing[1], spacing[0]]),
            "SliceThickness": decimals([slice_distance(affine)])[0],
            "SpacingBetweenSlices": decimals([slice_distance(affine) * (-1 if backwards else 1)])[0],
            "DetectorInformationSequence": Sequence([detector]),
            "NumberOfDetectors": 1,
            "EnergyWindowInformationSequence": Sequence([energy]),
            "NumberOfEnergyWindows": 1,
            "RadiopharmaceuticalInformationSequence": Sequence(),
            "PatientOrientationCodeSequence": Sequence(),
            "PatientGantryRelationshipCodeSequence": Sequence(),
        },
    )
    set_pixels(instance, frames, 8 * frames.dtype.itemsize)
    set_attributes(instance, attributes)
    path = folder / "nm.dcm"
    save(instance, path)
    return WrittenVolume(folder, (path,), stored.astype(np.float64), affine)
