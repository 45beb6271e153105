"""What computer-aided detection found on mammograms → Mammography CAD SR (PS3.3 A.35.5, PS3.16 TID 4000)."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import MammographyCADSRStorage

from operators.manifest import OutputPart
from operators.measure.mammography import CadImpression, CadTask
from operators.provenance import Analysis
from operators.write.reports.cad import Library, impression_item, tasks_item
from operators.write.reports.content import (
    CONTAINS,
    INFERRED_FROM,
    code,
    container,
    image,
)
from operators.write.reports.context import ENGLISH, language_content
from operators.write.reports.mammograms import mammogram_descriptors
from operators.write.reports.measurements import require_member
from operators.write.reports.structured_report import write_document

_REPORT = Code("111036", "DCM", "Mammography CAD Report")
_SUMMARY = Code("111017", "DCM", "CAD Processing and Findings Summary")
_DETECTIONS = Code("111064", "DCM", "Summary of Detections")
_ANALYSES = Code("111065", "DCM", "Summary of Analyses")
_DETECTION_PERFORMED = Code("111022", "DCM", "Detection Performed")
_ANALYSIS_PERFORMED = Code("111004", "DCM", "Analysis Performed")
_SUCCESSFUL_DETECTIONS = Code("111063", "DCM", "Successful Detections")
_FAILED_DETECTIONS = Code("111025", "DCM", "Failed Detections")
_SUCCESSFUL_ANALYSES = Code("111062", "DCM", "Successful Analyses")
_FAILED_ANALYSES = Code("111024", "DCM", "Failed Analyses")
_SOURCE = Code("260753009", "SCT", "Source")

_LIBRARY_ITEM = 2
"""The image library is the second item under the root, after the language."""


def write_mammography_cad_report(
    output_name: str,
    output: OutputPart,
    images: Sequence[Dataset],
    detections: Sequence[CadTask],
    impressions: Sequence[CadImpression],
    analysis: Analysis,
    *,
    analyses: Sequence[CadTask] = (),
    language: Code = ENGLISH,
) -> FileDataset:
    """Return the result of CAD on ``images``, the headers of mammograms of one study and perhaps of earlier ones.

    ``detections`` and ``analyses`` are what was tried, on which images, and whether it succeeded: with the findings
    they make the summary that a workstation shows. No impression means that nothing was found. The first image is of
    the study that the report belongs to.

    Raises :class:`ValueError` for no image or no detection, a finding outside the images or of a kind that was not
    looked for, codes outside their context groups, or an image of another patient.
    """
    library = _library(images)
    _check_tasks(detections, analyses, library)
    findings = [finding for impression in impressions for finding in impression.all_findings]
    looked_for = {(task.task.scheme_designator, task.task.value) for task in detections if task.outcome == "succeeded"}
    for finding in findings:
        if (finding.kind.scheme_designator, finding.kind.value) not in looked_for:
            raise ValueError(f"{finding.kind.meaning!r} was found, but no successful detection looked for it")
    identifiers = [finding.tracking_identifier for finding in findings]
    identifiers += [feature.tracking_identifier for impression in impressions for feature in impression.features]
    if len(set(identifiers)) != len(identifiers):
        raise ValueError("tracking identifiers must be different in one report")
    root = container(
        None,
        _REPORT,
        language_content(language),
        container(CONTAINS, codes.DCM.ImageLibrary, *(_image(header) for header in images)),
        code(
            CONTAINS,
            _SUMMARY,
            _summary(detections, analyses, bool(findings)),
            *(impression_item(impression, library, analysis) for impression in impressions),
        ),
        code(
            CONTAINS,
            _DETECTIONS,
            _status(detections),
            *_outcomes(_SUCCESSFUL_DETECTIONS, _FAILED_DETECTIONS, _DETECTION_PERFORMED, detections, library, analysis),
        ),
        code(
            CONTAINS,
            _ANALYSES,
            _status(analyses),
            *_outcomes(_SUCCESSFUL_ANALYSES, _FAILED_ANALYSES, _ANALYSIS_PERFORMED, analyses, library, analysis),
        ),
        template="4000",
    )
    return write_document(MammographyCADSRStorage, output_name, output, images[0], images, root, analysis)


def _library(images: Sequence[Dataset]) -> Library:
    if not images:
        raise ValueError("a CAD report is of at least one image (TID 4000 row 3)")
    places = {header.SOPInstanceUID: (1, _LIBRARY_ITEM, place) for place, header in enumerate(images, start=1)}
    if len(places) != len(images):
        raise ValueError("an image is there twice")
    return places


def _check_tasks(detections: Sequence[CadTask], analyses: Sequence[CadTask], library: Library) -> None:
    if not detections:
        raise ValueError("a CAD report says at least one thing that was looked for")
    for tasks, context_group in ((detections, 6014), (analyses, 6043)):
        for task in tasks:
            require_member(task.task, context_group)
            if not task.images:
                raise ValueError(f"{task.task.meaning!r} was tried on no image")
            for header in task.images:
                if header.SOPInstanceUID not in library:
                    raise ValueError(f"{task.task.meaning!r} was tried on an image that is not in the report")


def _image(header: Dataset) -> Dataset:
    """Return an entry of the image library (TID 4020)."""
    return image(CONTAINS, _SOURCE, header.SOPClassUID, header.SOPInstanceUID, *mammogram_descriptors(header))


def _outcomes(
    successful: Code,
    failed: Code,
    performed: Code,
    tasks: Sequence[CadTask],
    library: Library,
    analysis: Analysis,
) -> list[Dataset]:
    """Return TID 4015 or 4016: what succeeded, then what failed."""
    items = []
    for name, outcome in ((successful, "succeeded"), (failed, "failed")):
        if members := [task for task in tasks if task.outcome == outcome]:
            items.append(tasks_item(INFERRED_FROM, name, performed, members, library, analysis))
    return items


def _status(tasks: Sequence[CadTask]) -> Code:
    """Return how a list of tasks went (CID 6042)."""
    if not tasks:
        return Code("111225", "DCM", "Not Attempted")
    succeeded = [task.outcome == "succeeded" for task in tasks]
    if all(succeeded):
        return Code("111222", "DCM", "Succeeded")
    return Code("111223", "DCM", "Partially Succeeded") if any(succeeded) else Code("111224", "DCM", "Failed")


def _summary(detections: Sequence[CadTask], analyses: Sequence[CadTask], found: bool) -> Code:
    """Return what a workstation shows first (CID 6047)."""
    succeeded = [task.outcome == "succeeded" for task in (*detections, *analyses)]
    if not any(succeeded):
        return Code("111245", "DCM", "No algorithms succeeded; without findings")
    if all(succeeded):
        return (
            Code("111242", "DCM", "All algorithms succeeded; with findings")
            if found
            else Code("111241", "DCM", "All algorithms succeeded; without findings")
        )
    return (
        Code("111244", "DCM", "Not all algorithms succeeded; with findings")
        if found
        else Code("111243", "DCM", "Not all algorithms succeeded; without findings")
    )
