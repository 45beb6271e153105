"""Measurements of an adult echocardiogram → Simplified Adult Echo SR (PS3.3 A.35.17, PS3.16 TID 5300)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.uid import SimplifiedAdultEchoSRStorage

from operators.manifest import OutputPart
from operators.measure.echocardiography import EchoMeasurement
from operators.measure.region import ImageRegion
from operators.provenance import Analysis
from operators.write.reports.content import CONTAINS, container
from operators.write.reports.context import ENGLISH, PersonObserver, language_content, observer_content
from operators.write.reports.echocardiography import (
    adhoc_measurement,
    post_coordinated_measurement,
    pre_coordinated_measurement,
)
from operators.write.reports.patient import patient_characteristics
from operators.write.reports.structured_report import write_document

_REPORT = Code("125200", "DCM", "Adult Echocardiography Procedure Report")
_PRE_COORDINATED = Code("125301", "DCM", "Pre-coordinated Measurements")
_POST_COORDINATED = Code("125302", "DCM", "Post-coordinated Measurements")
_ADHOC = Code("125303", "DCM", "Adhoc Measurements")


def write_echo_report(
    output_name: str,
    output: OutputPart,
    images: Sequence[Dataset],
    measurements: Sequence[EchoMeasurement],
    analysis: Analysis,
    *,
    adhoc: Sequence[EchoMeasurement] = (),
    predecessors: Sequence[Dataset] = (),
    language: Code = ENGLISH,
    person: PersonObserver | None = None,
) -> FileDataset:
    """Return the report of an echocardiogram; ``images`` are the headers of the images and clips that were analysed.

    Measurements with a ``kind`` are post-coordinated, those without are of CID 12300; ``adhoc`` are measured once and
    named by the property alone, with a label. Height, weight, age and sex are those of the study's header. The report
    names its time zone.

    Raises :class:`ValueError` for no image, no measurement, two preferred values of one quantity, a measurement on an
    image that is not among ``images``, or codes outside their context groups.
    """
    if not images:
        raise ValueError("an echo report is of at least one image")
    if not measurements and not adhoc:
        raise ValueError("an echo report has at least one measurement")
    _check_selection(measurements)
    known = {header.get("SOPInstanceUID") for header in images}
    for header in _referenced([*measurements, *adhoc]):
        if header.get("SOPInstanceUID") not in known:
            raise ValueError("a measurement was taken from an image that is not among those of the report")
    sections = (
        (_PRE_COORDINATED, [pre_coordinated_measurement(item) for item in measurements if item.kind is None]),
        (_POST_COORDINATED, [post_coordinated_measurement(item) for item in measurements if item.kind is not None]),
        (_ADHOC, [adhoc_measurement(item) for item in adhoc]),
    )
    root = container(
        None,
        _REPORT,
        language_content(language),
        *observer_content(analysis.algorithm, person),
        *patient_characteristics(images[0], "5201"),
        *(container(CONTAINS, name, *items) for name, items in sections if items),
        template="5300",
    )
    report = write_document(
        SimplifiedAdultEchoSRStorage,
        output_name,
        output,
        images[0],
        images,
        root,
        analysis,
        predecessors=predecessors,
    )
    if "TimezoneOffsetFromUTC" not in report:
        # The Timezone module (PS3.3 C.12.5) is mandatory here: where the images name no zone it is the node's, in which
        # the report's own times are and, on a node that keeps the site's time, those of the study.
        report.TimezoneOffsetFromUTC = analysis.started.astimezone().strftime("%z")
    return report


def _check_selection(measurements: Iterable[EchoMeasurement]) -> None:
    preferred = [item.measurement.name for item in measurements if item.selected_because is not None]
    if len(set(preferred)) != len(preferred):
        raise ValueError("two values of one quantity are preferred (TID 5301 row 2)")


def _referenced(measurements: Iterable[EchoMeasurement]) -> list[Dataset]:
    headers = []
    for item in measurements:
        headers += [region.header for region in item.measurement.sources if isinstance(region, ImageRegion)]
        headers += item.images
    return headers
