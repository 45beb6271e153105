"""The frame of every report: the SR document around a tree, and the head of TID 1500 "Measurement Report"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import UID, Comprehensive3DSRStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.refused import CODING_SCHEME
from operators.write.base.identity import referenced_request_sequence
from operators.write.base.references import references_by_study
from operators.write.base.replaced import name_predecessors
from operators.write.base.result import finish, new_result
from operators.write.reports.content import CONTAINS, HAS_CONCEPT_MOD, code, container, text
from operators.write.reports.context import ENGLISH, PersonObserver, language_content, observer_content

NOTICE = Code("notice", CODING_SCHEME, "Notice")
LIMITATION = Code("limitation", CODING_SCHEME, "Limitation")
QUALITATIVE_EVALUATIONS = Code("C0034375", "UMLS", "Qualitative Evaluations")

# PS3.16 CID 100: what to call the imaging procedure where the study does not code it itself.
_PROCEDURE = {
    "CT": Code("25045-6", "LN", "CT unspecified body region"),
    "MR": Code("25056-3", "LN", "MRI unspecified body region"),
    "NM": Code("49118-3", "LN", "NM unspecified body region"),
    "PT": Code("44136-0", "LN", "PET unspecified body region"),
}
_ANY_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")


def write_document(
    sop_class_uid: UID,
    output_name: str,
    output: OutputPart,
    source: Dataset,
    evidence_headers: Iterable[Dataset],
    root: Dataset,
    analysis: Analysis,
    *,
    predecessors: Sequence[Dataset] = (),
) -> FileDataset:
    """Return an SR document (PS3.3 C.17.2 and C.17.3) whose tree is ``root``, a CONTAINER.

    ``source`` is the header of an instance of the study; ``evidence_headers`` are those of all instances that the
    report is about, whether its content refers to them or not: those of the same study make the Current Requested
    Procedure Evidence Sequence, others the Pertinent Other Evidence Sequence. ``predecessors`` are the headers of
    earlier reports, which this one is the successor of, besides the one that ``analysis`` replaces.

    Raises :class:`ValueError` for evidence or a predecessor of another patient, or without identifiers.
    """
    evidence = list({header.get("SOPInstanceUID"): header for header in evidence_headers}.values())
    for header in [*evidence, *predecessors]:
        _check_reference(header, source)
    report = new_result(sop_class_uid, "SR", output_name, output, source, analysis)
    report.ReferencedPerformedProcedureStepSequence = DicomSequence()
    report.PerformedProcedureCodeSequence = DicomSequence()
    report.PreliminaryFlag = "PRELIMINARY"
    report.CompletionFlag = "COMPLETE"
    report.VerificationFlag = "UNVERIFIED"
    if requests := referenced_request_sequence(source):
        report.ReferencedRequestSequence = requests
    if predecessors:
        name_predecessors(report, list(predecessors))
    own = [header for header in evidence if header.StudyInstanceUID == source.StudyInstanceUID]
    if own:
        report.CurrentRequestedProcedureEvidenceSequence = references_by_study(own)
    if len(own) < len(evidence):
        others = [header for header in evidence if header.StudyInstanceUID != source.StudyInstanceUID]
        report.PertinentOtherEvidenceSequence = references_by_study(others)
    report.update(root)
    return finish(report)


def _check_reference(header: Dataset, source: Dataset) -> None:
    for keyword in ("SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"):
        if not header.get(keyword):
            raise ValueError(f"an instance that the report refers to has no {keyword}")
    if (header.get("PatientID") or "") != (source.get("PatientID") or ""):
        raise ValueError(f"{header.SOPInstanceUID} is of another patient than the study that is reported")


def write_report(
    output_name: str,
    output: OutputPart,
    source: Dataset,
    evidence_headers: Iterable[Dataset],
    content: Iterable[Dataset],
    analysis: Analysis,
    *,
    predecessors: Sequence[Dataset] = (),
    language: Code = ENGLISH,
    person: PersonObserver | None = None,
) -> FileDataset:
    """Return a Comprehensive 3D SR (PS3.3 A.35.13) with TID 1500 as its root.

    ``content`` is what follows the Procedure Reported (TID 1500 rows 5 to 12); for the rest see
    :func:`write_document`. The observer is the device that analysed, and ``person`` if someone has edited the result.
    """
    root = container(
        None,
        codes.DCM.ImagingMeasurementReport,
        language_content(language),
        *observer_content(analysis.algorithm, person),
        code(HAS_CONCEPT_MOD, codes.DCM.ProcedureReported, procedure(source)),
        *content,
        template="1500",
    )
    return write_document(
        Comprehensive3DSRStorage,
        output_name,
        output,
        source,
        evidence_headers,
        root,
        analysis,
        predecessors=predecessors,
    )


def procedure(source: Dataset) -> Code:
    """Return the imaging procedure that is reported: as the study codes it, else by modality."""
    for item in source.get("ProcedureCodeSequence") or ():
        value = item.get("CodeValue") or item.get("LongCodeValue")
        if value and item.get("CodingSchemeDesignator") and item.get("CodeMeaning"):
            # A meaning that is too long for its VR comes from the source: as much of it as fits.
            return Code(value, item.CodingSchemeDesignator, item.CodeMeaning[:64], item.get("CodingSchemeVersion"))
    return _PROCEDURE.get(source.get("Modality"), _ANY_PROCEDURE)


def notice_content(notice: str, limits: Iterable[str]) -> list[Dataset]:
    """Return what the reader of a report has to be told, as TEXT items; an empty notice is left out."""
    notices = [text(CONTAINS, NOTICE, notice)] if notice else []
    return notices + [text(CONTAINS, LIMITATION, limit) for limit in limits]
