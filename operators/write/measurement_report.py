"""Measurements and evaluations → structured report (PS3.16 TID 1500)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes

from operators.check.gate import GateResult
from operators.manifest import OutputPart
from operators.measure.measurement import Evaluation, Measurement, MeasurementGroup
from operators.provenance import Analysis
from operators.read.study import Series, Study
from operators.write.reports.content import (
    CONTAINS,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    code,
    container,
    image,
    number,
    text,
    uid,
)
from operators.write.reports.gates import gate_groups
from operators.write.reports.image_library import image_library
from operators.write.reports.structured_report import (
    QUALITATIVE_EVALUATIONS,
    algorithm_content,
    notice_content,
    write_report,
)


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
    gates: Sequence[GateResult] = (),
    notice: str = "",
    limits: Sequence[str] = (),
) -> FileDataset:
    """Return the report of an analysis: image library, measurement groups in the order given, evaluations, notice.

    The verdicts of ``gates`` on the input follow the measurements, as groups of their own.

    ``segmentations`` are the Segmentation objects by output name; ``source`` are the series that were analysed.
    ``evaluations`` concern the whole study; they, ``notice`` and ``limits`` stand under Qualitative Evaluations, so a
    report without any group is valid, too. Raises :class:`ValueError` if a group refers to a segment that is not
    there, two groups share a tracking identifier, a number is not finite or a series belongs to another study.
    """
    for series in source:
        if series.header.StudyInstanceUID != study.study_instance_uid:
            raise ValueError(f"series {series.series_instance_uid} is not of study {study.study_instance_uid}")
    groups = [*groups, *gate_groups(gates)]
    if len({group.tracking_identifier for group in groups}) != len(groups):
        raise ValueError("tracking identifiers must be different in one report")
    content = [image_library(source)]
    if groups:
        content.append(
            container(
                CONTAINS,
                codes.DCM.ImagingMeasurements,
                *algorithm_content(analysis),
                *(measurement_group(group, segmentations, analysis) for group in groups),
            )
        )
    statements = [_evaluation(evaluation) for evaluation in evaluations] + notice_content(notice, limits)
    if not groups:
        # Nothing was measured: the algorithm is named beside what it says instead.
        statements = algorithm_content(analysis) + statements
    if statements:
        content.append(container(CONTAINS, QUALITATIVE_EVALUATIONS, *statements))
    analysed = [instance.header for series in source for instance in series.instances]
    header = source[0].header if source else study.header
    return write_report(output_name, output, header, [*analysed, *segmentations.values()], content, analysis)


def measurement_group(group: MeasurementGroup, segmentations: Mapping[str, Dataset], analysis: Analysis) -> Dataset:
    """Return TID 1411 where the group refers to a segment of ``segmentations`` (by output name), else TID 1501."""
    items = [
        text(HAS_OBS_CONTEXT, codes.DCM.TrackingIdentifier, group.tracking_identifier),
        uid(
            HAS_OBS_CONTEXT,
            codes.DCM.TrackingUniqueIdentifier,
            analysis.uid(f"tracking/{group.tracking_identifier}"),
        ),
        code(CONTAINS, codes.DCM.Finding, group.finding),
    ]
    if group.segment is not None:
        items += _segment(segmentations[group.segment.output], group.segment.segment_number)
    if group.finding_site is not None:
        side = group.laterality
        items.append(
            code(
                HAS_CONCEPT_MOD,
                codes.SCT.FindingSite,
                group.finding_site,
                *([code(HAS_CONCEPT_MOD, codes.SCT.Laterality, side)] if side is not None else []),
            )
        )
    items += [_measurement(measurement) for measurement in group.measurements]
    items += [_evaluation(evaluation) for evaluation in group.evaluations]
    if group.comment is not None:
        items.append(text(CONTAINS, codes.DCM.Comment, group.comment))
    template = "1411" if group.segment is not None else "1501"
    return container(CONTAINS, codes.DCM.MeasurementGroup, *items, template=template)


def _segment(segmentation: Dataset, segment_number: int) -> list[Dataset]:
    """Return TID 1411 rows 7 and 12: the segment, and the series that it was drawn on."""
    if segment_number not in {segment.SegmentNumber for segment in segmentation.SegmentSequence}:
        raise ValueError(f"{segmentation.SeriesDescription!r} has no segment {segment_number}")
    return [
        image(
            CONTAINS,
            codes.DCM.ReferencedSegment,
            segmentation.SOPClassUID,
            segmentation.SOPInstanceUID,
            segment_number=segment_number,
        ),
        uid(
            CONTAINS,
            codes.DCM.SourceSeriesForSegmentation,
            segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID,
        ),
    ]


def _measurement(measurement: Measurement) -> Dataset:
    """Return TID 1419 row 5 (TID 300 row 1) with its method."""
    method = measurement.method
    return number(
        CONTAINS,
        measurement.name,
        measurement.value,
        measurement.unit,
        *([code(HAS_CONCEPT_MOD, codes.SCT.MeasurementMethod, method)] if method is not None else []),
    )


def _evaluation(evaluation: Evaluation) -> Dataset:
    """Return TID 1500 row 13: a coded statement."""
    return code(CONTAINS, evaluation.name, evaluation.value)
