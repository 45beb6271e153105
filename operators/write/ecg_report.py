"""Intervals, axes, leads and findings of an electrocardiogram → ECG report (PS3.16 TID 3700)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import ComprehensiveSRStorage

from operators.check.gate import GateResult
from operators.manifest import OutputPart
from operators.measure.electrocardiogram import EcgFinding, EcgGlobalMeasurements, EcgLeadMeasurements
from operators.measure.temporal import WaveformChannels
from operators.provenance import Analysis
from operators.write.reports.content import (
    CONTAINS,
    HAS_CONCEPT_MOD,
    code,
    container,
    date_time,
    text,
    uid,
)
from operators.write.reports.context import (
    ENGLISH,
    PersonObserver,
    algorithm_content,
    language_content,
    observer_content,
)
from operators.write.reports.coordinates import SOURCE_OF_MEASUREMENT, waveform
from operators.write.reports.electrocardiogram import global_measurements, lead_measurements, qualitative_analysis
from operators.write.reports.measurements import require_member
from operators.write.reports.patient import patient_characteristics
from operators.write.reports.structured_report import notice_content, write_document

_REPORT = Code("28010-7", "LN", "ECG Report")
_ELECTROCARDIOGRAPHY = Code("29303009", "SCT", "Electrocardiographic procedure")
_PRIOR_PROCEDURE = Code("55114-3", "LN", "Prior Procedure Descriptions")
_CURRENT_PROCEDURE = Code("55111-9", "LN", "Current Procedure Descriptions")
_COMPARISON_DONE = Code("122140", "DCM", "Comparison with Prior Study Done")
_YES = Code("373066001", "SCT", "Yes")
_PROCEDURE_DATE_TIME = Code("122146", "DCM", "Procedure DateTime")
_STUDY = Code("121018", "DCM", "Procedure Study Instance UID")
_LEAD_SYSTEM = Code("10:11345", "MDC", "Lead System")
_QUANTITATIVE_ANALYSIS = Code("122144", "DCM", "Quantitative Analysis")
_SUMMARY = Code("55112-7", "LN", "Summary")
_OVERALL_FINDING = Code("18810-2", "LN", "ECG overall finding")


def write_ecg_report(
    output_name: str,
    output: OutputPart,
    recording: Dataset,
    measured: EcgGlobalMeasurements,
    leads: Sequence[EcgLeadMeasurements],
    analysis: Analysis,
    *,
    findings: Sequence[EcgFinding] = (),
    overall: Code | None = None,
    summary: str = "",
    lead_system: Code | None = None,
    prior: Dataset | None = None,
    notice: str = "",
    limits: Sequence[str] = (),
    gates: Sequence[GateResult] = (),
    predecessors: Sequence[Dataset] = (),
    language: Code = ENGLISH,
    person: PersonObserver | None = None,
) -> FileDataset:
    """Return a report (Comprehensive SR) on ``recording``, the header of a waveform instance.

    ``overall`` is of CID 3677, e.g. (102594003, SCT, "Abnormal ECG"); ``lead_system`` of CID 3263. ``prior`` is the
    header of an earlier recording that was compared with. ``notice`` and ``limits`` stand beside the summary,
    and so does what ``gates`` found of the recording: the template has no place for their figures.

    Raises :class:`ValueError` for a header that is no waveform or does not say when it was acquired, a lead twice,
    numbers that are not finite, codes outside their context groups or a recording of another patient.
    """
    # Reading the whole of both recordings: raises for a header that is none.
    current, earlier = WaveformChannels(recording), WaveformChannels(prior) if prior is not None else None
    acquired = str(recording.get("AcquisitionDateTime") or "")
    if not acquired:
        raise ValueError("the recording does not say when it was acquired, which a report has to (TID 3708 row 8)")
    if len({lead.lead for lead in leads}) != len(leads):
        raise ValueError("a lead is there twice")
    judged = [f"{gate.name.meaning}: {gate.detail}" for gate in gates]
    statements = _summary(overall, summary) + notice_content(notice, [*judged, *limits])
    root = container(
        None,
        _REPORT,
        language_content(language),
        *observer_content(analysis.algorithm, person),
        code(HAS_CONCEPT_MOD, codes.DCM.ProcedureReported, _ELECTROCARDIOGRAPHY),
        *patient_characteristics(recording, "3704"),
        *([] if earlier is None else [_prior(earlier)]),
        container(
            CONTAINS,
            _CURRENT_PROCEDURE,
            waveform(CONTAINS, SOURCE_OF_MEASUREMENT, current),
            *_lead_system(lead_system),
            date_time(CONTAINS, _PROCEDURE_DATE_TIME, acquired),
            *algorithm_content(analysis, CONTAINS),
            template="3708",
        ),
        container(
            CONTAINS,
            _QUANTITATIVE_ANALYSIS,
            global_measurements(measured),
            *(lead_measurements(lead) for lead in leads),
        ),
        *([qualitative_analysis(findings)] if findings else []),
        *([container(CONTAINS, _SUMMARY, *statements, template="3719")] if statements else []),
        template="3700",
    )
    evidence = [recording, *([prior] if prior is not None else []), *_sources(measured, leads)]
    return write_document(
        ComprehensiveSRStorage, output_name, output, recording, evidence, root, analysis, predecessors=predecessors
    )


def _sources(measured: EcgGlobalMeasurements, leads: Sequence[EcgLeadMeasurements]) -> list[Dataset]:
    sources = (measured.source, *(lead.source for lead in leads))
    return [source.coordinates.of.header for source in sources if source is not None and source.coordinates is not None]


def _prior(prior: WaveformChannels) -> Dataset:
    """Return TID 3702."""
    header = prior.header
    acquired = str(header.get("AcquisitionDateTime") or "")
    return container(
        CONTAINS,
        _PRIOR_PROCEDURE,
        code(CONTAINS, _COMPARISON_DONE, _YES),
        *([date_time(CONTAINS, _PROCEDURE_DATE_TIME, acquired)] if acquired else []),
        uid(CONTAINS, _STUDY, header.StudyInstanceUID),
        waveform(CONTAINS, SOURCE_OF_MEASUREMENT, prior),
        template="3702",
    )


def _lead_system(lead_system: Code | None) -> list[Dataset]:
    if lead_system is None:
        return []
    require_member(lead_system, 3263)
    return [code(CONTAINS, _LEAD_SYSTEM, lead_system)]


def _summary(overall: Code | None, summary: str) -> list[Dataset]:
    """Return TID 3719 rows 2 and 3."""
    items = [text(CONTAINS, _SUMMARY, summary)] if summary else []
    if overall is not None:
        require_member(overall, 3677)
        items.append(code(CONTAINS, _OVERALL_FINDING, overall))
    return items
