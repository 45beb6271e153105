"""References: to what was received or made, as what it is, where it is, and listed where the standard wants them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydicom.uid import UID

from deploy.node.verify.copied import COPIED_TAGS
from deploy.node.verify.elements import Item, tag_of
from deploy.node.verify.iods import iod_of
from deploy.node.verify.iods.sop_classes import RESULT_SOP_CLASSES

# RT Referenced Study Sequence (PS3.3 C.8.8.5) names the study itself under a SOP class of no instance.
_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"

_EVIDENCE = frozenset({"CurrentRequestedProcedureEvidenceSequence", "PertinentOtherEvidenceSequence"})
_LISTS = frozenset({"ReferencedSeriesSequence", "StudiesContainingOtherReferencedInstancesSequence"})
# What came before or is the same elsewhere is no evidence (PS3.3 C.17.2.2 and C.17.2.3).
_UNLISTED = frozenset({"PredecessorDocumentsSequence", "IdenticalDocumentsSequence"})

_SKIPPED = COPIED_TAGS | {tag_of("ReferencedRequestSequence")}
_NAMES = {tag_of(keyword): keyword for keyword in _EVIDENCE | _LISTS | _UNLISTED}


@dataclass(frozen=True)
class KnownInstance:
    """An instance that results may refer to; its series and study are None where they are not known."""

    sop_class_uid: str
    series_instance_uid: str | None = None
    study_instance_uid: str | None = None
    segments: frozenset[int] | None = None


@dataclass(frozen=True)
class Reference:
    """One reference: ``place`` is the outermost list that it stands in, empty for the object's own content."""

    sop_instance_uid: str
    sop_class_uid: str
    series_instance_uid: str | None
    study_instance_uid: str | None
    segments: tuple[int, ...]
    place: str


def as_known(root: Item) -> KnownInstance:
    """Return a result as one that others may refer to."""
    segments = root.items("SegmentSequence")
    return KnownInstance(
        root.text("SOPClassUID"),
        root.text("SeriesInstanceUID"),
        root.text("StudyInstanceUID"),
        frozenset(item.integer("SegmentNumber") or 0 for item in segments) if segments else None,
    )


def reference_problems(root: Item, known: Mapping[str, KnownInstance]) -> Iterator[str]:
    """Yield references that lead nowhere or elsewhere than they say, and those that are not listed."""
    own_study = root.text("StudyInstanceUID")
    found = set(_references(root))
    for reference in sorted(found, key=lambda item: item.sop_instance_uid):
        yield from _target_problems(reference, known, own_study)
    yield from _list_problems(root, found)


def _references(root: Item) -> Iterator[Reference]:
    seen: set[tuple[int, str | None, str | None, str]] = set()

    def walk(item: Item, series: str | None, study: str | None, place: str) -> Iterator[Reference]:
        key = (id(item), series, study, place)
        if key in seen:
            return
        seen.add(key)
        if item is not root:
            series = item.text("SeriesInstanceUID") or series
            study = item.text("StudyInstanceUID") or study
        if (uid := item.text("ReferencedSOPInstanceUID")) and item.text("ReferencedSOPClassUID") != _DETACHED_STUDY:
            yield Reference(
                uid,
                item.text("ReferencedSOPClassUID"),
                series,
                study,
                item.integers("ReferencedSegmentNumber"),
                place,
            )
        for tag, element in item.elements.items():
            if element.items and tag not in _SKIPPED:
                inner = place or (_NAMES.get(tag, "") if item is root else "")
                for nested in element.items:
                    yield from walk(nested, series, study, inner)

    return walk(root, None, None, "")


def _target_problems(reference: Reference, known: Mapping[str, KnownInstance], own_study: str) -> Iterator[str]:
    uid = reference.sop_instance_uid
    target = known.get(uid)
    if target is None:
        yield f"refers to {uid}, which was not received in this study and is not among the results"
        return
    if target.sop_class_uid != reference.sop_class_uid:
        said, true = (_class_name(found) for found in (reference.sop_class_uid, target.sop_class_uid))
        yield f"refers to {uid} as {said}, but it is {true}"
    series, study = reference.series_instance_uid, reference.study_instance_uid
    if series and target.series_instance_uid and series != target.series_instance_uid:
        yield f"refers to {uid} in series {series}, but it is in {target.series_instance_uid}"
    if reference.place == "ReferencedSeriesSequence":
        study = study or own_study
    if study and target.study_instance_uid and study != target.study_instance_uid:
        yield f"refers to {uid} in study {study}, but it is in {target.study_instance_uid}"
    if target.segments is not None:
        for number in reference.segments:
            if number not in target.segments:
                yield f"refers to segment {number} of {uid}, which has none of this number"


def _class_name(uid: str) -> str:
    return RESULT_SOP_CLASSES.get(uid) or str(UID(uid).name)


def _list_problems(root: Item, found: set[Reference]) -> Iterator[str]:
    """Yield what the content refers to but the list of all references lacks (PS3.3 C.12.2 and C.17.2.3)."""
    iod = iod_of(root.text("SOPClassUID"))
    if iod is None:
        return
    if iod.content is not None:
        lists, where = _EVIDENCE, "the evidence"
    elif any(root.has(keyword) for keyword in _LISTS) or iod.must_list_references:
        lists, where = _LISTS, "the Common Instance Reference module"
    else:
        return
    listed = {reference.sop_instance_uid for reference in found if reference.place in lists}
    used = {reference.sop_instance_uid for reference in found if reference.place not in lists | _UNLISTED}
    for uid in sorted(used - listed):
        yield f"refers to {uid}, which {where} does not list"
