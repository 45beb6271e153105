"""The frame of every report: Comprehensive 3D SR document and the head of TID 1500 "Measurement Report"."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import Comprehensive3DSRStorage

from operators.manifest import OutputPart
from operators.provenance import Algorithm, Analysis
from operators.refused import CODING_SCHEME
from operators.write.base.equipment import algorithm_name, parameter_texts
from operators.write.base.identity import referenced_request_sequence
from operators.write.base.references import evidence
from operators.write.base.result import finish, new_result
from operators.write.reports.content import CONTAINS, HAS_CONCEPT_MOD, HAS_OBS_CONTEXT, code, container, text, uid

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


def write_report(
    output_name: str,
    output: OutputPart,
    source: Dataset,
    evidence_headers: Iterable[Dataset],
    content: Iterable[Dataset],
    analysis: Analysis,
) -> FileDataset:
    """Return a Comprehensive 3D SR (PS3.3 A.35.13) with TID 1500 as its root.

    ``source`` is the header of an instance of the study; ``evidence_headers`` are those of all instances that the
    report is about, whether its content refers to them or not (PS3.3 C.17.2.3); ``content`` is what follows the
    Procedure Reported (TID 1500 rows 5 to 12).
    """
    report = new_result(Comprehensive3DSRStorage, "SR", output_name, output, source, analysis)
    report.ReferencedPerformedProcedureStepSequence = Sequence()
    report.PerformedProcedureCodeSequence = Sequence()
    report.PreliminaryFlag = "PRELIMINARY"
    report.CompletionFlag = "COMPLETE"
    report.VerificationFlag = "UNVERIFIED"
    if requests := referenced_request_sequence(source):
        report.ReferencedRequestSequence = requests
    if used := evidence(source.StudyInstanceUID, evidence_headers):
        report.CurrentRequestedProcedureEvidenceSequence = used
    root = container(
        None,
        codes.DCM.ImagingMeasurementReport,
        code(HAS_CONCEPT_MOD, codes.DCM.LanguageOfContentItemAndDescendants, Code("en", "RFC5646", "English")),
        *device_observer(analysis.algorithm),
        code(HAS_CONCEPT_MOD, codes.DCM.ProcedureReported, _procedure(source)),
        *content,
        template="1500",
    )
    report.update(root)
    return finish(report)


def device_observer(algorithm: Algorithm) -> list[Dataset]:
    """Return the observer context of a device: TID 1002 row 1 and TID 1004 rows 1 to 5."""
    return [
        code(HAS_OBS_CONTEXT, codes.DCM.ObserverType, codes.DCM.Device),
        uid(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverUID, algorithm.device_uid),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverName, algorithm.title),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverManufacturer, algorithm.manufacturer),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverModelName, algorithm_name(algorithm)),
        text(HAS_OBS_CONTEXT, codes.DCM.DeviceObserverSerialNumber, algorithm.model_digest),
    ]


def _procedure(source: Dataset) -> Code:
    """Return the imaging procedure that is reported: as the study codes it, else by modality."""
    for item in source.get("ProcedureCodeSequence") or ():
        value = item.get("CodeValue") or item.get("LongCodeValue")
        if value and item.get("CodingSchemeDesignator") and item.get("CodeMeaning"):
            return Code(value, item.CodingSchemeDesignator, item.CodeMeaning, item.get("CodingSchemeVersion"))
    return _PROCEDURE.get(source.get("Modality"), _ANY_PROCEDURE)


def algorithm_content(analysis: Analysis) -> list[Dataset]:
    """Return TID 4019 "Algorithm Identification": name, version, one item for each parameter, family."""
    algorithm = analysis.algorithm
    return [
        text(HAS_CONCEPT_MOD, codes.DCM.AlgorithmName, algorithm_name(algorithm)),
        text(HAS_CONCEPT_MOD, codes.DCM.AlgorithmVersion, algorithm.version),
        *(text(HAS_CONCEPT_MOD, codes.DCM.AlgorithmParameters, value) for value in parameter_texts(analysis)),
        code(HAS_CONCEPT_MOD, codes.DCM.AlgorithmFamily, algorithm.family),
    ]


def notice_content(notice: str, limits: Iterable[str]) -> list[Dataset]:
    """Return what the reader of a report has to be told, as TEXT items; an empty notice is left out."""
    notices = [text(CONTAINS, NOTICE, notice)] if notice else []
    return notices + [text(CONTAINS, LIMITATION, limit) for limit in limits]
