"""Which earlier result an object replaces, named in the place that its IOD has for it.

- A structured report and an encapsulated document have the Predecessor Documents Sequence (0040,A360): PS3.3 C.17.2
  and C.24.2.
- Every other object whose IOD has the General Series module names the series of the earlier one in the Related Series
  Sequence (0008,1250), PS3.3 C.7.3.1: each result is a series of its own, so the series is the object. The purpose is a
  code of our own, as CID 7210 is extensible and has none for it. The Referenced Instance Sequence (0008,114A) is not
  taken for them: it is for objects that are no images (PS3.3 C.12.4), which most of these are, and not all of the IODs
  have it.
- An RT Structure Set, whose RT Series module has no related series, has that sequence in General Reference.
- A Key Object Selection has no such place at all (PS3.3 C.17.6): the report beside it says it.
"""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.coding import Code
from pydicom.uid import (
    UID,
    EncapsulatedPDFStorage,
    EncapsulatedSTLStorage,
    KeyObjectSelectionDocumentStorage,
    RTStructureSetStorage,
)

from operators.provenance import Analysis, ReplacedResult
from operators.refused import CODING_SCHEME
from operators.write.base.codes import code_sequence
from operators.write.base.elements import dataset_of
from operators.write.base.references import referenced_instance, references_by_study

REPLACED = Code("replaced", CODING_SCHEME, "Replaced by this result")
"""Purpose of Reference (0040,A170) of what a result replaces, where the place does not say it by itself."""

_STRUCTURED_REPORT = "SR"
_ENCAPSULATED = (EncapsulatedPDFStorage, EncapsulatedSTLStorage)


def name_replaced(result: Dataset, output_name: str, analysis: Analysis) -> None:
    """Name in ``result`` the object of the same output that it replaces, if there is one."""
    replaced = analysis.replaced(output_name)
    if replaced is None:
        return
    if result.Modality == _STRUCTURED_REPORT or result.SOPClassUID in _ENCAPSULATED:
        name_predecessors(result, [_header(replaced, result)])
    elif result.SOPClassUID == RTStructureSetStorage:
        item = referenced_instance(replaced.sop_class_uid, replaced.sop_instance_uid)
        item.PurposeOfReferenceCodeSequence = code_sequence(REPLACED)
        result.ReferencedInstanceSequence = Sequence([item])
    elif result.SOPClassUID != KeyObjectSelectionDocumentStorage:
        result.RelatedSeriesSequence = Sequence(
            [
                dataset_of(
                    StudyInstanceUID=result.StudyInstanceUID,
                    SeriesInstanceUID=UID(replaced.series_instance_uid),
                    PurposeOfReferenceCodeSequence=code_sequence(REPLACED),
                )
            ]
        )


def name_predecessors(document: Dataset, headers: list[Dataset]) -> None:
    """Add documents to those that a document is the successor of (PS3.3 C.17.2.2)."""
    known = document.get("PredecessorDocumentsSequence") or ()
    document.PredecessorDocumentsSequence = Sequence([*known, *references_by_study(headers)])


def _header(replaced: ReplacedResult, result: Dataset) -> Dataset:
    return dataset_of(
        SOPClassUID=UID(replaced.sop_class_uid),
        SOPInstanceUID=UID(replaced.sop_instance_uid),
        StudyInstanceUID=result.StudyInstanceUID,
        SeriesInstanceUID=UID(replaced.series_instance_uid),
    )
