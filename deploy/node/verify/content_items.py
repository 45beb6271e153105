"""Content items of structured reports (PS3.3 C.17.3): each value type has attributes of its own."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, MammographyCADSRStorage

from deploy.node.verify.elements import Item, tag_name, tag_of

CONTENT_SEQUENCE = "ContentSequence"

_VALUES = {
    "CODE": ("ConceptCodeSequence",),
    "COMPOSITE": ("ReferencedSOPSequence",),
    "CONTAINER": ("ContinuityOfContent",),
    "DATE": ("Date",),
    "DATETIME": ("DateTime",),
    "IMAGE": ("ReferencedSOPSequence",),
    "NUM": (),
    "PNAME": ("PersonName",),
    "SCOORD": ("GraphicType", "GraphicData"),
    "SCOORD3D": ("GraphicType", "GraphicData", "ReferencedFrameOfReferenceUID"),
    "TABLE": ("TabulatedValuesSequence",),
    "TCOORD": ("TemporalRangeType",),
    "TEXT": ("TextValue",),
    "TIME": ("Time",),
    "UIDREF": ("UID",),
    "WAVEFORM": ("ReferencedSOPSequence",),
}
"""Attributes of type 1 of each value type (tables C.17.3-1 to C.18.9-1)."""

_FURTHER = {
    "CONTAINER": ("ContentTemplateSequence",),
    "NUM": ("MeasuredValueSequence", "NumericValueQualifierCodeSequence"),
    "SCOORD": ("FiducialUID", "PixelOriginInterpretation"),
    "SCOORD3D": ("FiducialUID",),
    "TCOORD": ("ReferencedSamplePositions", "ReferencedTimeOffsets", "ReferencedDateTime"),
}
"""Attributes of other types."""

_EVERY = ("RelationshipType", "ValueType", "ConceptNameCodeSequence", CONTENT_SEQUENCE, "ObservationDateTime")
_EVERY_TAG = frozenset(tag_of(keyword) for keyword in (*_EVERY, "ObservationUID"))

_NAMED = frozenset({"CODE", "DATE", "DATETIME", "NUM", "PNAME", "TEXT", "TIME", "UIDREF"})
"""Value types that need a concept name."""

_OWN_TAGS = {
    value_type: frozenset(tag_of(keyword) for keyword in (*keywords, *_FURTHER.get(value_type, ())))
    for value_type, keywords in _VALUES.items()
}

_BY_REFERENCE = tag_of("ReferencedContentItemIdentifier")
_BY_REFERENCE_CLASSES = (ComprehensiveSRStorage, MammographyCADSRStorage)


def content_problems(root: Item) -> Iterator[str]:
    """Yield what is wrong with the value types and relationships of a report's content tree."""
    if root.text("ValueType") != "CONTAINER":
        yield f"the root of the content is {root.text('ValueType') or 'nothing'}, not a CONTAINER"
    if not root.has("ConceptNameCodeSequence"):
        yield "the root of the content has no concept name"
    sop_class_uid = root.text("SOPClassUID")
    for item in content_items(root):
        yield from _item_problems(item, sop_class_uid)


def content_items(parent: Item) -> Iterator[Item]:
    """Yield every content item below one, in document order."""
    for item in parent.items(CONTENT_SEQUENCE):
        yield item
        yield from content_items(item)


def concept(item: Item, keyword: str = "ConceptNameCodeSequence") -> tuple[str, str]:
    """Return code value and scheme of a content item's name (or other coded part); empty if it has none."""
    codes = item.items(keyword)
    if not codes:
        return "", ""
    code = codes[0]
    value = code.text("CodeValue") or code.text("LongCodeValue") or code.text("URNCodeValue")
    return value, code.text("CodingSchemeDesignator")


def _item_problems(item: Item, sop_class_uid: str) -> Iterator[str]:
    if _BY_REFERENCE in item.elements:
        if sop_class_uid not in _BY_REFERENCE_CLASSES:
            yield "a content item refers to another one, which this SOP class forbids"
        return
    value_type = item.text("ValueType")
    meaning = next((code.text("CodeMeaning") for code in item.items("ConceptNameCodeSequence")), "")
    name = f"content item {value_type or '(no value type)'} {meaning!r}"
    if value_type not in _VALUES:
        yield f"{name} is of a value type that does not exist"
        return
    if value_type == "SCOORD3D" and sop_class_uid != Comprehensive3DSRStorage:
        yield f"{name} is not allowed in this SOP class"
    if not item.has("RelationshipType"):
        yield f"{name} has no relationship with its parent"
    if value_type in _NAMED and not item.has("ConceptNameCodeSequence"):
        yield f"{name} has no concept name"
    for keyword in _VALUES[value_type]:
        if not item.has(keyword):
            yield f"{name} has no {keyword}"
    for tag in item.elements:
        if tag not in _EVERY_TAG and tag not in _OWN_TAGS[value_type]:
            yield f"{name} has {tag_name(tag)}, which does not belong to its value type"
    if value_type == "NUM":
        yield from _number_problems(item, name)
    if value_type == "TCOORD" and not any(item.has(keyword) for keyword in _FURTHER["TCOORD"]):
        yield f"{name} has no position in time"


def _number_problems(item: Item, name: str) -> Iterator[str]:
    if item.get("MeasuredValueSequence") is None:
        yield f"{name} has no MeasuredValueSequence"
    if not item.has("MeasuredValueSequence") and not item.has("NumericValueQualifierCodeSequence"):
        yield f"{name} has neither a value nor a reason for its absence"
    if len(item.items("MeasuredValueSequence")) > 1:
        yield f"{name} has several values"
