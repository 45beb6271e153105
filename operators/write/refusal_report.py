"""The report of a study that was not analysed: never silence."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.check.gate import GateResult
from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.selection import Decision
from operators.read.study import Study
from operators.refused import CODING_SCHEME, Refused
from operators.write.reports.content import CONTAINS, code, container, text
from operators.write.reports.context import algorithm_content
from operators.write.reports.gates import gate_groups
from operators.write.reports.groups import group_items
from operators.write.reports.structured_report import QUALITATIVE_EVALUATIONS, notice_content, write_report

NOT_ANALYSED = Code("not-analysed", CODING_SCHEME, "Not analysed because")
SERIES = Code("series", CODING_SCHEME, "Series")


def write_refusal_report(
    output_name: str,
    output: OutputPart,
    study: Study,
    refused: Refused,
    analysis: Analysis,
    *,
    decisions: Sequence[Decision] = (),
    gates: Sequence[GateResult] = (),
    notice: str = "",
) -> FileDataset:
    """Return a report (TID 1500) that says why the study was not analysed.

    It holds the coded reason, its detail and, for each series, what was decided about it; the verdicts of ``gates`` on
    the input, with their figures, stand under Imaging Measurements. Its evidence is the whole study. ``output`` is that
    of the report the radiologist would otherwise have received. Raises :class:`ValueError` for a study without
    instances, as nobody could be named in the report.
    """
    if not study.series:
        raise ValueError("a study without a readable instance cannot be reported on") from refused
    statements = [
        code(CONTAINS, NOT_ANALYSED, refused.reason.code),
        text(CONTAINS, codes.DCM.Comment, refused.detail),
        *(text(CONTAINS, SERIES, _sentence(decision)) for decision in decisions),
        *notice_content(notice, ()),
    ]
    content = [container(CONTAINS, QUALITATIVE_EVALUATIONS, *algorithm_content(analysis), *statements)]
    if gates:
        judged = (item for group in gate_groups(gates) for item in group_items(group, {}, analysis))
        content.insert(0, container(CONTAINS, codes.DCM.ImagingMeasurements, *algorithm_content(analysis), *judged))
    titled = output.model_copy(update={"title": f"Not analysed: {output.title}"[:64]})
    concerned = [instance.header for instance in study.instances]
    return write_report(output_name, titled, study.header, concerned, content, analysis)


def _sentence(decision: Decision) -> str:
    verdict = "chosen" if decision.chosen else "not chosen"
    return f"{decision.series_description}: {verdict} as {decision.role}: {decision.reason}"
