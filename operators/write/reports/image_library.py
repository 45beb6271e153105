"""TID 1600 "Image Library": the images that were analysed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.read.geometry.slices import first_header
from operators.read.study import Series
from operators.write.reports.content import CONTAINS, HAS_ACQ_CONTEXT, code, container, date, image, number, time, uid

_PIXELS = Code("{pixels}", "UCUM", "Pixels")
_SOURCE = Code("260753009", "SCT", "Source")


def image_library(source: Iterable[Series]) -> Dataset:
    """Return the image library: one group for each series.

    What all images of a series have in common is said once in the group (TID 1602, 1604); their entries (TID 1601)
    are plain references, as every image carries the rest itself.
    """
    groups = [
        container(
            CONTAINS,
            codes.DCM.ImageLibraryGroup,
            *_descriptors([first_header(instance) for instance in series.instances]),
            *(
                image(CONTAINS, _SOURCE, instance.sop_class_uid, instance.sop_instance_uid)
                for instance in series.instances
            ),
        )
        for series in source
    ]
    return container(CONTAINS, codes.DCM.ImageLibrary, *groups, template="1600")


def _descriptors(headers: list[Dataset]) -> list[Dataset]:
    """Return the descriptors that are known and the same in all images of a series."""
    modality = headers[0].Modality
    items = [code(HAS_ACQ_CONTEXT, codes.DCM.Modality, _MODALITIES.get(modality, Code(modality, "DCM", modality)))]
    for keyword, describe in _DESCRIPTORS:
        value = headers[0].get(keyword)
        if value is not None and value != "" and all(header.get(keyword) == value for header in headers[1:]):
            items += describe(value)
    return items


_MODALITIES = {concept.value: concept for concept in codes.CID29.concepts.values()}


# What an anonymiser left in place of a date, time or number is no descriptor.
def _dated(name: Code) -> Callable[[Any], list[Dataset]]:
    return lambda value: [date(HAS_ACQ_CONTEXT, name, str(value))] if re.fullmatch(r"\d{8}", str(value)) else []


def _timed(name: Code) -> Callable[[Any], list[Dataset]]:
    valid = re.compile(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?")
    return lambda value: [time(HAS_ACQ_CONTEXT, name, str(value))] if valid.fullmatch(str(value)) else []


def _measured(name: Code, unit: Code) -> Callable[[Any], list[Dataset]]:
    def describe(value: Any) -> list[Dataset]:
        try:
            found = float(value)
        except (TypeError, ValueError):
            return []
        return [number(HAS_ACQ_CONTEXT, name, found, unit)] if math.isfinite(found) else []

    return describe


def _pixel_spacing(value: Any) -> list[Dataset]:
    # Pixel Spacing (0028,0030) is between rows, then between columns.
    return [
        number(HAS_ACQ_CONTEXT, codes.DCM.HorizontalPixelSpacing, float(value[1]), codes.UCUM.Millimeter),
        number(HAS_ACQ_CONTEXT, codes.DCM.VerticalPixelSpacing, float(value[0]), codes.UCUM.Millimeter),
    ]


_DESCRIPTORS: tuple[tuple[str, Callable[[Any], list[Dataset]]], ...] = (
    ("StudyDate", _dated(codes.DCM.StudyDate)),
    ("StudyTime", _timed(codes.DCM.StudyTime)),
    ("AcquisitionDate", _dated(codes.DCM.AcquisitionDate)),
    ("AcquisitionTime", _timed(codes.DCM.AcquisitionTime)),
    ("FrameOfReferenceUID", lambda value: [uid(HAS_ACQ_CONTEXT, codes.DCM.FrameOfReferenceUID, value)]),
    ("Rows", _measured(codes.DCM.PixelDataRows, _PIXELS)),
    ("Columns", _measured(codes.DCM.PixelDataColumns, _PIXELS)),
    ("PixelSpacing", _pixel_spacing),
    ("SpacingBetweenSlices", _measured(codes.DCM.SpacingBetweenSlices, codes.UCUM.Millimeter)),
    ("SliceThickness", _measured(codes.DCM.SliceThickness, codes.UCUM.Millimeter)),
)
