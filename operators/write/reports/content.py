"""Content items of structured reports (PS3.3 C.17.3): one function for each value type.

Templates read like their rows in PS3.16: ``text(HAS_OBS_CONTEXT, codes.DCM.TrackingIdentifier, "Lesion 1")`` is the
row "HAS OBS CONTEXT | TEXT | EV (112039, DCM, "Tracking Identifier")". Every function takes the items that the item
itself holds as its last arguments.
"""

from __future__ import annotations

import math

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code
from pydicom.valuerep import format_number_as_ds

from operators.write.base.codes import code_item, code_sequence
from operators.write.base.references import referenced_instance

CONTAINS = "CONTAINS"
HAS_ACQ_CONTEXT = "HAS ACQ CONTEXT"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
HAS_OBS_CONTEXT = "HAS OBS CONTEXT"


def container(relationship: str | None, name: Code, *children: Dataset, template: str | None = None) -> Dataset:
    """Return a CONTAINER; ``template`` is the TID that it follows. The root has no relationship."""
    item = _item(relationship, "CONTAINER", name, children)
    item.ContinuityOfContent = "SEPARATE"
    if template is not None:
        identification = Dataset()
        identification.MappingResource = "DCMR"
        identification.TemplateIdentifier = template
        item.ContentTemplateSequence = Sequence([identification])
    return item


def text(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a TEXT item."""
    item = _item(relationship, "TEXT", name, children)
    item.TextValue = value
    return item


def code(relationship: str, name: Code, value: Code, *children: Dataset) -> Dataset:
    """Return a CODE item."""
    item = _item(relationship, "CODE", name, children)
    item.ConceptCodeSequence = code_sequence(value)
    return item


def number(relationship: str, name: Code, value: float, unit: Code, *children: Dataset) -> Dataset:
    """Return a NUM item; where 16 characters do not hold the value exactly, Floating Point Value does, too."""
    if not math.isfinite(value):
        raise ValueError(f"{name.meaning} is {value}: only finite numbers can be reported")
    measured = Dataset()
    measured.NumericValue = decimal_string(value)
    if float(measured.NumericValue) != value:
        measured.FloatingPointValue = float(value)
    measured.MeasurementUnitsCodeSequence = code_sequence(unit)
    item = _item(relationship, "NUM", name, children)
    item.MeasuredValueSequence = Sequence([measured])
    return item


def uid(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a UIDREF item."""
    item = _item(relationship, "UIDREF", name, children)
    item.UID = value
    return item


def date(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a DATE item; ``value`` is DICOM's YYYYMMDD."""
    item = _item(relationship, "DATE", name, children)
    item.Date = value
    return item


def time(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a TIME item; ``value`` is DICOM's HHMMSS."""
    item = _item(relationship, "TIME", name, children)
    item.Time = value
    return item


def image(
    relationship: str,
    name: Code,
    sop_class_uid: str,
    sop_instance_uid: str,
    *children: Dataset,
    segment_number: int | None = None,
) -> Dataset:
    """Return an IMAGE item, which refers to an instance or to one segment of a Segmentation."""
    reference = referenced_instance(sop_class_uid, sop_instance_uid)
    if segment_number is not None:
        reference.ReferencedSegmentNumber = segment_number
    item = _item(relationship, "IMAGE", name, children)
    item.ReferencedSOPSequence = Sequence([reference])
    return item


def decimal_string(value: float) -> str:
    """Return a number as a decimal string (VR DS, at most 16 characters), exactly if that is possible."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return str(format_number_as_ds(float(value)))


def _item(relationship: str | None, value_type: str, name: Code, children: tuple[Dataset, ...]) -> Dataset:
    item = Dataset()
    if relationship is not None:
        item.RelationshipType = relationship
    item.ValueType = value_type
    item.ConceptNameCodeSequence = Sequence([code_item(name)])
    if children:
        item.ContentSequence = Sequence(children)
    return item
