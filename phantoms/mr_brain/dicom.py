"""Write a simulated examination as MR Image Storage objects (PS3.3 A.4), as the scanner would."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, MRImageStorage
from pydicom.valuerep import DSfloat

from phantoms.identity import (
    Order,
    Patient,
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
from phantoms.mr_brain.data import Acquisition, BrainMRPhantom
from phantoms.mr_brain.headers import HEADERS, SCANNER


@dataclass(frozen=True)
class WrittenSeries:
    """One series on disk: `paths[i]` and `sop_instance_uids[i]` belong to slice i of `acquisition.array`."""

    sequence: str
    series_uid: UID
    sop_instance_uids: tuple[UID, ...]
    paths: tuple[Path, ...]
    acquisition: Acquisition


@dataclass(frozen=True)
class BrainMRStudy:
    """A written examination with its truth; nothing of the truth is in the files.

    `series` maps each sequence written ("FLAIR", "T1") to its series, whose acquisition holds the truth arrays.
    """

    folder: Path
    study: Study
    frame_of_reference_uid: UID
    series: dict[str, WrittenSeries]
    phantom: BrainMRPhantom

    @property
    def study_uid(self) -> UID:
        """Study Instance UID."""
        return self.study.uid

    @property
    def paths(self) -> tuple[Path, ...]:
        """Every file of the FLAIR and T1 series written."""
        return tuple(path for series in self.series.values() for path in series.paths)


def write_brain_mr(
    phantom: BrainMRPhantom,
    folder: Path | str,
    *,
    sequences: Sequence[str] = ("FLAIR", "T1"),
    patient: Patient | None = None,
    order: Order | None = None,
    character_set: str | list[str] = "ISO_IR 100",
    started: datetime | None = None,
    uid_salt: str = "",
) -> BrainMRStudy:
    """Write one file per slice to `folder`/`<series number>_<sequence>`/`<instance number>.dcm`.

    Patient and order follow from the seed unless given; every UID follows from the seed, the voxels and `uid_salt`, so
    that the same phantom gives the same objects and another one never reuses their UIDs. Both series share one Frame of
    Reference.
    """
    digest = _digest(phantom)
    uid_root = ("brain-mr", phantom.seed, digest, uid_salt)
    study = Study(
        uid=derived_uid(*uid_root),
        patient=patient or patient_of(phantom.seed),
        order=order or order_of(phantom.seed, "MR head, white matter lesions"),
        started=started or datetime(2026, 1, 5, 9, 0) + timedelta(days=phantom.seed % 300),
        description="MR head",
        character_set=character_set,
    )
    frame_of_reference = derived_uid(*uid_root, "frame of reference")
    series = {}
    for sequence in sequences:
        acquisition = phantom.flair if sequence == "FLAIR" else phantom.t1
        series_uid = derived_uid(*uid_root, sequence)
        instance = _series_header(study, sequence, series_uid, frame_of_reference)
        paths, uids = _write_slices(
            instance, acquisition.array, acquisition.affine, _series_folder(Path(folder), sequence), first_number=1
        )
        series[sequence] = WrittenSeries(sequence, series_uid, uids, paths, acquisition)
    return BrainMRStudy(Path(folder), study, frame_of_reference, series, phantom)


def write_localizer(written: BrainMRStudy) -> tuple[Path, ...]:
    """Add a localizer series to a written study: a sagittal, an axial and a coronal image through the middle.

    The planes are cut from the T1, which has cubic voxels. Returns the files.
    """
    t1 = written.phantom.t1
    series_uid = derived_uid(written.study_uid, "LOCALIZER")
    instance = _series_header(written.study, "LOCALIZER", series_uid, written.frame_of_reference_uid)
    folder = _series_folder(written.folder, "LOCALIZER")
    paths: list[Path] = []
    for number, axis in enumerate(range(3), start=1):
        middle = t1.array.shape[axis] // 2
        plane = np.take(t1.array, [middle], axis)
        array = np.moveaxis(plane, axis, 0)
        # Affine columns in the order (column, row, slice) of the cut: the two axes kept, then the one cut.
        kept = [other for other in range(3) if other != axis]
        affine = np.eye(4)
        for target, source in enumerate((kept[1], kept[0], axis)):
            affine[:3, target] = t1.affine[:3, 2 - source]
        affine[:3, 3] = t1.affine[:3, 3] + middle * t1.affine[:3, 2 - axis]
        paths += _write_slices(instance, array, affine, folder, first_number=number)[0]
    return tuple(paths)


def _digest(phantom: BrainMRPhantom) -> str:
    """SHA-256 of all voxels and both geometries."""
    digest = hashlib.sha256()
    for acquisition in (phantom.flair, phantom.t1):
        digest.update(np.ascontiguousarray(acquisition.array).tobytes() + acquisition.affine.tobytes())
    return digest.hexdigest()


def _series_folder(folder: Path, sequence: str) -> Path:
    return folder / f"{HEADERS[sequence].series_number:03d}_{sequence}"


def _series_header(study: Study, sequence: str, series_uid: UID, frame_of_reference: UID) -> Dataset:
    """Everything that the instances of one series have in common."""
    header = HEADERS[sequence]
    instance = new_instance(MRImageStorage)
    set_study(instance, study)
    set_equipment(instance, SCANNER)
    moment = study.started + timedelta(seconds=header.delay_seconds)
    for event in ("Series", "Acquisition", "Content", "InstanceCreation"):
        day, time = date_and_time(moment)
        setattr(instance, f"{event}Date", day)
        setattr(instance, f"{event}Time", time)
    instance.PerformedProcedureStepStartDate, instance.PerformedProcedureStepStartTime = date_and_time(study.started)
    instance.PerformedProcedureStepID = study.order.scheduled_procedure_step_id
    instance.PerformedProcedureStepDescription = study.order.requested_procedure_description
    instance.Modality = "MR"
    instance.SeriesInstanceUID = series_uid
    instance.SeriesNumber = header.series_number
    instance.SeriesDescription = header.description
    instance.ProtocolName = header.description
    instance.FrameOfReferenceUID = frame_of_reference
    instance.PositionReferenceIndicator = None
    instance.AcquisitionNumber = 1
    for keyword, value in header.attributes.items():
        setattr(instance, keyword, value)
    instance.SamplesPerPixel = 1
    instance.PhotometricInterpretation = "MONOCHROME2"
    instance.BitsAllocated = 16
    instance.BitsStored = 12
    instance.HighBit = 11
    instance.PixelRepresentation = 0
    instance.BurnedInAnnotation = "NO"
    instance.LossyImageCompression = "00"
    return instance


def _write_slices(
    instance: Dataset, array: NDArray[np.float32], affine: NDArray[np.float64], folder: Path, *, first_number: int
) -> tuple[tuple[Path, ...], tuple[UID, ...]]:
    """Write each slice of `array` (slice, row, column) as one instance; `affine` maps (column, row, slice, 1) to LPS.

    `instance` carries the common attributes and is filled and written again for each slice.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    row, column = affine[:3, 0] / spacing[0], affine[:3, 1] / spacing[1]
    normal = np.cross(row, column)
    instance.Rows, instance.Columns = array.shape[1:]
    instance.PixelSpacing = _decimals([spacing[1], spacing[0]])
    instance.SliceThickness = _decimals([spacing[2]])[0]
    instance.SpacingBetweenSlices = _decimals([spacing[2]])[0]
    instance.ImageOrientationPatient = _decimals([*row, *column])
    # Frequency rows, frequency columns, phase rows, phase columns (PS3.3 C.8.3.1): phase runs along the rows.
    instance.AcquisitionMatrix = [array.shape[1], 0, 0, array.shape[2]]
    low, high = np.percentile(array[array > 0], (1, 99.5)) if (array > 0).any() else (0.0, 1.0)
    instance.WindowCenter = f"{(low + high) / 2:.0f}"
    instance.WindowWidth = f"{max(high - low, 1):.0f}"

    paths, uids = [], []
    for index, pixels in enumerate(array):
        position = affine[:3, 3] + index * affine[:3, 2]
        number = first_number + index
        uid = derived_uid(instance.SeriesInstanceUID, number)
        set_instance_uid(instance, uid)
        instance.InstanceNumber = number
        instance.ImagePositionPatient = _decimals(position)
        instance.SliceLocation = _decimals([float(position @ normal)])[0]
        stored = pixels.astype("<u2")
        instance.SmallestImagePixelValue = int(stored.min())
        instance.LargestImagePixelValue = int(stored.max())
        instance.PixelData = stored.tobytes()
        path = folder / f"{number:04d}.dcm"
        save(instance, path)
        paths.append(path)
        uids.append(uid)
    return tuple(paths), tuple(uids)


def _decimals(values: Sequence[float] | NDArray[np.float64]) -> list[DSfloat]:
    """Decimal strings, which hold at most 16 characters (PS3.5 6.2)."""
    return [DSfloat(float(value), auto_format=True) for value in values]
