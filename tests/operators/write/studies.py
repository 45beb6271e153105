"""Small MR studies made here, headers only, so that writing is tested without reading."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian, MRImageStorage

from operators.manifest import OutputPart
from operators.provenance import uid_from_text
from operators.read.geometry.slices import Slice
from operators.read.study import Instance, Series, Study
from operators.read.volume import Volume
from operators.write.segment import Segment

LESION = Code("110702", "DCM", "White Matter T2 Hyperintensity")
ABNORMAL = Code("49755003", "SCT", "Morphologically Abnormal Structure")
ANATOMICAL = Code("91723000", "SCT", "Anatomical Structure")
WHITE_MATTER = Code("68523003", "SCT", "Cerebral White Matter")
LEFT = Code("7771000", "SCT", "Left")
RIGHT = Code("24028007", "SCT", "Right")

# (row direction, column direction) in LPS
_TILT = np.radians(10.0)
ORIENTATIONS = {
    "axial": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "oblique": ((1.0, 0.0, 0.0), (0.0, float(np.cos(_TILT)), float(np.sin(_TILT)))),
    "sagittal": ((0.0, 1.0, 0.0), (0.0, 0.0, -1.0)),
    "coronal": ((1.0, 0.0, 0.0), (0.0, 0.0, -1.0)),
}


def patient(**changes: object) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 100"
    header.PatientName = "Müller^Jürgen"
    header.PatientID = "P-0815"
    header.IssuerOfPatientID = "CLINIC"
    header.PatientBirthDate = "19510203"
    header.PatientSex = "M"
    header.PatientAge = "072Y"
    header.StudyInstanceUID = uid_from_text("test/study")
    header.StudyDate = "20230714"
    header.StudyTime = "101112.130"
    header.StudyID = "4711"
    header.AccessionNumber = "A20230714-1"
    header.ReferringPhysicianName = "Weiß^Anna"
    header.StudyDescription = "MR Schädel"
    for keyword, value in changes.items():
        if value is None:
            delattr(header, keyword)
        else:
            setattr(header, keyword, value)
    return header


def make_volume(
    orientation: str | tuple[Sequence[float], Sequence[float]] = "axial",
    shape: tuple[int, int, int] = (6, 10, 12),
    *,
    identity: Dataset | None = None,
    number: int = 3,
    description: str = "T2 FLAIR",
    reversed_order: bool = False,
    spacing: tuple[float, float, float] = (3.0, 0.98, 1.1),
    array: NDArray[np.generic] | None = None,
    origin: tuple[float, float, float] = (-62.5, -71.25, -33.1),
) -> Volume:
    """A volume whose source slices have this geometry; ``spacing`` is (slice, row, column).

    ``orientation`` is one of :data:`ORIENTATIONS`, or the directions of rows and columns themselves.

    With ``reversed_order`` the array runs against the direction of the slices' normal, as in feet-first lists.
    """
    directions = ORIENTATIONS[orientation] if isinstance(orientation, str) else orientation
    row, column = (np.array(direction) for direction in directions)
    normal = np.cross(row, column) * (-1 if reversed_order else 1)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1], affine[:3, 2] = row * spacing[2], column * spacing[1], normal * spacing[0]
    affine[:3, 3] = origin
    frame_of_reference = uid_from_text("test/frame of reference")
    instances = []
    for index in range(shape[0]):
        header = Dataset()
        header.update(identity if identity is not None else patient())
        header.SOPClassUID = MRImageStorage
        header.SOPInstanceUID = uid_from_text(f"test/{number}/{index}")
        header.Modality = "MR"
        header.SeriesInstanceUID = uid_from_text(f"test/series {number}")
        header.SeriesNumber = number
        header.SeriesDescription = description
        header.BodyPartExamined = "BRAIN"
        header.Manufacturer = "ACME"
        header.ManufacturerModelName = "Magnet 3T"
        header.StationName = "MR1"
        header.DeviceSerialNumber = "12345"
        header.SoftwareVersions = ["A", "B"]
        header.InstanceNumber = index + 1
        header.FrameOfReferenceUID = frame_of_reference
        header.PositionReferenceIndicator = ""
        header.ImagePositionPatient = [f"{value:.5f}" for value in affine[:3, 3] + index * affine[:3, 2]]
        header.ImageOrientationPatient = [f"{value:.8f}" for value in (*row, *column)]
        header.PixelSpacing = [f"{spacing[1]:.6f}", f"{spacing[2]:.6f}"]
        header.SliceThickness = f"{spacing[0]:.2f}"
        header.Rows, header.Columns = shape[1:]
        instances.append(Instance(Path(f"{index}.dcm"), header, _file_meta(header)))
    content = array if array is not None else np.zeros(shape, dtype=np.int16)
    return Volume(content, affine, frame_of_reference, tuple(Slice(item, item.header) for item in instances))


def _file_meta(header: Dataset) -> FileMetaDataset:
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    return meta


def as_series(volume: Volume) -> Series:
    return Series(UID(volume.instances[0].header.SeriesInstanceUID), volume.instances)


def as_study(*volumes: Volume) -> Study:
    series = tuple(as_series(volume) for volume in volumes)
    return Study(UID(series[0].header.StudyInstanceUID), series)


def segment(number: int, label: str, **changes: object) -> Segment:
    values: dict[str, object] = {
        "category": ANATOMICAL,
        "type": WHITE_MATTER,
        "tracking_identifier": label,
        "colour": (40 * number % 256, 200, 90),
        **changes,
    }
    return Segment(number=number, label=label, **values)  # type: ignore[arg-type]


LESIONS = OutputPart(object="segmentation", title="White matter lesions", series_number=9001)
REPORT = OutputPart(object="measurement_report", title="White matter report", series_number=9003)
SUMMARY = OutputPart(object="secondary_capture", title="White matter summary", series_number=9004)
