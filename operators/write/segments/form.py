"""How a Segmentation is stored: as bits, fractions or a label map, and how its pixel data are encoded."""

from __future__ import annotations

from typing import Literal

from pydantic import ConfigDict, model_validator
from pydantic.dataclasses import dataclass
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
    SegmentationStorage,
)

# Newer than pydicom's dictionary (DICOM supplement 243).
LabelMapSegmentationStorage = UID("1.2.840.10008.5.1.4.1.1.66.7")

_TRANSFER_SYNTAXES = {
    "native": ExplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
    "rle": RLELossless,
    "jpeg_ls": JPEGLSLossless,
    "jpeg_2000": JPEG2000Lossless,
}


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class SegmentationForm:
    """The form of a Segmentation, with what most viewers open as default.

    ``type`` (PS3.3 C.8.20.2.3): ``binary`` has one bit a voxel and a frame for each segment and slice;
    ``probability`` and ``occupancy`` are FRACTIONAL with 0 to 255 for 0 to 1; ``labelmap`` has the segment's number as
    value, one frame a slice, and is a SOP class of its own, which few viewers know yet.

    ``encoding``: ``native`` is Explicit VR Little Endian; ``deflated`` compresses the whole data set; the others
    compress each frame. RLE and JPEG-LS are not defined for single bits (PS3.5 8.2.2, 8.2.3). Readers built on DCMTK,
    3D Slicer among them, do not decode ``jpeg_ls`` and ``jpeg_2000``.

    ``empty_frames``: whether slices on which a segment is absent have a frame all the same. Some viewers want as many
    frames as there are source images.
    """

    type: Literal["binary", "probability", "occupancy", "labelmap"] = "binary"
    encoding: Literal["native", "deflated", "rle", "jpeg_ls", "jpeg_2000"] = "native"
    empty_frames: Literal["omit", "keep"] = "omit"

    @model_validator(mode="after")
    def _bits_can_be_encoded(self) -> SegmentationForm:
        if self.type == "binary" and self.encoding in ("rle", "jpeg_ls"):
            raise ValueError(f"a binary segmentation cannot be encoded as {self.encoding}: it has single bits")
        return self

    @property
    def sop_class_uid(self) -> UID:
        """The SOP class of an object of this form."""
        return LabelMapSegmentationStorage if self.type == "labelmap" else SegmentationStorage

    @property
    def transfer_syntax_uid(self) -> UID:
        """The transfer syntax of an object of this form."""
        return _TRANSFER_SYNTAXES[self.encoding]

    @property
    def is_by_segment(self) -> bool:
        """Whether each frame is of one segment."""
        return self.type != "labelmap"

    @property
    def is_fractional(self) -> bool:
        """Whether values are fractions of 1."""
        return self.type in ("probability", "occupancy")


DEFAULT_FORM = SegmentationForm()
"""One bit a voxel, not compressed: what every viewer that shows segmentations opens."""
