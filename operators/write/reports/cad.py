"""Findings, features and tasks of mammography CAD: TID 4003 to 4021 of PS3.16."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.mammography import CadFeature, CadFinding, CadImpression, CadTask
from operators.measure.measurement import Modifier
from operators.provenance import Analysis
from operators.write.reports.content import (
    CONTAINS,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    HAS_PROPERTIES,
    INFERRED_FROM,
    code,
    container,
    number,
    text,
    uid,
)
from operators.write.reports.context import algorithm_content
from operators.write.reports.coordinates import by_reference, image_graphic
from operators.write.reports.measurements import measurement_item, require_member

Library = Mapping[str, Sequence[int]]
"""The place of each image in the tree, by SOP Instance UID: other items refer to the image library's."""

_IMPRESSION = Code("111034", "DCM", "Individual Impression/Recommendation")
_RENDERING_INTENT = Code("111056", "DCM", "Rendering Intent")
_COMPOSITE_FEATURE = Code("111015", "DCM", "Composite Feature")
_COMPOSITE_TYPE = Code("111016", "DCM", "Composite Type")
_SCOPE_OF_FEATURE = Code("111057", "DCM", "Scope of Feature")
_CERTAINTY_OF_FEATURE = Code("111011", "DCM", "Certainty of Feature")
_SINGLE_IMAGE_FINDING = Code("111059", "DCM", "Single Image Finding")
_CERTAINTY_OF_FINDING = Code("111012", "DCM", "Certainty of Finding")
_PROBABILITY_OF_CANCER = Code("111047", "DCM", "Probability of cancer")
_NUMBER_OF_CALCIFICATIONS = Code("111038", "DCM", "Number of calcifications")
_CENTER = Code("111010", "DCM", "Center")
_OUTLINE = Code("111041", "DCM", "Outline")
_PERCENT = Code("%", "UCUM", "Percent")
_NO_UNITS = Code("1", "UCUM", "no units")

# Breast composition, breast geometry and image quality are of a whole image: they have no centre (TID 4006).
_WITHOUT_PLACE = frozenset({"129715009", "111100", "111101"})


def impression_item(impression: CadImpression, library: Library, analysis: Analysis) -> Dataset:
    """Return TID 4003: the features and findings of one impression."""
    if not impression.features and not impression.findings:
        raise ValueError("an impression has at least one feature or finding (TID 4003)")
    return container(
        INFERRED_FROM,
        _IMPRESSION,
        _intent(impression.rendering_intent),
        *(_feature(feature, library, analysis) for feature in impression.features),
        *(_finding(CONTAINS, finding, library, analysis) for finding in impression.findings),
    )


def tasks_item(
    relationship: str, name: Code, performed: Code, tasks: Sequence[CadTask], library: Library, analysis: Analysis
) -> Dataset:
    """Return a container of detections (TID 4017) or analyses (TID 4018), each with the images it was tried on."""
    return container(
        relationship,
        name,
        *(
            code(
                CONTAINS,
                performed,
                task.task,
                *_algorithm(analysis),
                *(by_reference(HAS_PROPERTIES, library[header.SOPInstanceUID]) for header in task.images),
            )
            for task in tasks
        ),
    )


def _feature(feature: CadFeature, library: Library, analysis: Analysis) -> Dataset:
    """Return TID 4004 with its body (TID 4005)."""
    require_member(feature.kind, 6016)
    require_member(feature.relation, 6035)
    require_member(feature.scope, 6036)
    if not feature.findings:
        raise ValueError(f"{feature.tracking_identifier}: a feature is made of findings (TID 4004)")
    return code(
        CONTAINS,
        _COMPOSITE_FEATURE,
        feature.kind,
        _intent(feature.rendering_intent),
        *_tracking(feature.tracking_identifier, analysis),
        code(HAS_PROPERTIES, _COMPOSITE_TYPE, feature.relation),
        code(HAS_PROPERTIES, _SCOPE_OF_FEATURE, feature.scope),
        *_algorithm(analysis),
        *_percent(_CERTAINTY_OF_FEATURE, feature.certainty),
        *_percent(_PROBABILITY_OF_CANCER, feature.probability_of_cancer),
        *(_finding(INFERRED_FROM, finding, library, analysis) for finding in feature.findings),
    )


def _finding(relationship: str, finding: CadFinding, library: Library, analysis: Analysis) -> Dataset:
    """Return TID 4006 with its geometry (TID 4021)."""
    _check_finding(finding, library)
    place = library[finding.center.header.SOPInstanceUID]
    count = finding.number_of_calcifications
    return code(
        relationship,
        _SINGLE_IMAGE_FINDING,
        finding.kind,
        _intent(finding.rendering_intent),
        *_tracking(finding.tracking_identifier, analysis),
        *_algorithm(analysis),
        *_percent(_CERTAINTY_OF_FINDING, finding.certainty),
        *_percent(_PROBABILITY_OF_CANCER, finding.probability_of_cancer),
        image_graphic(HAS_PROPERTIES, _CENTER, finding.center, place),
        *([] if finding.outline is None else [image_graphic(HAS_PROPERTIES, _OUTLINE, finding.outline, place)]),
        *_properties(finding.properties),
        *([] if count is None else [number(HAS_PROPERTIES, _NUMBER_OF_CALCIFICATIONS, count, _NO_UNITS)]),
        *(measurement_item(measured, relationship=HAS_PROPERTIES) for measured in finding.measurements),
    )


def _check_finding(finding: CadFinding, library: Library) -> None:
    require_member(finding.kind, 6014)
    if finding.kind.value in _WITHOUT_PLACE:
        raise ValueError(f"{finding.kind.meaning!r} is of a whole image and has no centre (TID 4006)")
    if finding.center.graphic != "POINT":
        raise ValueError(f"{finding.tracking_identifier}: the centre is a POINT, not a {finding.center.graphic}")
    if finding.center.header.SOPInstanceUID not in library:
        raise ValueError(f"{finding.tracking_identifier}: its image is not among those that were processed")
    if finding.outline is None:
        return
    if finding.outline.header.SOPInstanceUID != finding.center.header.SOPInstanceUID:
        raise ValueError(f"{finding.tracking_identifier}: outline and centre are on different images")
    if finding.outline.graphic not in ("POLYLINE", "CIRCLE", "ELLIPSE"):
        raise ValueError(f"{finding.tracking_identifier}: a {finding.outline.graphic} is no outline")


def _intent(intent: Code) -> Dataset:
    require_member(intent, 6034)
    return code(HAS_CONCEPT_MOD, _RENDERING_INTENT, intent)


def _tracking(identifier: str, analysis: Analysis) -> list[Dataset]:
    """Return TID 4108."""
    return [
        text(HAS_OBS_CONTEXT, codes.DCM.TrackingIdentifier, identifier),
        uid(HAS_OBS_CONTEXT, codes.DCM.TrackingUniqueIdentifier, analysis.uid(f"tracking/{identifier}")),
    ]


def _algorithm(analysis: Analysis) -> list[Dataset]:
    return algorithm_content(analysis, HAS_PROPERTIES)


def _percent(name: Code, value: float | None) -> list[Dataset]:
    if value is None:
        return []
    if not 0 <= value <= 100:
        raise ValueError(f"{name.meaning} is {value}, not between 0 and 100 percent")
    return [number(HAS_PROPERTIES, name, value, _PERCENT)]


def _properties(properties: Iterable[Modifier]) -> list[Dataset]:
    """Return rows of TID 4009 to 4011, and whatever else is said."""
    items = []
    for item in properties:
        if (context_group := _PROPERTIES.get(item.name.value)) is not None:
            require_member(item.value, context_group)
        items.append(code(HAS_PROPERTIES, item.name, item.value))
    return items


_PROPERTIES = {
    "111009": 6010,
    "111008": 6012,
    "111035": 6008,
    "107644003": 6004,
    "111037": 6006,
}
"""Context group of calcification type and distribution, lesion density, shape and margins, by code value."""
