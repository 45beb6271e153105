"""Enumerated Values (PS3.3 section 5): attributes that may have these values and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deploy.node.verify.elements import tag_of
from operators.write.waveforms.iods import WAVEFORM_IODS

_YES_NO = ("YES", "NO")

ENUMERATED: Mapping[str, tuple[str, ...]] = {
    # SOP Common C.12.1, General Image C.7.6.1, Image Pixel C.7.6.3
    "SyntheticData": _YES_NO,
    "ContentQualification": ("PRODUCT", "RESEARCH", "SERVICE"),
    "BurnedInAnnotation": _YES_NO,
    "RecognizableVisualFeatures": _YES_NO,
    "LossyImageCompression": ("00", "01"),
    "Laterality": ("R", "L"),
    "ImageLaterality": ("R", "L", "U", "B"),
    "PresentationLUTShape": ("IDENTITY", "INVERSE"),
    "SpatialLocationsPreserved": ("YES", "NO", "REORIENTED_ONLY"),
    "DimensionOrganizationType": ("3D", "3D_TEMPORAL", "TILED_FULL", "TILED_SPARSE"),
    # Segmentation C.8.20
    "SegmentationType": ("BINARY", "FRACTIONAL", "LABELMAP"),
    "SegmentationFractionalType": ("PROBABILITY", "OCCUPANCY"),
    "SegmentAlgorithmType": ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"),
    "SegmentsOverlap": ("YES", "UNDEFINED", "NO"),
    # Secondary Capture C.8.6
    "ConversionType": ("DV", "DI", "DF", "WSD", "SD", "SI", "DRW", "SYN"),
    # SR document C.17
    "CompletionFlag": ("PARTIAL", "COMPLETE"),
    "VerificationFlag": ("UNVERIFIED", "VERIFIED"),
    "PreliminaryFlag": ("PRELIMINARY", "FINAL"),
    "ContinuityOfContent": ("SEPARATE", "CONTINUOUS"),
    "RelationshipType": (
        "CONTAINS",
        "HAS OBS CONTEXT",
        "HAS CONCEPT MOD",
        "HAS PROPERTIES",
        "HAS ACQ CONTEXT",
        "INFERRED FROM",
        "SELECTED FROM",
    ),
    "TemporalRangeType": ("POINT", "MULTIPOINT", "SEGMENT", "MULTISEGMENT", "BEGIN", "END"),
    "PixelOriginInterpretation": ("FRAME", "VOLUME"),
    # Registration C.20
    "FrameOfReferenceTransformationMatrixType": ("RIGID", "RIGID_SCALE", "AFFINE"),
    # Waveforms C.10.8
    "WaveformOriginality": ("ORIGINAL", "DERIVED"),
    "WaveformSampleInterpretation": ("SB", "UB", "MB", "AB", "SS", "US", "SL", "UL", "SV", "UV"),
    # Presentation states C.10 and C.11
    "PresentationSizeMode": ("SCALE TO FIT", "TRUE SIZE", "MAGNIFY"),
    "BoundingBoxAnnotationUnits": ("PIXEL", "DISPLAY", "MATRIX"),
    "AnchorPointAnnotationUnits": ("PIXEL", "DISPLAY", "MATRIX"),
    "GraphicAnnotationUnits": ("PIXEL", "DISPLAY", "MATRIX"),
    "AnchorPointVisibility": ("Y", "N"),
    "GraphicFilled": ("Y", "N"),
    "ImageHorizontalFlip": ("Y", "N"),
    # Bulk annotations C.37
    "AnnotationCoordinateType": ("2D", "3D"),
    "AnnotationGroupGenerationType": ("AUTOMATIC", "SEMIAUTOMATIC", "MANUAL"),
    "AnnotationAppliesToAllOpticalPaths": _YES_NO,
    "AnnotationAppliesToAllZPlanes": _YES_NO,
    # Radiotherapy C.8.8
    "ApprovalStatus": ("APPROVED", "UNAPPROVED", "REJECTED"),
    "ContourGeometricType": (
        "POINT",
        "OPEN_PLANAR",
        "OPEN_NONPLANAR",
        "CLOSED_PLANAR",
        "CLOSEDPLANAR_XOR",
    ),
}
"""The values of attributes, by keyword."""

_BY_TAG = {tag_of(keyword): terms for keyword, terms in ENUMERATED.items()}

_IMAGE_TYPE = tag_of("ImageType")
_TIME_ZONE = tag_of("TimezoneOffsetFromUTC")

MODALITIES: Mapping[str, tuple[str, ...]] = {
    "1.2.840.10008.5.1.4.1.1.66.4": ("SEG",),
    "1.2.840.10008.5.1.4.1.1.66.7": ("SEG",),
    "1.2.840.10008.5.1.4.1.1.66.1": ("REG",),
    "1.2.840.10008.5.1.4.1.1.66.3": ("REG",),
    "1.2.840.10008.5.1.4.1.1.88.33": ("SR",),
    "1.2.840.10008.5.1.4.1.1.88.34": ("SR",),
    "1.2.840.10008.5.1.4.1.1.88.50": ("SR",),
    "1.2.840.10008.5.1.4.1.1.88.59": ("KO",),
    "1.2.840.10008.5.1.4.1.1.88.72": ("SR",),
    "1.2.840.10008.5.1.4.1.1.88.77": ("SR",),
    "1.2.840.10008.5.1.4.1.1.11.1": ("PR",),
    "1.2.840.10008.5.1.4.1.1.11.2": ("PR",),
    "1.2.840.10008.5.1.4.1.1.91.1": ("ANN",),
    "1.2.840.10008.5.1.4.1.1.104.1": ("DOC",),
    "1.2.840.10008.5.1.4.1.1.104.3": ("M3D",),
    "1.2.840.10008.5.1.4.1.1.481.3": ("RTSTRUCT",),
    **{str(uid): (iod.modality,) for uid, iod in WAVEFORM_IODS.items()},
}
"""Modalities that an IOD prescribes, by SOP Class UID (PS3.3 annex A)."""


def term_problem(tag: int, values: Sequence[str]) -> str:
    """Return what is wrong with the values of an attribute that has Enumerated Values; empty if nothing is."""
    allowed = _BY_TAG.get(tag)
    if allowed is not None:
        wrong = [value for value in values if value not in allowed]
        return f"is {wrong[0]!r}, none of {', '.join(allowed)}" if wrong else ""
    if tag == _IMAGE_TYPE and len(values) > 1:
        # C.7.6.1.1.2; multi-frame functional groups also have MIXED.
        if values[0] not in ("ORIGINAL", "DERIVED", "MIXED") or values[1] not in ("PRIMARY", "SECONDARY"):
            return f"begins with {values[0]}\\{values[1]}"
    elif tag == _TIME_ZONE and not _is_offset(values[0]):
        return f"{values[0]!r} is no offset from UTC"
    return ""


def _is_offset(value: str) -> bool:
    return len(value) == 5 and value[0] in "+-" and value[1:].isdecimal() and int(value[3:]) < 60
