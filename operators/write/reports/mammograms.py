"""How a mammogram was taken: TID 4020 "CAD Image Library Entry" as mammography has it."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.write.reports.content import HAS_ACQ_CONTEXT, HAS_CONCEPT_MOD, code
from operators.write.reports.image_descriptors import DESCRIPTORS, code_of, described

_BREASTS = {
    "L": Code("80248007", "SCT", "Left breast"),
    "R": Code("73056007", "SCT", "Right breast"),
    "B": Code("63762007", "SCT", "Both breasts"),
}
"""PS3.16 CID 6022."""

_OF_PROJECTIONS = (
    "PatientOrientation",
    "StudyDate",
    "StudyTime",
    "ContentDate",
    "ContentTime",
    "ImagerPixelSpacing",
    "PositionerPrimaryAngle",
    "PositionerSecondaryAngle",
)


def mammogram_descriptors(header: Dataset) -> list[Dataset]:
    """Return TID 4020 rows 2 to 14 of one mammogram, as far as its header tells."""
    describe = dict(DESCRIPTORS)
    # A mammogram's spacing is that of the detector; other templates have it under another attribute.
    describe["ImagerPixelSpacing"] = describe["PixelSpacing"]
    items = []
    if (side := header.get("ImageLaterality")) in _BREASTS:
        items.append(code(HAS_ACQ_CONTEXT, codes.DCM.ImageLaterality, _BREASTS[side]))
    items += _view(header)
    return items + described(header, [(keyword, describe[keyword]) for keyword in _OF_PROJECTIONS])


def _view(header: Dataset) -> list[Dataset]:
    """Return the view with its modifiers (CID 4014 and 4015)."""
    for item in header.get("ViewCodeSequence") or ():
        view = code_of(item)
        if view is None:
            continue
        found = (code_of(modifier) for modifier in item.get("ViewModifierCodeSequence") or ())
        modifiers = (code(HAS_CONCEPT_MOD, codes.DCM.ImageViewModifier, concept) for concept in found if concept)
        return [code(HAS_ACQ_CONTEXT, codes.DCM.ImageView, view, *modifiers)]
    return []
