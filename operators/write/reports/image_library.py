"""TID 1600 "Image Library": the images that were analysed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.read.geometry.slices import first_header
from operators.read.study import Series
from operators.write.reports.content import (
    CONTAINS,
    HAS_ACQ_CONTEXT,
    code,
    container,
    image,
)
from operators.write.reports.image_descriptors import DESCRIPTORS, Descriptor, described

_SOURCE = Code("260753009", "SCT", "Source")


def image_library(source: Iterable[Series]) -> Dataset:
    """Return the image library: one group for each series.

    What all images of a series have in common is said once in the group (TID 1602 to 1607); an entry (TID 1601) adds
    how a projection was taken, where that differs, and is else a plain reference: every image carries the rest itself.
    """
    return container(CONTAINS, codes.DCM.ImageLibrary, *(_group(series) for series in source), template="1600")


def _group(series: Series) -> Dataset:
    headers = [first_header(instance) for instance in series.instances]
    common, differing = _sorted_descriptors(headers)
    entries = (
        image(
            CONTAINS,
            _SOURCE,
            instance.sop_class_uid,
            instance.sop_instance_uid,
            *described(header, differing),
        )
        for instance, header in zip(series.instances, headers, strict=True)
    )
    return container(
        CONTAINS, codes.DCM.ImageLibraryGroup, _modality(headers[0]), *described(headers[0], common), *entries
    )


def _sorted_descriptors(headers: Sequence[Dataset]) -> tuple[list[Descriptor], list[Descriptor]]:
    """Return the descriptors that are the same in all images, and those of projections that are not."""
    common: list[Descriptor] = []
    differing: list[Descriptor] = []
    for keyword, describe in DESCRIPTORS:
        value = headers[0].get(keyword)
        if all(header.get(keyword) == value for header in headers[1:]):
            common.append((keyword, describe))
        elif keyword in _OF_PROJECTIONS:
            differing.append((keyword, describe))
    return common, differing


def _modality(header: Dataset) -> Dataset:
    modality = str(header.get("Modality") or _OTHER.value)[:16]
    return code(HAS_ACQ_CONTEXT, codes.DCM.Modality, _MODALITIES.get(modality, Code(modality, "DCM", modality)))


_OTHER = Code("OT", "DCM", "Other Modality")
_MODALITIES = {_OTHER.value: _OTHER, **{concept.value: concept for concept in codes.CID29.concepts.values()}}


_OF_PROJECTIONS = frozenset(
    {
        "ImageLaterality",
        "ViewCodeSequence",
        "PatientOrientation",
        "PositionerPrimaryAngle",
        "PositionerSecondaryAngle",
    }
)
