"""What an image's header tells of it in an image library: TID 1602 to 1606 of PS3.16."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.write.reports.content import HAS_ACQ_CONTEXT, code, date, number, text, time, uid

_PIXELS = Code("{pixels}", "UCUM", "Pixels")
_UNIT_VECTOR = Code("{-1:1}", "UCUM", "{-1:1}")
_DEGREE = Code("deg", "UCUM", "degree")

Describe = Callable[[Any], list[Dataset]]
Descriptor = tuple[str, Describe]


def described(header: Dataset, descriptors: Iterable[Descriptor]) -> list[Dataset]:
    """Return the items of the descriptors that an image has; a value that no item can hold is left out."""
    items = []
    for keyword, describe in descriptors:
        value = header.get(keyword)
        if value is None or value == "":
            continue
        try:
            items += describe(value)
        # What a broken or an anonymised header says here is no descriptor; the report is right without it.
        except ValueError:
            continue
    return items


# What an anonymiser left in place of a date, time or number is no descriptor.
def _dated(name: Code) -> Describe:
    return lambda value: [date(HAS_ACQ_CONTEXT, name, str(value))] if re.fullmatch(r"\d{8}", str(value)) else []


def _timed(name: Code) -> Describe:
    valid = re.compile(r"([01]\d|2[0-3])([0-5]\d([0-5]\d(\.\d{1,6})?)?)?")
    return lambda value: [time(HAS_ACQ_CONTEXT, name, str(value))] if valid.fullmatch(str(value)) else []


def _measured(*names: Code, unit: Code, order: Sequence[int] | None = None) -> Describe:
    """Return items for the values of an attribute; ``order`` says which value is which name's, if not the same."""

    def describe(value: Any) -> list[Dataset]:
        try:
            found = [float(part) for part in (value if len(names) > 1 else [value])]
        except (TypeError, ValueError):
            return []
        if len(found) != len(names) or not all(math.isfinite(part) for part in found):
            return []
        ordered = found if order is None else [found[place] for place in order]
        return [number(HAS_ACQ_CONTEXT, name, part, unit) for name, part in zip(names, ordered, strict=True)]

    return describe


def _coded(name: Code) -> Describe:
    def describe(value: Any) -> list[Dataset]:
        found = [code_of(item) for item in value]
        return [code(HAS_ACQ_CONTEXT, name, concept) for concept in found[:1] if concept is not None]

    return describe


def code_of(item: Dataset) -> Code | None:
    """Return the concept of a code sequence's item in a source; None if it is not one that can be written."""
    value = str(item.get("CodeValue") or item.get("LongCodeValue") or "")
    concept = Code(value, str(item.get("CodingSchemeDesignator") or ""), str(item.get("CodeMeaning") or "")[:64])
    return concept if all(part.strip() for part in concept[:3]) and len(concept.scheme_designator) <= 16 else None


def _laterality(value: Any) -> list[Dataset]:
    return [code(HAS_ACQ_CONTEXT, codes.DCM.ImageLaterality, _SIDES[value])] if value in _SIDES else []


# PS3.16 CID 244
_SIDES = {
    "R": codes.SCT.Right,
    "L": codes.SCT.Left,
    "B": Code("51440002", "SCT", "Bilateral"),
    "U": codes.SCT.Unilateral,
}


def _orientation(value: Any) -> list[Dataset]:
    # Patient Orientation (0020,0020) is that of the rows, then that of the columns.
    parts = [str(part) for part in value] if not isinstance(value, str) else []
    if len(parts) != 2 or not all(parts):
        return []
    return [
        text(HAS_ACQ_CONTEXT, codes.DCM.PatientOrientationRow, parts[0]),
        text(HAS_ACQ_CONTEXT, codes.DCM.PatientOrientationColumn, parts[1]),
    ]


_AXES = [
    Code(f"11090{4 + place}", "DCM", f"Image Orientation (Patient) {axis} {letter}")
    for place, (axis, letter) in enumerate((axis, letter) for axis in ("Row", "Column") for letter in "XYZ")
]

_MM = codes.UCUM.Millimeter
DESCRIPTORS: tuple[Descriptor, ...] = (
    ("AnatomicRegionSequence", _coded(codes.DCM.TargetRegion)),
    ("ImageLaterality", _laterality),
    ("StudyDate", _dated(codes.DCM.StudyDate)),
    ("StudyTime", _timed(codes.DCM.StudyTime)),
    ("ContentDate", _dated(codes.DCM.ContentDate)),
    ("ContentTime", _timed(codes.DCM.ContentTime)),
    ("AcquisitionDate", _dated(codes.DCM.AcquisitionDate)),
    ("AcquisitionTime", _timed(codes.DCM.AcquisitionTime)),
    ("FrameOfReferenceUID", lambda value: [uid(HAS_ACQ_CONTEXT, codes.DCM.FrameOfReferenceUID, str(value))]),
    ("Rows", _measured(codes.DCM.PixelDataRows, unit=_PIXELS)),
    ("Columns", _measured(codes.DCM.PixelDataColumns, unit=_PIXELS)),
    ("ViewCodeSequence", _coded(codes.DCM.ImageView)),
    ("PatientOrientation", _orientation),
    # Pixel Spacing (0028,0030) is between rows, then between columns.
    (
        "PixelSpacing",
        _measured(codes.DCM.HorizontalPixelSpacing, codes.DCM.VerticalPixelSpacing, unit=_MM, order=(1, 0)),
    ),
    ("PositionerPrimaryAngle", _measured(codes.DCM.PositionerPrimaryAngle, unit=_DEGREE)),
    ("PositionerSecondaryAngle", _measured(codes.DCM.PositionerSecondaryAngle, unit=_DEGREE)),
    ("SpacingBetweenSlices", _measured(codes.DCM.SpacingBetweenSlices, unit=_MM)),
    ("SliceThickness", _measured(codes.DCM.SliceThickness, unit=_MM)),
    ("ImageOrientationPatient", _measured(*_AXES, unit=_UNIT_VECTOR)),
    (
        "PulseSequenceName",
        lambda value: [text(HAS_ACQ_CONTEXT, Code("128230", "DCM", "Pulse Sequence Name"), str(value))],
    ),
)
"""Attributes of an image and the items that tell them, in the order of TID 1602 to 1606."""
