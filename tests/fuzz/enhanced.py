"""Small instances that hold several planes: functional groups, gated frame vectors, tiles of a mosaic."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import (
    EnhancedCTImageStorage,
    EnhancedMRImageStorage,
    ExplicitVRLittleEndian,
    LegacyConvertedEnhancedPETImageStorage,
    MRImageStorage,
)

from tests.fuzz.instances import Folder, compress, dicom_file, pixels, place, study_header

SPACING_MM = 3.0


def _item(**attributes: Any) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _multi_frame(
    seed: str,
    character_set: str,
    kind: tuple[str, str],
    frames: NDArray[Any],
    shared: Mapping[str, Dataset],
    each: Sequence[Mapping[str, Dataset]],
    syntax: str,
    positions: int,
) -> Folder:
    """One instance with functional groups (PS3.3 section C.7.6.16); the frames run through the stack by and by."""
    header = study_header(seed, character_set, *kind)
    header.SOPInstanceUID, header.InstanceNumber = f"{header.SeriesInstanceUID}.1", 1
    pixels(header, frames)
    header.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=f"{header.StudyInstanceUID}.9")]
    header.DimensionIndexSequence = [
        _item(DimensionIndexPointer=0x00209057, FunctionalGroupPointer=0x00209111),
        _item(DimensionIndexPointer=0x00209128, FunctionalGroupPointer=0x00209111),
    ]
    common = {
        "PixelMeasuresSequence": _item(PixelSpacing=[1.25, 0.75], SliceThickness=SPACING_MM),
        "PlaneOrientationSequence": _item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0]),
    }
    header.SharedFunctionalGroupsSequence = [_groups({**common, **shared})]
    header.PerFrameFunctionalGroupsSequence = [
        _groups(
            {
                "PlanePositionSequence": _item(
                    ImagePositionPatient=[-40, -50.5, 10 + SPACING_MM * (number % positions)]
                ),
                "FrameContentSequence": _item(
                    StackID="1",
                    InStackPositionNumber=1 + number % positions,
                    TemporalPositionIndex=1 + number // positions,
                    DimensionIndexValues=[1 + number % positions, 1 + number // positions],
                ),
                **groups,
            }
        )
        for number, groups in enumerate(each)
    ]
    if syntax.startswith("1.2.840.10008.1.2.4") or syntax.startswith("1.2.840.10008.1.2.5"):
        compress(header, syntax)
    return {"0.dcm": dicom_file(header, syntax)}


def _groups(groups: Mapping[str, Dataset]) -> Dataset:
    return _item(**{keyword: [item] for keyword, item in groups.items()})


def _values(slope: Any, intercept: Any, kind: str) -> Dataset:
    return _item(RescaleSlope=slope, RescaleIntercept=intercept, RescaleType=kind)


def enhanced_mr(
    seed: str,
    character_set: str,
    frames: NDArray[Any],
    syntax: str = ExplicitVRLittleEndian,
    positions: int | None = None,
) -> Folder:
    """Enhanced MR; with fewer positions than frames, each further run has a higher b-value."""
    positions = positions or len(frames)
    each = [
        {
            "MRDiffusionSequence": _item(
                DiffusionDirectionality="ISOTROPIC", DiffusionBValue=1000.0 * (number // positions)
            )
        }
        for number in range(len(frames))
    ]
    shared = {"PixelValueTransformationSequence": _values(2, -3, "US")}
    kind = (EnhancedMRImageStorage, "MR")
    return _multi_frame(seed, character_set, kind, frames, shared, each, syntax, positions)


def enhanced_ct(seed: str, character_set: str, frames: NDArray[Any], syntax: str) -> Folder:
    """Enhanced CT, encapsulated."""
    shared = {"PixelValueTransformationSequence": _values(1, -1024, "HU")}
    kind = (EnhancedCTImageStorage, "CT")
    return _multi_frame(seed, character_set, kind, frames, shared, [{}] * len(frames), syntax, len(frames))


def legacy_converted_pt(seed: str, character_set: str, frames: NDArray[Any]) -> Folder:
    """Legacy Converted Enhanced PET with a slope for each frame."""
    each = [
        {
            "PixelValueTransformationSequence": _values(f"0.{3 + number}7", 0, "US"),
            "UnassignedPerFrameConvertedAttributesSequence": _item(InstanceNumber=number + 1),
        }
        for number in range(len(frames))
    ]
    kind = (LegacyConvertedEnhancedPETImageStorage, "PT")
    syntax = ExplicitVRLittleEndian
    return _multi_frame(seed, character_set, kind, frames, {}, each, syntax, len(frames))


def nuclear_medicine(slices: int) -> dict[str, Any]:
    """Attributes of a reconstructed tomogram (PS3.3 section C.8.4.15 and C.8.4.16)."""
    return {
        "ImageType": ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"],
        "FrameIncrementPointer": [0x00540080],
        "SliceVector": list(range(1, slices + 1)),
        "NumberOfSlices": slices,
        "DetectorInformationSequence": [
            _item(ImagePositionPatient=[-40, -50.5, 10], ImageOrientationPatient=[1, 0, 0, 0, 1, 0])
        ],
        "PixelSpacing": [1.25, 0.75],
        "SliceThickness": SPACING_MM,
        "SpacingBetweenSlices": SPACING_MM,
    }


def ultrasound_region() -> Dataset:
    """One 2D tissue region in centimetres (PS3.3 section C.8.5.5)."""
    return _item(
        RegionSpatialFormat=1,
        RegionDataType=1,
        RegionFlags=0,
        RegionLocationMinX0=0,
        RegionLocationMinY0=0,
        RegionLocationMaxX1=5,
        RegionLocationMaxY1=7,
        PhysicalUnitsXDirection=3,
        PhysicalUnitsYDirection=3,
        PhysicalDeltaX=0.05,
        PhysicalDeltaY=0.04,
    )


def mosaic(seed: str, character_set: str, tiles: NDArray[Any]) -> Folder:
    """Four slices as one image of two by two tiles, with Siemens's own header."""
    count, rows, columns = tiles.shape
    image = tiles.reshape(2, 2, rows, columns).transpose(0, 2, 1, 3).reshape(2 * rows, 2 * columns)
    header = study_header(seed, character_set, MRImageStorage, "MR")
    header.Manufacturer, header.ImageType = "SIEMENS", ["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"]
    place(header, 0, 0)
    header.SpacingBetweenSlices = SPACING_MM
    pixels(header, np.ascontiguousarray(image))
    block = header.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0A, "US", count)
    image_header = header.private_block(0x0029, "SIEMENS CSA HEADER", create=True)
    image_header.add_new(
        0x10,
        "OB",
        _siemens_header(
            {
                "NumberOfImagesInMosaic": ("US", [f"{count:8d}"]),
                "SliceNormalVector": ("FD", ["0.00000000", "0.00000000", "1.00000000"]),
            }
        ),
    )
    return {"0.dcm": dicom_file(header)}


def _siemens_header(tags: Mapping[str, tuple[str, Sequence[str]]]) -> bytes:
    """Siemens's CSA header, version 2: a count of tags, each with a name, a representation and its values as text."""
    parts = [b"SV10\4\3\2\1", struct.pack("<II", len(tags), 77)]
    for name, (representation, texts) in tags.items():
        parts.append(
            struct.pack("<64si4siii", name.encode(), len(texts), representation.encode(), 6, max(6, len(texts)), 77)
        )
        for number in range(max(6, len(texts))):
            value = texts[number].encode() + b"\0" if number < len(texts) else b""
            parts.append(struct.pack("<4i", len(value), len(value), 77, len(value)) + value + b"\0" * (-len(value) % 4))
    content = b"".join(parts)
    return content + b"\0" * (len(content) % 2)
