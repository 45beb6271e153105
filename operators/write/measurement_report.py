"""Measurements and evaluations → structured report (PS3.16 TID 1500)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.check.gate import GateResult
from operators.manifest import OutputPart
from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup
from operators.provenance import Analysis
from operators.read.study import Series, Study
from operators.write.reports.content import CONTAINS, container
from operators.write.reports.context import ENGLISH, PersonObserver, algorithm_content
from operators.write.reports.gates import gate_groups
from operators.write.reports.groups import group_items, referenced_headers
from operators.write.reports.image_library import image_library
from operators.write.reports.measurements import evaluation_item, measurement_item
from operators.write.reports.structured_report import QUALITATIVE_EVALUATIONS, notice_content, write_report

_DERIVED_MEASUREMENTS = Code("126011", "DCM", "Derived Imaging Measurements")


def write_measurement_report(
    output_name: str,
    output: OutputPart,
    study: Study,
    groups: Sequence[MeasurementGroup],
    segmentations: Mapping[str, Dataset],
    source: Sequence[Series],
    analysis: Analysis,
    *,
    evaluations: Sequence[Evaluation] = (),
    derived: Sequence[Measurement] = (),
    gates: Sequence[GateResult] = (),
    notice: str = "",
    limits: Sequence[str] = (),
    priors: Sequence[Series] = (),
    predecessors: Sequence[Dataset] = (),
    language: Code = ENGLISH,
    person: PersonObserver | None = None,
) -> FileDataset:
    """Return the report of an analysis: image library, measurement groups in the order given, evaluations, notice.

    The verdicts of ``gates`` on the input follow the measurements, as groups of their own; ``derived`` are numbers made
    of those of several groups (TID 1420, CID 7465), such as the spread over all lesions.

    ``segmentations`` are the Segmentation objects by output name; ``source`` are the series that were analysed.
    ``evaluations`` concern the whole study; they, ``notice`` and ``limits`` stand under Qualitative Evaluations, so a
    report without any group is valid, too. ``priors`` are series of earlier studies of the patient that were compared
    with; ``predecessors`` are headers of earlier reports that this one replaces. ``language`` is that of the texts
    given; ``person`` is whoever has edited them, if anyone has.

    Raises :class:`ValueError` if a group refers to a segment that is not there, two groups share a tracking identifier,
    a number is not finite, a unit is none of UCUM, a text does not fit, a series belongs to the wrong study or anything
    that is referred to belongs to another patient.
    """
    for series in source:
        if series.header.StudyInstanceUID != study.study_instance_uid:
            raise ValueError(f"series {series.series_instance_uid} is not of study {study.study_instance_uid}")
    for series in priors:
        if series.header.StudyInstanceUID == study.study_instance_uid:
            raise ValueError(f"series {series.series_instance_uid} is of the study itself, not of an earlier one")
    groups = [*groups, *gate_groups(gates)]
    if len({group.tracking_identifier for group in groups}) != len(groups):
        raise ValueError("tracking identifiers must be different in one report")
    content = [image_library([*source, *priors])]
    if groups:
        items = [item for group in groups for item in group_items(group, segmentations, analysis)]
        content.append(container(CONTAINS, codes.DCM.ImagingMeasurements, *algorithm_content(analysis), *items))
    if derived:
        numbers = (measurement_item(measurement) for measurement in derived)
        content.append(container(CONTAINS, _DERIVED_MEASUREMENTS, *algorithm_content(analysis), *numbers))
    statements = [evaluation_item(evaluation) for evaluation in evaluations] + notice_content(notice, limits)
    if not groups and not derived:
        # Nothing was measured: the algorithm is named beside what it says instead.
        statements = algorithm_content(analysis) + statements
    if statements:
        content.append(container(CONTAINS, QUALITATIVE_EVALUATIONS, *statements))
    return write_report(
        output_name,
        output,
        source[0].header if source else study.header,
        [
            *(instance.header for series in (*source, *priors) for instance in series.instances),
            *segmentations.values(),
            *(header for group in groups for header in referenced_headers(group)),
        ],
        content,
        analysis,
        predecessors=predecessors,
        language=language,
        person=person,
    )
