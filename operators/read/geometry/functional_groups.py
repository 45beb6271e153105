"""Functional groups of enhanced multi-frame objects → one flat header for each frame (PS3.3 section C.7.6.16)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydicom.datadict import dictionary_VM, dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag, Tag

from operators.read.attributes import MalformedAttributeError, values
from operators.read.headers.flat import decimals, flat_header
from operators.read.headers.items import items
from operators.read.headers.remembered import tags_of

# Macros whose items stay items: each repeats attributes that a frame may have several of, or none of its own.
_KEPT_AS_SEQUENCE = frozenset(
    Tag(keyword)
    for keyword in (
        "RealWorldValueMappingSequence",
        "ReferencedImageSequence",
        "DerivationImageSequence",
        "ConversionSourceAttributesSequence",
        "SegmentIdentificationSequence",
        "ContrastBolusUsageSequence",
    )
)

# Macros without which values or planes would be other ones: several items would be several answers, and none is lost
# without a word.
_VALUE_AND_PLACE = frozenset(
    Tag(keyword)
    for keyword in (
        "PixelValueTransformationSequence",
        "PlanePositionSequence",
        "PlaneOrientationSequence",
        "PixelMeasuresSequence",
    )
)

# What an enhanced object calls otherwise than a single-frame one (PS3.3 sections C.8.3, C.8.13 and C.8.15).
_SINGLE_FRAME_NAMES = (
    ("FrameType", "ImageType"),
    ("EffectiveEchoTime", "EchoTime"),
    ("InversionTimes", "InversionTime"),
    ("PulseSequenceName", "SequenceName"),
    ("NominalCardiacTriggerDelayTime", "TriggerTime"),
    ("FrameAcquisitionDateTime", "AcquisitionDateTime"),
    ("FrameAcquisitionNumber", "AcquisitionNumber"),
    ("TemporalPositionIndex", "TemporalPositionIdentifier"),
)

_ENHANCED_TAGS = tags_of(enhanced for enhanced, _ in _SINGLE_FRAME_NAMES)
_SINGLE_FRAME_TAGS = tags_of(single for _, single in _SINGLE_FRAME_NAMES)

# What identifies the instance is never that of a frame, nor that of the single-frame object it was converted from.
_OF_THE_INSTANCE = frozenset(
    Tag(keyword)
    for keyword in (
        "SOPClassUID",
        "SOPInstanceUID",
        "StudyInstanceUID",
        "SeriesInstanceUID",
        "InstanceNumber",
        "NumberOfFrames",
        "SpecificCharacterSet",
        "SharedFunctionalGroupsSequence",
        "PerFrameFunctionalGroupsSequence",
    )
)

_SHARED, _PER_FRAME = Tag("SharedFunctionalGroupsSequence"), Tag("PerFrameFunctionalGroupsSequence")
_DIFFUSION_DIRECTION = Tag("DiffusionGradientDirectionSequence")

Elements = dict[BaseTag, DataElement | RawDataElement]


def is_enhanced(header: Dataset) -> bool:
    """Return whether an object describes its frames by functional groups."""
    return _PER_FRAME in header


def frame_count(header: Dataset) -> int:
    """Return how many frames the functional groups describe; raises :class:`MalformedAttributeError`."""
    return len(items(header, "PerFrameFunctionalGroupsSequence"))


def frame_headers(header: Dataset, frames: int | None = None) -> Iterator[Dataset]:
    """Yield the header of each frame (of the first ``frames`` of them) as if the frame were an instance of its own.

    An attribute of the frame's own functional groups stands before one of the shared groups, and that before one of
    the object. Attributes with another name in single-frame objects have that name as well. Raises
    :class:`MalformedAttributeError` when the functional groups cannot be read.
    """
    per_frame = items(header, "PerFrameFunctionalGroupsSequence")
    common: Elements = {tag: element for tag, element in header.items() if tag not in (_SHARED, _PER_FRAME)}
    for groups in items(header, "SharedFunctionalGroupsSequence")[:1]:
        common.update(_lifted(groups))
    agent = _contrast_agent(header)
    if agent is not None:
        common[agent.tag] = agent
    # Frames repeat each other's values: each is converted once.
    known: dict[Any, DataElement | None] = {}
    _add_single_frame_names(common, header, known)
    for groups in per_frame[:frames]:
        own = _lifted(groups)
        _add_single_frame_names(own, header, known)
        yield flat_header({**common, **own}, header)


def _lifted(groups: Dataset) -> Elements:
    """The attributes of one item of functional groups, out of their macros."""
    found: Elements = {}
    for tag, element in list(groups.items()):
        # A private macro may repeat standard attributes with other values, as Philips' does.
        if tag.is_private:
            found[tag] = element
            continue
        within = _items(groups, tag)
        if tag in _VALUE_AND_PLACE and (within is None or len(within) != 1):
            count = "no" if not within else str(len(within))
            raise MalformedAttributeError(f"{keyword_for_tag(tag)} has {count} items instead of one")
        # Macros are sequences: what stands beside them describes no frame.
        if within is None:
            continue
        if tag in _KEPT_AS_SEQUENCE or len(within) != 1:
            found[tag] = groups[tag]
            continue
        for inner, value in within[0].items():
            # Directions of diffusion lie one level deeper than the b-value.
            nested = _items(within[0], inner) if inner == _DIFFUSION_DIRECTION else None
            found.update(nested[0].items() if nested and len(nested) == 1 else ((inner, value),))
    return {tag: element for tag, element in found.items() if tag not in _OF_THE_INSTANCE}


def _items(groups: Dataset, tag: BaseTag) -> tuple[Dataset, ...] | None:
    """The items of a macro; None if the element is no sequence."""
    try:
        element = groups[tag]
    # pydicom converts a sequence when it is first asked for; what a damaged one makes it raise can be anything.
    except Exception as error:
        raise MalformedAttributeError(f"functional group {tag} cannot be read: {error}") from error
    return tuple(element.value or ()) if element.VR == "SQ" else None


def _add_single_frame_names(elements: Elements, header: Dataset, known: dict[Any, DataElement | None]) -> None:
    for enhanced, single in zip(_ENHANCED_TAGS, _SINGLE_FRAME_TAGS, strict=True):
        element = elements.get(enhanced)
        if element is None:
            continue
        key = (single, element.VR, element.value) if isinstance(element, RawDataElement) else None
        if key is None or key not in known:
            found = values(flat_header({enhanced: element}, header), keyword_for_tag(enhanced))
            known[key] = _element(single, found) if found else None
        renamed = known[key]
        if renamed is not None:
            elements[single] = renamed


def _element(tag: BaseTag, found: tuple[Any, ...]) -> DataElement:
    vr = dictionary_VR(tag)
    try:
        converted = decimals([float(value) for value in found]) if vr == "DS" else list(found)
        return DataElement(tag, vr, converted[0] if dictionary_VM(tag) == "1" else converted)
    except (TypeError, ValueError, OverflowError) as error:
        raise MalformedAttributeError(f"{keyword_for_tag(tag)} is not a number: {error}") from error


def _contrast_agent(header: Dataset) -> DataElement | None:
    """Contrast/Bolus Agent (0018,0010) as text: enhanced objects code it instead (PS3.3 table C.7-12b)."""
    agents = [text for item in items(header, "ContrastBolusAgentSequence") for text in values(item, "CodeMeaning")]
    if not agents or "ContrastBolusAgent" in header:
        return None
    return DataElement(Tag("ContrastBolusAgent"), "LO", str(agents[0]))
