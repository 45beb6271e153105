"""Conditions of type 1C and 2C attributes that can be decided from the object itself (PS3.3 section 5.4).

The others depend on how the object came to be, e.g. whether the patient is an animal, and are left to the writer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deploy.node.verify.elements import Item, tag_of

Test = Callable[[Item], bool]
"""Decides for the item that the attribute belongs to."""


@dataclass(frozen=True)
class Condition:
    """When an attribute is required, and whether it may be there otherwise.

    ``says`` completes "is required" for people; ``section`` is that of PS3.3.
    """

    required: Test
    says: str
    section: str
    may_be_present: bool = True


def _lacks(*keywords: str) -> Test:
    return lambda item: not any(item.has(keyword) for keyword in keywords)


def _has(*keywords: str) -> Test:
    return lambda item: any(item.has(keyword) for keyword in keywords)


def _is(keyword: str, *values: str) -> Test:
    return lambda item: item.text(keyword) in values


def _is_not(keyword: str, *values: str) -> Test:
    return lambda item: item.has(keyword) and item.text(keyword) not in values


def _exceeds(keyword: str, limit: int) -> Test:
    return lambda item: (item.integer(keyword) or 0) > limit


def _all(*tests: Test) -> Test:
    return lambda item: all(test(item) for test in tests)


def _points_to(keyword: str) -> Test:
    tag = tag_of(keyword)
    encoded = (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little")

    def test(item: Item) -> bool:
        pointer = item.get("FrameIncrementPointer")
        return pointer is not None and encoded in (pointer.value[at : at + 4] for at in range(0, len(pointer.value), 4))

    return test


def _closed(item: Item) -> bool:
    return item.text("GraphicType") in ("CIRCLE", "ELLIPSE")


_PALETTE = {
    f"{colour}PaletteColorLookupTable{part}": Condition(
        _is("PhotometricInterpretation", "PALETTE COLOR"), "in an image of palette colours", "C.7.6.3"
    )
    for colour in ("Red", "Green", "Blue")
    for part in ("Descriptor", "Data")
}

_VECTORS = {
    keyword: Condition(_points_to(keyword), "as Frame Increment Pointer points to it", section)
    for keyword, section in {
        "FrameTime": "C.7.6.5",
        "FrameTimeVector": "C.7.6.5",
        "PageNumberVector": "C.8.6.4",
        "FrameLabelVector": "C.8.6.4",
        "FramePrimaryAngleVector": "C.8.6.4",
        "FrameSecondaryAngleVector": "C.8.6.4",
        "SliceLocationVector": "C.8.6.4",
        "DisplayWindowLabelVector": "C.8.6.4",
    }.items()
}

_GREY_FRAMES = _all(_is("PhotometricInterpretation", "MONOCHROME2"), _exceeds("BitsStored", 1))

CONDITIONS: Mapping[str, Condition] = {
    # Code Sequence Macro
    "CodeValue": Condition(_lacks("LongCodeValue", "URNCodeValue"), "where there is no other code value", "8.8"),
    "CodingSchemeDesignator": Condition(_has("CodeValue", "LongCodeValue"), "with a code value", "8.8"),
    "MappingResource": Condition(_has("ContextIdentifier"), "with a Context Identifier", "8.8"),
    "ContextGroupVersion": Condition(_has("ContextIdentifier"), "with a Context Identifier", "8.8"),
    "ContextGroupLocalVersion": Condition(_is("ContextGroupExtensionFlag", "Y"), "for an extended group", "8.8"),
    "ContextGroupExtensionCreatorUID": Condition(_is("ContextGroupExtensionFlag", "Y"), "for an extended group", "8.8"),
    "UniversalEntityIDType": Condition(_has("UniversalEntityID"), "with a Universal Entity ID", "10.14"),
    # Pixels
    "PlanarConfiguration": Condition(
        _exceeds("SamplesPerPixel", 1), "for more than one sample per pixel", "C.7.6.3", may_be_present=False
    ),
    **_PALETTE,
    "ExtendedOffsetTableLengths": Condition(_has("ExtendedOffsetTable"), "with an Extended Offset Table", "C.7.6.3"),
    "PixelSpacingCalibrationDescription": Condition(
        _has("PixelSpacingCalibrationType"), "with a Pixel Spacing Calibration Type", "10.7"
    ),
    "FloatPixelPaddingRangeLimit": Condition(_has("FloatPixelPaddingValue"), "for padded pixels", "C.7.6.24"),
    "WindowWidth": Condition(_has("WindowCenter"), "with a Window Center", "C.11.2"),
    "RescaleSlope": Condition(_has("RescaleIntercept"), "with a Rescale Intercept", "C.11.1"),
    "RescaleType": Condition(_has("RescaleIntercept"), "with a Rescale Intercept", "C.11.1"),
    # Multi-frame Secondary Capture
    "FrameIncrementPointer": Condition(_exceeds("NumberOfFrames", 1), "for more than one frame", "C.8.6.3"),
    "RescaleIntercept": Condition(_GREY_FRAMES, "for grey frames of more than one bit", "C.8.6.3"),
    **_VECTORS,
    # Segmentation
    "SegmentAlgorithmName": Condition(
        _is_not("SegmentAlgorithmType", "MANUAL"), "for a segment that was not drawn by hand", "C.8.20.2"
    ),
    "MaximumFractionalValue": Condition(
        _is("SegmentationType", "FRACTIONAL"), "for fractions", "C.8.20.2", may_be_present=False
    ),
    "SegmentationFractionalType": Condition(
        _is("SegmentationType", "FRACTIONAL"), "for fractions", "C.8.20.2", may_be_present=False
    ),
    "TrackingID": Condition(_has("TrackingUID"), "with a Tracking UID", "C.8.20.2"),
    "TrackingUID": Condition(_has("TrackingID"), "with a Tracking ID", "C.8.20.2"),
    "DimensionIndexSequence": Condition(
        lambda item: item.text("DimensionOrganizationType") != "TILED_FULL", "unless tiled in full", "C.7.6.17"
    ),
    "PerFrameFunctionalGroupsSequence": Condition(
        lambda item: item.text("DimensionOrganizationType") != "TILED_FULL", "unless tiled in full", "C.7.6.16"
    ),
    "DerivationCodeSequence": Condition(_has("SourceImageSequence"), "with source images", "C.7.6.16.2.6"),
    # Parametric Map
    "BitsStored": Condition(_has("PixelData"), "for integer pixels", "C.8.32.2"),
    "HighBit": Condition(_has("PixelData"), "for integer pixels", "C.8.32.2"),
    "RealWorldValueFirstValueMapped": Condition(
        _lacks("DoubleFloatRealWorldValueFirstValueMapped"), "where there is no float one", "C.7.6.16.2.11"
    ),
    "RealWorldValueLastValueMapped": Condition(
        _lacks("DoubleFloatRealWorldValueLastValueMapped"), "where there is no float one", "C.7.6.16.2.11"
    ),
    "RealWorldValueIntercept": Condition(_lacks("RealWorldValueLUTData"), "without a table", "C.7.6.16.2.11"),
    "RealWorldValueSlope": Condition(_lacks("RealWorldValueLUTData"), "without a table", "C.7.6.16.2.11"),
    # Structured reports
    "VerifyingObserverSequence": Condition(
        _is("VerificationFlag", "VERIFIED"), "for a verified report", "C.17.2", may_be_present=False
    ),
    # Waveforms
    "ChannelSampleSkew": Condition(_lacks("ChannelTimeSkew"), "without a Channel Time Skew", "C.10.9"),
    "ChannelTimeSkew": Condition(_lacks("ChannelSampleSkew"), "without a Channel Sample Skew", "C.10.9"),
    "ChannelSensitivityUnitsSequence": Condition(_has("ChannelSensitivity"), "with a sensitivity", "C.10.9"),
    "ChannelSensitivityCorrectionFactor": Condition(_has("ChannelSensitivity"), "with a sensitivity", "C.10.9"),
    "ChannelBaseline": Condition(_has("ChannelSensitivity"), "with a sensitivity", "C.10.9"),
    # Presentation states
    "BoundingBoxTopLeftHandCorner": Condition(_lacks("AnchorPoint"), "without an anchor point", "C.10.5"),
    "BoundingBoxBottomRightHandCorner": Condition(_lacks("AnchorPoint"), "without an anchor point", "C.10.5"),
    "BoundingBoxAnnotationUnits": Condition(_has("BoundingBoxTopLeftHandCorner"), "with a bounding box", "C.10.5"),
    "BoundingBoxTextHorizontalJustification": Condition(
        _has("BoundingBoxTopLeftHandCorner"), "with a bounding box", "C.10.5"
    ),
    "AnchorPoint": Condition(_lacks("BoundingBoxTopLeftHandCorner"), "without a bounding box", "C.10.5"),
    "AnchorPointAnnotationUnits": Condition(_has("AnchorPoint"), "with an anchor point", "C.10.5"),
    "AnchorPointVisibility": Condition(_has("AnchorPoint"), "with an anchor point", "C.10.5"),
    "GraphicFilled": Condition(_closed, "for a closed graphic", "C.10.5"),
    "TextObjectSequence": Condition(_lacks("GraphicObjectSequence"), "without graphics", "C.10.5"),
    "GraphicObjectSequence": Condition(
        _lacks("TextObjectSequence", "CompoundGraphicSequence"), "without text", "C.10.5"
    ),
    "PresentationLUTShape": Condition(
        # Presentation states have no pixels.
        lambda item: not item.has("PresentationLUTSequence") and (not item.has("BitsStored") or _GREY_FRAMES(item)),
        "for grey values without a table",
        "C.8.6.3 and C.11.6",
    ),
    "PresentationLUTSequence": Condition(_lacks("PresentationLUTShape"), "without a shape", "C.11.6"),
    "PresentationPixelMagnificationRatio": Condition(
        _is("PresentationSizeMode", "MAGNIFY"), "for the size mode MAGNIFY", "C.10.4"
    ),
    # Annotations
    "PointCoordinatesData": Condition(_lacks("DoublePointCoordinatesData"), "without double coordinates", "C.37.1"),
    "DoublePointCoordinatesData": Condition(_lacks("PointCoordinatesData"), "without float coordinates", "C.37.1"),
    "LongPrimitivePointIndexList": Condition(
        _is("GraphicType", "POLYLINE", "POLYGON"), "for polylines and polygons", "C.37.1"
    ),
    "AnnotationGroupAlgorithmIdentificationSequence": Condition(
        _is_not("AnnotationGroupGenerationType", "MANUAL"), "for a group that was not made by hand", "C.37.1"
    ),
    "ReferencedOpticalPathIdentifier": Condition(
        _is("AnnotationAppliesToAllOpticalPaths", "NO"), "where not all optical paths are meant", "C.37.1"
    ),
    # Approval
    "ReviewDate": Condition(_is("ApprovalStatus", "APPROVED", "REJECTED"), "after a review", "C.8.8.16"),
    "ReviewTime": Condition(_is("ApprovalStatus", "APPROVED", "REJECTED"), "after a review", "C.8.8.16"),
    "ReviewerName": Condition(_is("ApprovalStatus", "APPROVED", "REJECTED"), "after a review", "C.8.8.16"),
}
"""Conditions by the attribute's keyword."""
