"""Functional groups of multi-frame objects (PS3.3 C.7.6.16): where they stand and which ones have to."""

from __future__ import annotations

from collections.abc import Iterator, Set

from pydicom.uid import ParametricMapStorage, SegmentationStorage

from deploy.node.verify.elements import Item, tag_name, tag_of
from operators.write.segments.form import LabelMapSegmentationStorage

SHARED, PER_FRAME = "SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence"

_FRAME_CONTENT = tag_of("FrameContentSequence")
_POSITION = (tag_of("PlanePositionSequence"), tag_of("PlaneOrientationSequence"), tag_of("PixelMeasuresSequence"))
_POSITION_ON_SLIDE = (tag_of("PlanePositionSlideSequence"),)
_DERIVATION = tag_of("DerivationImageSequence")
_SEGMENT = tag_of("SegmentIdentificationSequence")

_ALWAYS: dict[str, tuple[int, ...]] = {
    # Table A.51-2
    SegmentationStorage: (_FRAME_CONTENT, _SEGMENT),
    LabelMapSegmentationStorage: (_FRAME_CONTENT,),
    # Table A.75-2: Frame VOI LUT is mandatory there
    ParametricMapStorage: (
        _FRAME_CONTENT,
        tag_of("PixelMeasuresSequence"),
        tag_of("FrameAnatomySequence"),
        tag_of("PixelValueTransformationSequence"),
        tag_of("FrameVOILUTSequence"),
        tag_of("RealWorldValueMappingSequence"),
        tag_of("ParametricMapFrameTypeSequence"),
    ),
}
"""Groups that every frame needs, its own or the shared one."""


def functional_group_problems(root: Item, sop_class_uid: str) -> Iterator[str]:
    """Yield what is wrong with the functional groups of an object, if it has any."""
    shared, frames = root.items(SHARED), root.items(PER_FRAME)
    if not shared and not frames:
        return
    if len(shared) != 1:
        yield f"{SHARED} has {len(shared)} items, not one"
        return
    number_of_frames = root.integer("NumberOfFrames")
    if len(frames) != number_of_frames:
        yield f"{PER_FRAME} has {len(frames)} items for {number_of_frames} frames"
    common = shared[0].elements.keys()
    if _FRAME_CONTENT in common:
        yield f"FrameContentSequence stands in {SHARED}, but belongs to each frame"
    indices = len(root.items("DimensionIndexSequence"))
    for frame in frames:
        yield from _frame_problems(frame, common, sop_class_uid, indices)


def _frame_problems(frame: Item, common: Set[int], sop_class_uid: str, indices: int) -> Iterator[str]:
    own = frame.elements.keys()
    present = own | common
    for tag in sorted(own & common):
        yield f"{tag_name(tag)} stands both in {SHARED} and in a frame"
    for tag in _ALWAYS.get(sop_class_uid, ()):
        if tag not in present:
            yield f"a frame has no {tag_name(tag)}"
    if sop_class_uid in _ALWAYS and not _is_placed(present):
        yield "a frame has neither position, orientation and spacing nor the image that it was derived from"
    for content in frame.items("FrameContentSequence"):
        if len(content.integers("DimensionIndexValues")) != indices:
            yield f"a frame has {len(content.integers('DimensionIndexValues'))} dimension indices, not {indices}"


def _is_placed(present: Set[int]) -> bool:
    return (
        all(tag in present for tag in _POSITION)
        or all(tag in present for tag in _POSITION_ON_SLIDE)
        or _DERIVATION in present
    )
