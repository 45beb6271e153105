"""The published hour of a large hospital: which studies come, of how many images, of how many bytes, and when.

Guy's and St Thomas', peak hour (Project-MONAI/monai-deploy, performance-testing/README.md): 120 X-ray of 3 images and
30 MB, 50 ultrasound of 30 and 9.2 MB, 30 CT of 60 and 32 MB, of which some multislice of 500 and 262 MB, 25 MR of 200
and 26 MB. How many of the CT are multislice is not published: here it is every fifth.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.uid import (
    CTImageStorage,
    DigitalXRayImageStorageForPresentation,
    MRImageStorage,
    UltrasoundImageStorage,
)

from phantoms.volumes.common import new_series, set_plane
from tests.reliability.examinations import SmallInstance

_FIRST_NUMBER = 10_000
"""Numbers of images all have five digits, so that they can be replaced in the bytes of a header."""


@dataclass(frozen=True)
class Kind:
    """One kind of study: how many come in an hour, of how many images, of how many rows and columns of 16 bits."""

    name: str
    sop_class_uid: str
    per_hour: float
    images: int
    rows: int
    columns: int

    @property
    def megabytes(self) -> float:
        """Size of the pixels of a study."""
        return self.images * self.rows * self.columns * 2 / 1e6


PEAK = (
    Kind("X-ray", str(DigitalXRayImageStorageForPresentation), 120, 3, 2500, 2000),
    Kind("ultrasound", str(UltrasoundImageStorage), 50, 30, 400, 384),
    Kind("CT", str(CTImageStorage), 24, 60, 512, 520),
    Kind("CT multislice", str(CTImageStorage), 6, 500, 512, 512),
    Kind("MR", str(MRImageStorage), 25, 200, 256, 254),
)


@dataclass(frozen=True)
class Arrival:
    """A study that comes ``at`` so many seconds."""

    at: float
    number: int
    kind: Kind


def arrivals(seed: int, seconds: float, factor: float) -> list[Arrival]:
    """Each kind arrives by a Poisson process of its own, ``factor`` times as often as at the peak."""
    generator = random.Random(seed)
    times: list[tuple[float, Kind]] = []
    for kind in PEAK:
        at = generator.expovariate(kind.per_hour * factor / 3600)
        while at < seconds:
            times.append((at, kind))
            at += generator.expovariate(kind.per_hour * factor / 3600)
    return [
        Arrival(at, seed * 1_000_000 + number, kind)
        for number, (at, kind) in enumerate(sorted(times, key=lambda each: each[0]))
    ]


def images(arrival: Arrival) -> Iterator[SmallInstance]:
    """The images of a study, of the published size; every series says that it is MR, as the app takes no other."""
    kind = arrival.kind
    header = _header(arrival)
    study, series, first = str(header.StudyInstanceUID), str(header.SeriesInstanceUID), f"{_FIRST_NUMBER}"
    encoded = _encoded(header)
    size = kind.rows * kind.columns * 2
    pixels = b"\xe0\x7f\x10\x00OW\0\0" + size.to_bytes(4, "little") + _noise()[:size]
    for index in range(kind.images):
        number = f"{_FIRST_NUMBER + index}"
        uid = f"{series}.{number}"
        data_set = encoded.replace(f"{series}.{first}".encode(), uid.encode()).replace(
            b"IS\x06\x00" + first.encode(), b"IS\x06\x00" + number.encode()
        )
        yield SmallInstance(study, kind.sop_class_uid, uid, data_set + pixels)


def _header(arrival: Arrival) -> Dataset:
    header = new_series(MRImageStorage, "MR", arrival.number, 1, arrival.kind.name)
    header.SOPClassUID = arrival.kind.sop_class_uid
    # Short enough for the numbers behind it.
    header.SeriesInstanceUID = f"2.25.{arrival.number}.{arrival.kind.rows}"
    header.SOPInstanceUID = f"{header.SeriesInstanceUID}.{_FIRST_NUMBER}"
    header.BodyPartExamined = "HEAD"
    header.InstanceNumber = _FIRST_NUMBER
    header.ImageType = ["ORIGINAL", "PRIMARY"]
    set_plane(header, np.diag([0.5, 0.5, 1.0, 1.0]), 0)
    header.SamplesPerPixel = 1
    header.PhotometricInterpretation = "MONOCHROME2"
    header.Rows, header.Columns = arrival.kind.rows, arrival.kind.columns
    header.BitsAllocated = header.BitsStored = 16
    header.HighBit, header.PixelRepresentation = 15, 0
    return header


def _encoded(header: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_implicit_VR, buffer.is_little_endian = False, True
    write_dataset(buffer, header)
    return buffer.getvalue()


@cache
def _noise() -> bytes:
    largest = max(kind.rows * kind.columns * 2 for kind in PEAK)
    return np.random.default_rng(0).bytes(largest)
