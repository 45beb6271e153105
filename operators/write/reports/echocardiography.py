"""Echo measurements: TID 5301 (pre-coordinated), 5302 (post-coordinated) and 5303 (adhoc) of PS3.16."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.echocardiography import EchoKind, EchoMeasurement
from operators.measure.region import ImageRegion
from operators.write.reports.content import (
    HAS_CONCEPT_MOD,
    HAS_PROPERTIES,
    INFERRED_FROM,
    code,
    image,
    text,
)
from operators.write.reports.coordinates import SOURCE_OF_MEASUREMENT
from operators.write.reports.measurements import measurement_item, require_member, site_item

_SELECTION_STATUS = Code("121404", "DCM", "Selection Status")
_SHORT_LABEL = Code("125309", "DCM", "Short Label")
_OBSERVATION_TYPE = Code("125305", "DCM", "Finding Observation Type")
_MEASUREMENT_TYPE = Code("125306", "DCM", "Measurement Type")
_MEASURED_PROPERTY = Code("125307", "DCM", "Measured Property")
_MEASUREMENT_DIVISOR = Code("125308", "DCM", "Measurement Divisor")
_FLOW_DIRECTION = Code("260674002", "SCT", "Flow Direction")
_CARDIAC_PHASE = Code("272518008", "SCT", "Cardiac Cycle Point")
_IMAGE_MODE = Code("399067008", "SCT", "Image Mode")


def pre_coordinated_measurement(item: EchoMeasurement) -> Dataset:
    """Return TID 5301: a measurement of CID 12300 without modifiers of its own."""
    require_member(item.measurement.name, 12300)
    if item.measurement.modifiers or item.measurement.sites or item.measurement.method is not None:
        raise ValueError(f"{item.measurement.name.meaning} is pre-coordinated: its code says everything (TID 5301)")
    return measurement_item(item.measurement, *_common(item))


def post_coordinated_measurement(item: EchoMeasurement) -> Dataset:
    """Return TID 5302: a measurement that is what its modifiers say."""
    if item.kind is None:
        raise ValueError(f"{item.measurement.name.meaning}: a post-coordinated measurement needs its kind (TID 5302)")
    return measurement_item(item.measurement, *_kind(item.kind), *_common(item))


def adhoc_measurement(item: EchoMeasurement) -> Dataset:
    """Return TID 5303: a measurement that is known by its property and its label only."""
    require_member(item.measurement.name, 12304)
    if not item.label:
        raise ValueError(f"{item.measurement.name.meaning}: an adhoc measurement needs a label (TID 5303)")
    return measurement_item(item.measurement, *_common(item))


def _common(item: EchoMeasurement) -> list[Dataset]:
    items = []
    if item.selected_because is not None:
        require_member(item.selected_because, 12301)
        items.append(code(HAS_PROPERTIES, _SELECTION_STATUS, item.selected_because))
    drawn_on = {region.header.SOPInstanceUID for region in item.measurement.sources if isinstance(region, ImageRegion)}
    items += [
        image(INFERRED_FROM, SOURCE_OF_MEASUREMENT, header.SOPClassUID, header.SOPInstanceUID)
        for header in item.images
        if header.SOPInstanceUID not in drawn_on
    ]
    if item.label:
        items.append(text(HAS_CONCEPT_MOD, _SHORT_LABEL, item.label))
    return items


def _kind(kind: EchoKind) -> list[Dataset]:
    for value, context_group in (
        (kind.observation_type, 12302),
        (kind.property, 12304),
        (kind.measurement_type, 12303),
        (kind.flow_direction, 12306),
        (kind.cardiac_phase, 12307),
        (kind.image_mode, 12224),
        (kind.image_view, 12226),
    ):
        if value is not None:
            require_member(value, context_group)
    modifiers = (
        (_MEASURED_PROPERTY, kind.property),
        (_MEASUREMENT_TYPE, kind.measurement_type),
        (_MEASUREMENT_DIVISOR, kind.divisor),
        (_FLOW_DIRECTION, kind.flow_direction),
        (_CARDIAC_PHASE, kind.cardiac_phase),
        # PS3.3 table A.35.17-2 lets no NUM have an acquisition context.
        (_IMAGE_MODE, kind.image_mode),
        (codes.DCM.ImageView, kind.image_view),
    )
    return [
        code(HAS_CONCEPT_MOD, _OBSERVATION_TYPE, kind.observation_type),
        site_item(kind.site),
        *(code(HAS_CONCEPT_MOD, name, value) for name, value in modifiers if value is not None),
    ]
