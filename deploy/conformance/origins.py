"""Where the values of a result come from."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from deploy.node.verify.copied import COPIED

_COPIED_FROM_SERIES = frozenset(
    {
        "BodyPartExamined",
        "FrameOfReferenceUID",
        "ImageOrientationPatient",
        "ImagePositionPatient",
        "Laterality",
        "LossyImageCompression",
        "LossyImageCompressionMethod",
        "LossyImageCompressionRatio",
        "PixelSpacing",
        "PositionReferenceIndicator",
        "SpecificCharacterSet",
        "TimezoneOffsetFromUTC",
    }
)

# Sequences that are told in one row: what is in their items is the same everywhere.
_REFERENCE_SEQUENCES = frozenset(
    {
        "CurrentRequestedProcedureEvidenceSequence",
        "PertinentOtherEvidenceSequence",
        "PredecessorDocumentsSequence",
        "ReferencedRequestSequence",
        "StudiesContainingOtherReferencedInstancesSequence",
    }
)

_LONGEST_FIXED_VALUE = 48


def is_told_in_one_row(element: DataElement) -> bool:
    """Return whether every reader knows what the items of a sequence hold: codes, references, what is copied."""
    return (
        element.keyword in COPIED | _REFERENCE_SEQUENCES
        or element.keyword == "ContentSequence"
        or _is_codes(element)
        or _is_references(element)
    )


def _is_codes(element: DataElement) -> bool:
    return bool(element.value) and "CodeMeaning" in element.value[0]


def _is_references(element: DataElement) -> bool:
    return bool(element.value) and "ReferencedSOPInstanceUID" in element.value[0] and len(element.value[0]) <= 4


def origin(element: DataElement, others: Sequence[DataElement | None], source: Dataset, *, is_nested: bool) -> str:
    """Return where a value comes from, in the words of the statement's legend."""
    if element.keyword in COPIED | _COPIED_FROM_SERIES and not (is_nested and element.VR == "UI"):
        return "COPY"
    if element.VR == "SQ":
        return _sequence_origin(element)
    if element.is_empty:
        return "EMPTY"
    if element.keyword in _OF_THE_MANIFEST:
        return "APP"
    changed = [other is None or other.value != element.value for other in others]
    for name, has_changed in zip(("AUTO: input digest", "AUTO: start of the analysis", "APP"), changed, strict=True):
        if has_changed:
            return name
    if element.keyword in _REFERENCES:
        return "REFERENCE" if is_nested else f"`{element.value}`"
    if element.VR in ("LO", "SH", "UI", "DS") and source.get(element.tag) == element:
        return "COPY"
    if (element.VR in ("CS", "US") and element.keyword not in _RESULT_VALUES) or element.keyword == "InstanceNumber":
        value = "\\".join(map(str, element.value)) if element.VM > 1 else str(element.value)
        return f"`{value}`" if len(value) <= _LONGEST_FIXED_VALUE else "RESULT"
    return "RESULT"


_OF_THE_MANIFEST = frozenset({"SeriesDescription", "SeriesNumber"})

_REFERENCES = frozenset(
    {
        "ReferencedFrameOfReferenceUID",
        "ReferencedSOPClassUID",
        "ReferencedSOPInstanceUID",
        "SOPClassUID",
        "SeriesInstanceUID",
        "StudyInstanceUID",
    }
)

_RESULT_VALUES = frozenset(
    {
        "Columns",
        "DisplayedAreaBottomRightHandCorner",
        "GraphicLayerRecommendedDisplayCIELabValue",
        "RecommendedDisplayCIELabValue",
        "ReferencedFrameNumber",
        "ReferencedSegmentNumber",
        "Rows",
        "SegmentNumber",
    }
)
"""Short values that are content all the same."""


def _sequence_origin(element: DataElement) -> str:
    if not element.value:
        return "EMPTY"
    if element.keyword in _REFERENCE_SEQUENCES or _is_references(element):
        return "REFERENCE"
    if element.keyword == "ContentSequence":
        return "content tree, below"
    if _is_codes(element):
        code = element.value[0]
        value = code.get("CodeValue") or code.get("LongCodeValue")
        return f'code, e.g. ({value}, {code.get("CodingSchemeDesignator")}, "{code.CodeMeaning}")'
    return ""
