"""Chosen instances → Key Object Selection document (PS3.3 A.35.4, PS3.16 TID 2010)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code
from pydicom.uid import KeyObjectSelectionDocumentStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.refused import Reason
from operators.write.base.identity import referenced_request_sequence
from operators.write.base.references import referenced_instance, references_by_study
from operators.write.base.result import finish, new_result
from operators.write.base.texts import require_text
from operators.write.reports.content import CONTAINS, HAS_CONCEPT_MOD, code, container, image, text
from operators.write.reports.context import device_observer

KEY_OBJECT_DESCRIPTION = Code("113012", "DCM", "Key Object Description")
DOCUMENT_TITLE_MODIFIER = Code("113011", "DCM", "Document Title Modifier")
# An unnamed item has no place in some readers; PS3.3 C.17.3 offers this name for it.
_SOURCE = Code("260753009", "SCT", "Source")

_QUALITY = (codes.DCM.RejectedForQualityReasons, codes.DCM.QualityIssue)
_REASONS = tuple(reason.code for reason in Reason)


@dataclass(frozen=True, eq=False)
class KeyObject:
    """One instance that is chosen; ``header`` is its header, received or written here.

    ``frames`` (from 1) are those that are meant, none for all of them; ``presentation_state`` is the presentation
    state, one of this study, with which an image is to be shown.
    """

    header: Dataset
    frames: tuple[int, ...] = ()
    presentation_state: Dataset | None = None


def write_key_object_selection(
    output_name: str,
    output: OutputPart,
    title: Code,
    objects: Sequence[KeyObject],
    analysis: Analysis,
    *,
    description: str = "",
    modifiers: Sequence[Code] = (),
) -> FileDataset:
    """Return a document that says of ``objects``, in their order, what ``title`` says.

    ``title`` is of CID 7010, e.g. (113000, DCM, "Of Interest"). ``modifiers`` (113011, DCM) say why images are rejected
    or have a quality issue (CID 7011, or a :class:`Reason`; TID 2010 row 2) or in which set they are the best (CID
    7012, row 3), and are allowed with those titles only. ``description`` is text for people.

    Raises :class:`ValueError` for a title or modifier outside its context group, no objects, an object twice, objects
    of several studies, frames that an instance does not have, or a presentation state of something else.
    """
    _check_title(title, modifiers)
    _check_objects(objects)
    if description:
        require_text("the description", description, "UT")
    source = objects[0].header
    result = new_result(KeyObjectSelectionDocumentStorage, "KO", output_name, output, source, analysis)
    result.ReferencedPerformedProcedureStepSequence = DicomSequence()
    if requests := referenced_request_sequence(source):
        result.ReferencedRequestSequence = requests
    result.CurrentRequestedProcedureEvidenceSequence = references_by_study(_referenced(objects))
    root = container(
        None,
        title,
        *(code(HAS_CONCEPT_MOD, DOCUMENT_TITLE_MODIFIER, modifier) for modifier in modifiers),
        code(HAS_CONCEPT_MOD, codes.DCM.LanguageOfContentItemAndDescendants, Code("en", "RFC5646", "English")),
        *device_observer(analysis.algorithm),
        *([text(CONTAINS, KEY_OBJECT_DESCRIPTION, description)] if description else []),
        *(_reference(item) for item in objects),
        template="2010",
    )
    result.update(root)
    return finish(result)


def _check_title(title: Code, modifiers: Sequence[Code]) -> None:
    if title not in _group(7010):
        raise ValueError(f"{title.meaning!r} ({title.value}, {title.scheme_designator}) is no title of CID 7010")
    if title in _QUALITY:
        allowed, group = _group(7011), "CID 7011"
    elif title == codes.DCM.BestInSet:
        allowed, group = _group(7012), "CID 7012"
        if len(modifiers) != 1:
            raise ValueError("Best In Set needs one modifier of CID 7012: the set in which it is the best")
    else:
        allowed, group = frozenset(), f"the title {title.meaning!r}, which has none"
    for modifier in modifiers:
        # CID 7011 is extensible: the reasons for which gates refuse are more exact than its own.
        is_reason = title in _QUALITY and modifier in _REASONS
        if modifier not in allowed and not is_reason:
            raise ValueError(f"{modifier.meaning!r} is no modifier of {group}")


def _group(number: int) -> frozenset[Code]:
    return frozenset(getattr(codes, f"CID{number}").concepts.values())


def _check_objects(objects: Sequence[KeyObject]) -> None:
    if not objects:
        raise ValueError("a selection names at least one instance (TID 2010 rows 7 to 9)")
    if len({item.header.StudyInstanceUID for item in _with_states(objects)}) != 1:
        raise ValueError("the objects are of several studies: each study has its own document")
    named = [(item.header.SOPInstanceUID, item.frames) for item in objects]
    if len(set(named)) != len(named):
        raise ValueError("an object is named twice")
    for item in objects:
        count = int(item.header.get("NumberOfFrames") or 1) if "Rows" in item.header else 0
        if any(not 1 <= frame <= count for frame in item.frames):
            raise ValueError(f"{item.header.SOPInstanceUID} has {count} frames, named are {item.frames}")
        if item.presentation_state is not None and item.header.SOPInstanceUID not in _shown(item.presentation_state):
            raise ValueError(f"the presentation state does not show {item.header.SOPInstanceUID}")


def _shown(state: Dataset) -> set[str]:
    return {
        image.ReferencedSOPInstanceUID
        for series in state.get("ReferencedSeriesSequence", ())
        for image in series.get("ReferencedImageSequence", ())
    }


def _with_states(objects: Sequence[KeyObject]) -> list[KeyObject]:
    states = [KeyObject(item.presentation_state) for item in objects if item.presentation_state is not None]
    return [*objects, *states]


def _referenced(objects: Sequence[KeyObject]) -> list[Dataset]:
    """Return the headers of everything that is referred to, each once."""
    return list({item.header.SOPInstanceUID: item.header for item in _with_states(objects)}.values())


def _reference(item: KeyObject) -> Dataset:
    """Return TID 2010 row 7, 8 or 9: an image, a waveform or another composite object."""
    reference = image(CONTAINS, _SOURCE, item.header.SOPClassUID, item.header.SOPInstanceUID)
    if "WaveformSequence" in item.header:
        reference.ValueType = "WAVEFORM"
    elif "Rows" not in item.header:
        reference.ValueType = "COMPOSITE"
    (referenced,) = reference.ReferencedSOPSequence
    if item.frames:
        referenced.ReferencedFrameNumber = list(item.frames)
    if (state := item.presentation_state) is not None:
        referenced.ReferencedSOPSequence = DicomSequence([referenced_instance(state.SOPClassUID, state.SOPInstanceUID)])
    return reference
