"""Reconstructed slices of nuclear medicine: the frames of an NM image, each with a header of its own (PS3.3 C.8.4)."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.uid import NuclearMedicineImageStorage
from pydicom.valuerep import DSfloat

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, values
from operators.read.headers.flat import decimals, flat_header, set_own
from operators.read.headers.items import items

# Which of each kind a frame belongs to (PS3.3 section C.8.4.8).
_VECTORS = (
    "EnergyWindowVector",
    "DetectorVector",
    "PhaseVector",
    "RotationVector",
    "RRIntervalVector",
    "TimeSlotVector",
    "TimeSliceVector",
    "SliceVector",
)

_RECONSTRUCTED = frozenset({"RECON TOMO", "RECON GATED TOMO"})


def is_nuclear(header: Dataset) -> bool:
    """Return whether an object is an NM image."""
    return text(header, "SOPClassUID") == NuclearMedicineImageStorage


def frame_headers(header: Dataset) -> Iterator[Dataset]:
    """Yield the header of each frame of reconstructed slices as if the frame were an instance of its own.

    Image Position and Orientation (Patient) are those of the detector item; slice k of the Slice Vector lies
    (k - 1) x Spacing Between Slices along the normal of the first slice, in front of it if the spacing is negative
    (PS3.3 section C.8.4.15). The vectors hold the frame's own number only. Raises :class:`MalformedAttributeError`
    when the frames are no reconstructed slices (planar images, projections) or do not tell where they lie.
    """
    kind = values(header, "ImageType")[2:3]
    if not kind or kind[0] not in _RECONSTRUCTED:
        raise MalformedAttributeError(f"NM frames of the type {kind[0] if kind else 'unknown'} are no slices")
    frames = integer(header, "NumberOfFrames") or 1
    vectors = {keyword: found for keyword in _VECTORS if (found := numbers(header, keyword))}
    wrong = [keyword for keyword, found in vectors.items() if len(found) != frames]
    if wrong or "SliceVector" not in vectors:
        raise MalformedAttributeError(f"{', '.join(wrong) or 'Slice Vector'} does not tell of each of {frames} frames")
    between = numbers(header, "SpacingBetweenSlices", count=1)
    detectors = [_detector(item, between) for item in items(header, "DetectorInformationSequence")]
    common = dict(header.items())
    for frame in range(frames):
        flat = flat_header(common, header)
        for keyword, found in vectors.items():
            set_own(flat, keyword, int(found[frame]))
        number = int(vectors["DetectorVector"][frame]) if "DetectorVector" in vectors else 1
        if not 1 <= number <= len(detectors):
            raise MalformedAttributeError(f"{_NO_PLACE}: there is no item of detector {number}")
        first, step, orientation = detectors[number - 1]
        place = first + (vectors["SliceVector"][frame] - 1) * step
        set_own(flat, "ImagePositionPatient", decimals(place))
        set_own(flat, "ImageOrientationPatient", orientation)
        yield flat


_NO_PLACE = "the NM slices lack Image Position, Image Orientation or Spacing Between Slices"


def _detector(
    item: Dataset, between: tuple[float, ...]
) -> tuple[NDArray[np.float64], NDArray[np.float64], MultiValue[DSfloat]]:
    """Position of a detector's first slice, step to the next one, and orientation."""
    position = numbers(item, "ImagePositionPatient", count=3)
    orientation = numbers(item, "ImageOrientationPatient", count=6)
    if not (position and orientation and between):
        raise MalformedAttributeError(_NO_PLACE)
    normal = np.cross(orientation[:3], orientation[3:])
    length = float(np.linalg.norm(normal))
    if length == 0.0:
        raise MalformedAttributeError(f"Image Orientation (Patient) {orientation} spans no plane")
    return np.array(position), between[0] * normal / length, item.ImageOrientationPatient
