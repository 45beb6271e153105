"""What a result replaces: named where its IOD has a place for it, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.node.verify.elements import Item
from deploy.node.verify.iods import iod_of
from deploy.node.verify.references import KnownInstance
from operators.provenance import ReplacedResult

_DOCUMENT = "PredecessorDocumentsSequence"
_SERIES = "RelatedSeriesSequence"
_INSTANCE = "ReferencedInstanceSequence"
_PLACES = (_DOCUMENT, _SERIES, _INSTANCE)
"""Where the IODs of results can name what they replace (PS3.3 C.17.2, C.24.2, C.7.3.1, C.12.4): the first that is."""


def replacement_problems(root: Item, expected: ReplacedResult | None, known: dict[str, KnownInstance]) -> Iterator[str]:
    """Yield that an object does not name what it replaces, or that this is not known as what it is said to be."""
    if expected is None:
        return
    target = known.get(expected.sop_instance_uid)
    if target is None or target.sop_class_uid != expected.sop_class_uid:
        yield f"replaces {expected.sop_instance_uid}, which is no earlier result of this study"
    place = _place(root)
    if place is not None and not _names(root, place, expected):
        yield f"replaces {expected.sop_instance_uid} and does not name it in {place}"


def _place(root: Item) -> str | None:
    iod = iod_of(root.text("SOPClassUID"))
    there = {attribute.keyword for attribute in iod.root.attributes.values()} if iod is not None else set()
    return next((keyword for keyword in _PLACES if keyword in there), None)


def _names(root: Item, place: str, expected: ReplacedResult) -> bool:
    items = root.items(place)
    if place == _DOCUMENT:
        return any(
            series.text("SeriesInstanceUID") == expected.series_instance_uid
            and instance.text("ReferencedSOPInstanceUID") == expected.sop_instance_uid
            for study in items
            for series in study.items("ReferencedSeriesSequence")
            for instance in series.items("ReferencedSOPSequence")
        )
    keyword, uid = {
        _SERIES: ("SeriesInstanceUID", expected.series_instance_uid),
        _INSTANCE: ("ReferencedSOPInstanceUID", expected.sop_instance_uid),
    }[place]
    return any(item.text(keyword) == uid for item in items)
