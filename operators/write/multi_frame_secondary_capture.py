"""Rendered pages or slices → multi-frame Secondary Capture images (PS3.3 A.8.2 to A.8.5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.tag import Tag
from pydicom.uid import (
    UID,
    MultiFrameGrayscaleByteSecondaryCaptureImageStorage,
    MultiFrameGrayscaleWordSecondaryCaptureImageStorage,
    MultiFrameSingleBitSecondaryCaptureImageStorage,
    MultiFrameTrueColorSecondaryCaptureImageStorage,
)
from pydicom.valuerep import DSfloat

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.pictures.projection import PixelSpacing
from operators.read.study import Series, Study
from operators.read.volume import Volume
from operators.write.base.decimals import decimals
from operators.write.base.identity import copy_attributes
from operators.write.base.planes import check_on_source, source_groups
from operators.write.base.result import finish
from operators.write.base.texts import require_text
from operators.write.pages.capture import check_capture, new_capture, write_image_pixels


@dataclass(frozen=True)
class FrameVector:
    """What tells the frames apart: pages of a document unless places or times are given.

    ``slice_locations`` are in mm, one for each frame; ``frame_time`` is the time from frame to frame in ms; ``labels``
    are texts of at most 16 characters, one for each frame.
    """

    slice_locations: Sequence[float] | None = None
    frame_time: float | None = None
    labels: Sequence[str] | None = None


PAGES = FrameVector()

_LONGEST = 0xFFFE
"""Bytes that a value of a text VR can have in explicit VR (PS3.5 7.1.2): it limits the frames of one instance."""


def write_multi_frame_secondary_capture(
    output_name: str,
    output: OutputPart,
    study: Study,
    frames: NDArray[np.bool_] | NDArray[np.uint8] | NDArray[np.uint16],
    source: Sequence[Series],
    analysis: Analysis,
    *,
    vector: FrameVector = PAGES,
    volume: Volume | None = None,
    spacing: PixelSpacing | None = None,
    calibration: str = "",
) -> FileDataset:
    """Return a multi-frame Secondary Capture of the kind that ``frames`` need.

    ``frames`` are (frame, row, column) of bool (single bit), uint8 (greyscale byte) or uint16 (greyscale word: as many
    bits as the values need, at least 9), or (frame, row, column, 3) of uint8 in sRGB (true colour). ``source`` are the
    series that they show, ``spacing`` and ``calibration`` as in
    :func:`~operators.write.secondary_capture.write_secondary_capture`. Where frames are the source slices of a
    ``volume``, pixel for pixel, they have their places in the patient.

    Raises :class:`ValueError` for frames of another shape or type, a vector that does not fit them, more of them than
    an instance can hold, and a volume on whose slices they do not lie or that their kind has no place for.
    """
    sop_class_uid, bits = _kind(frames)
    if volume is not None:
        _check_volume(volume, frames, spacing)
    check_capture(frames[0], spacing, calibration)
    increments = _vector_values(vector, len(frames))
    result = new_capture(
        sop_class_uid, output_name, output, study, source, analysis, spacing=spacing, calibration=calibration
    )
    result.NumberOfFrames = len(frames)
    _write_vector(increments, result)
    if frames.ndim == 3 and bits > 1:
        # What is stored is what is shown (C.8.6.3).
        result.PresentationLUTShape = "IDENTITY"
        result.RescaleIntercept, result.RescaleSlope, result.RescaleType = "0", "1", "US"
    if volume is not None:
        _write_places(volume, result)
    write_image_pixels(result, frames, colour=frames.ndim == 4, bits=bits)
    return finish(result)


def _kind(frames: NDArray[np.generic]) -> tuple[UID, int]:
    """Return the SOP class and the bits stored."""
    if frames.size:
        if frames.ndim == 4 and frames.shape[3] == 3 and frames.dtype == np.uint8:
            return MultiFrameTrueColorSecondaryCaptureImageStorage, 8
        if frames.ndim == 3 and frames.dtype == np.bool_:
            return MultiFrameSingleBitSecondaryCaptureImageStorage, 1
        if frames.ndim == 3 and frames.dtype == np.uint8:
            return MultiFrameGrayscaleByteSecondaryCaptureImageStorage, 8
        if frames.ndim == 3 and frames.dtype == np.uint16:
            return MultiFrameGrayscaleWordSecondaryCaptureImageStorage, max(9, int(frames.max()).bit_length())
    raise ValueError(
        "frames are (frame, row, column) of bool, uint8 or uint16 or (frame, row, column, 3) of uint8, "
        f"not {frames.shape} of {frames.dtype}"
    )


def _check_volume(volume: Volume, frames: NDArray[np.generic], spacing: PixelSpacing | None) -> None:
    if frames.dtype == np.bool_:
        raise ValueError("single-bit frames have no functional groups that could place them (table A.8-2)")
    if spacing is not None:
        raise ValueError("the spacing is that of the volume's slices")
    check_on_source(volume, frames.shape[:3])


def _write_places(volume: Volume, result: Dataset) -> None:
    """Write Frame of Reference and Multi-frame Functional Groups (tables A.8-3b, A.8-4b and A.8-5b)."""
    result.FrameOfReferenceUID = volume.frame_of_reference_uid
    result.PositionReferenceIndicator = None
    copy_attributes(volume.slices[0].header, result, ("PositionReferenceIndicator",))
    result.SharedFunctionalGroupsSequence = DicomSequence([source_groups(volume)])
    places = []
    for item in volume.slices:
        position, groups = Dataset(), Dataset()
        copy_attributes(item.header, position, ("ImagePositionPatient",))
        groups.PlanePositionSequence = DicomSequence([position])
        places.append(groups)
    result.PerFrameFunctionalGroupsSequence = DicomSequence(places)


def _vector_values(vector: FrameVector, count: int) -> dict[str, Sequence[DSfloat | int | str]]:
    """Return what tells the frames apart by keyword (C.7.6.5, C.8.6.4)."""
    for what, given in (("slice locations", vector.slice_locations), ("labels", vector.labels)):
        if given is not None and len(given) != count:
            raise ValueError(f"there are {len(given)} {what} for {count} frames")
    if vector.slice_locations is not None and not np.isfinite(vector.slice_locations).all():
        raise ValueError("a slice location is not finite")
    if vector.slice_locations is not None and vector.frame_time is not None:
        raise ValueError("frames are told apart by places or by times, not by both")
    if vector.frame_time is not None and not (np.isfinite(vector.frame_time) and vector.frame_time > 0):
        raise ValueError(f"the time between frames is {vector.frame_time} ms")
    for label in vector.labels or ():
        require_text("a frame's label", label, "SH")
    values: dict[str, Sequence[DSfloat | int | str]] = {}
    if vector.frame_time is not None:
        values["FrameTime"] = decimals([vector.frame_time])
    elif vector.slice_locations is not None:
        values["SliceLocationVector"] = decimals(vector.slice_locations)
    else:
        values["PageNumberVector"] = range(1, count + 1)
    if vector.labels is not None:
        values["FrameLabelVector"] = vector.labels
    for keyword, found in values.items():
        # The most that the text can take, in any character set; UTF-8 has at most 4 bytes a character.
        if sum((1 if str(value).isascii() else 4) * len(str(value)) + 1 for value in found) > _LONGEST:
            raise ValueError(f"{count} frames are too many for one instance: {keyword} does not hold them")
    return values


def _write_vector(values: Mapping[str, Sequence[DSfloat | int | str]], result: Dataset) -> None:
    """Write Frame Increment Pointer (C.7.6.6) and what it points to."""
    for keyword, found in values.items():
        setattr(result, keyword, found[0] if keyword == "FrameTime" else list(found))
    result.FrameIncrementPointer = [Tag(keyword) for keyword in values]
