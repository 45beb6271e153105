"""References to instances, ordered by series."""

from __future__ import annotations

from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.sr.codedict import codes
from pydicom.uid import UID

from operators.write.base.codes import code_sequence
from operators.write.base.elements import dataset_of


def referenced_instance(sop_class_uid: str, sop_instance_uid: str) -> Dataset:
    """Return an item of a Referenced SOP Sequence (PS3.3 table 10-11)."""
    return dataset_of(
        ReferencedSOPClassUID=UID(str(sop_class_uid)), ReferencedSOPInstanceUID=UID(str(sop_instance_uid))
    )


def source_image(header: Dataset, *, frame: int | None = None) -> Dataset:
    """Return an item of a Source Image Sequence (PS3.3 C.7.6.16.2.6 and C.12.4); ``frame`` (from 1) if it is one."""
    item = referenced_instance(header.SOPClassUID, header.SOPInstanceUID)
    if frame is not None:
        item.ReferencedFrameNumber = frame
    item.PurposeOfReferenceCodeSequence = code_sequence(codes.DCM.SourceImageForImageProcessingOperation)
    return item


def referenced_series(headers: Iterable[Dataset], instances_keyword: str = "ReferencedSOPSequence") -> Sequence:
    """Return one item for each series of ``headers``, in order of first appearance, with its instances.

    ``instances_keyword`` names the nested sequence: ReferencedSOPSequence in evidence (PS3.3 table C.17-3),
    ReferencedInstanceSequence in the Common Instance Reference module (C.12.2).
    """
    by_series: dict[str, list[Dataset]] = {}
    for header in headers:
        instance = referenced_instance(header.SOPClassUID, header.SOPInstanceUID)
        by_series.setdefault(header.SeriesInstanceUID, []).append(instance)
    items = []
    for series_instance_uid, instances in by_series.items():
        item = Dataset()
        item.SeriesInstanceUID = series_instance_uid
        setattr(item, instances_keyword, Sequence(instances))
        items.append(item)
    return Sequence(items)


def references_by_study(headers: Iterable[Dataset], instances_keyword: str = "ReferencedSOPSequence") -> Sequence:
    """Return hierarchical references to instances (PS3.3 table C.17-3): one item for each study, in it each series.

    ``instances_keyword`` is that of :func:`referenced_series`.
    """
    by_study: dict[str, list[Dataset]] = {}
    for header in headers:
        by_study.setdefault(header.StudyInstanceUID, []).append(header)
    items = []
    for study_instance_uid, members in by_study.items():
        item = Dataset()
        item.StudyInstanceUID = study_instance_uid
        item.ReferencedSeriesSequence = referenced_series(members, instances_keyword)
        items.append(item)
    return Sequence(items)


def write_instance_references(result: Dataset, headers: Iterable[Dataset]) -> None:
    """Write the Common Instance Reference module (PS3.3 C.12.2): by series those of this study, by study the others."""
    own: list[Dataset] = []
    others: list[Dataset] = []
    for header in headers:
        (own if header.StudyInstanceUID == result.StudyInstanceUID else others).append(header)
    if own:
        result.ReferencedSeriesSequence = referenced_series(own, "ReferencedInstanceSequence")
    if others:
        result.StudiesContainingOtherReferencedInstancesSequence = references_by_study(
            others, "ReferencedInstanceSequence"
        )
