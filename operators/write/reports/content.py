"""Content items of structured reports (PS3.3 C.17.3): one function for each value type.

Templates read like their rows in PS3.16: ``text(HAS_OBS_CONTEXT, codes.DCM.TrackingIdentifier, "Lesion 1")`` is the
row "HAS OBS CONTEXT | TEXT | EV (112039, DCM, "Tracking Identifier")". Every function takes the items that the item
itself holds as its last arguments, and raises :class:`ValueError` for a value that its value type cannot hold.
Coordinates and references are in :mod:`operators.write.reports.coordinates` and ``references``.
"""

from __future__ import annotations

import math
import re
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code
from pydicom.uid import UID
from pydicom.valuerep import DSfloat, format_number_as_ds

from operators.write.base.codes import code_sequence
from operators.write.base.elements import dataset_of
from operators.write.base.references import referenced_instance
from operators.write.base.texts import require_text
from operators.write.base.units import require_unit

CONTAINS = "CONTAINS"
HAS_ACQ_CONTEXT = "HAS ACQ CONTEXT"
HAS_CONCEPT_MOD = "HAS CONCEPT MOD"
HAS_OBS_CONTEXT = "HAS OBS CONTEXT"
HAS_PROPERTIES = "HAS PROPERTIES"
INFERRED_FROM = "INFERRED FROM"
SELECTED_FROM = "SELECTED FROM"

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_DATE_TIME = re.compile(r"\d{4}(\d{2}(\d{2}(\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?)?)?)?([+-]\d{4})?")


def container(relationship: str | None, name: Code, *children: Dataset, template: str | None = None) -> Dataset:
    """Return a CONTAINER; ``template`` is the TID that it follows. The root has no relationship."""
    identification = None
    if template is not None:
        identification = Sequence([dataset_of(MappingResource="DCMR", TemplateIdentifier=template)])
    return new_item(
        relationship,
        "CONTAINER",
        name,
        children,
        ContinuityOfContent="SEPARATE",
        ContentTemplateSequence=identification,
    )


def text(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a TEXT item."""
    if _CONTROL.search(value):
        raise ValueError(f"{name.meaning} {value!r} has a control character")
    return new_item(relationship, "TEXT", name, children, TextValue=require_text(name.meaning, value, "UT"))


def code(relationship: str, name: Code, value: Code, *children: Dataset) -> Dataset:
    """Return a CODE item."""
    return new_item(relationship, "CODE", name, children, ConceptCodeSequence=code_sequence(value))


def number(
    relationship: str, name: Code, value: float, unit: Code, *children: Dataset, qualifier: Code | None = None
) -> Dataset:
    """Return a NUM item; where 16 characters do not hold the value exactly, Floating Point Value does, too.

    ``unit`` has to be one of UCUM. A value that is not known is NaN, with a ``qualifier`` that says why (CID 42).
    """
    require_unit(name.meaning, unit)
    measured = []
    if not (math.isnan(value) and qualifier is not None):
        if not math.isfinite(value):
            raise ValueError(f"{name.meaning} is {value}: only finite numbers can be reported")
        decimal = DSfloat(decimal_string(value))
        exact = None if float(decimal) == value else float(value)
        units = code_sequence(unit)
        measured.append(dataset_of(NumericValue=decimal, FloatingPointValue=exact, MeasurementUnitsCodeSequence=units))
    return new_item(
        relationship,
        "NUM",
        name,
        children,
        MeasuredValueSequence=Sequence(measured),
        NumericValueQualifierCodeSequence=None if qualifier is None else code_sequence(qualifier),
    )


def uid(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a UIDREF item."""
    if not value or len(value) > 64:
        raise ValueError(f"{name.meaning} {value!r} is no UID")
    return new_item(relationship, "UIDREF", name, children, UID=UID(str(value)))


def date(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a DATE item; ``value`` is DICOM's YYYYMMDD."""
    item = new_item(relationship, "DATE", name, children)
    item.Date = require_text(name.meaning, value, "DA")
    return item


def time(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a TIME item; ``value`` is DICOM's HHMMSS."""
    item = new_item(relationship, "TIME", name, children)
    item.Time = require_text(name.meaning, value, "TM")
    return item


def date_time(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a DATETIME item; ``value`` is DICOM's YYYYMMDDHHMMSS.FFFFFF&ZZXX, as far as it is known."""
    if not _DATE_TIME.fullmatch(value):
        raise ValueError(f"{name.meaning} {value!r} is no date and time")
    item = new_item(relationship, "DATETIME", name, children)
    item.DateTime = value
    return item


def person_name(relationship: str, name: Code, value: str, *children: Dataset) -> Dataset:
    """Return a PNAME item; ``value`` is DICOM's Family^Given^Middle^Prefix^Suffix."""
    item = new_item(relationship, "PNAME", name, children)
    item.PersonName = require_text(name.meaning, value, "PN")
    return item


def image(
    relationship: str,
    name: Code,
    sop_class_uid: str,
    sop_instance_uid: str,
    *children: Dataset,
    frames: tuple[int, ...] = (),
    segment_number: int | None = None,
) -> Dataset:
    """Return an IMAGE item, which refers to an instance, to frames of it or to one segment of a Segmentation."""
    reference = referenced_instance(sop_class_uid, sop_instance_uid)
    if frames:
        reference.ReferencedFrameNumber = list(frames)
    if segment_number is not None:
        reference.ReferencedSegmentNumber = segment_number
    return new_item(relationship, "IMAGE", name, children, ReferencedSOPSequence=Sequence([reference]))


def decimal_string(value: float) -> str:
    """Return a number as a decimal string (VR DS, at most 16 characters), exactly if that is possible."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    return str(format_number_as_ds(float(value)))


def new_item(
    relationship: str | None, value_type: str, name: Code, children: tuple[Dataset, ...] = (), **value: Any
) -> Dataset:
    """Return an item; ``value`` are the attributes of its value, as :func:`dataset_of` takes them."""
    return dataset_of(
        RelationshipType=relationship,
        ValueType=value_type,
        ConceptNameCodeSequence=code_sequence(name),
        ContentSequence=Sequence(children) if children else None,
        **value,
    )
