"""Which joint a picture shows, and on which side: as its header tells."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.read.attributes import text, values
from operators.read.frames import Frames

_WRIST = re.compile(r"wrist|(?<!meta)carp|handgelenk", re.IGNORECASE)
_FINGER_JOINT = re.compile(r"\b(MCP|PIP|DIP|IP)(?:[\s.-]*([1-5]|IV|V|I{1,3})(?![\w]))?", re.IGNORECASE)
_ROMAN = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5"}
_SIDES = {
    "R": ("right", codes.SCT.Right, re.compile(r"\b(right|rt|r|rechts?|re)\b", re.IGNORECASE)),
    "L": ("left", codes.SCT.Left, re.compile(r"\b(left|lt|l|links?|li)\b", re.IGNORECASE)),
}
_WRIST_CODE = codes.SCT.WristJoint
_FINGER_CODE = codes.SCT.FingerJoint


@dataclass(frozen=True)
class Joint:
    """A joint: its name for people, its anatomic region (SCT), and its side where that is known."""

    name: str
    region: Code
    side: str = ""
    laterality: Code | None = None

    @property
    def title(self) -> str:
        """Joint and side, the same in every study: what measurements are followed by."""
        return f"{self.name}, {self.side or 'side unknown'}"


def joint_of(frames: Frames) -> Joint:
    """Return the joint of an instance: wrist where its region, body part or a description says so, else finger.

    A description that names one of the finger's joints, such as "MCP 2", makes it that joint, so that several joints of
    a hand are not taken for one. The side is Image Laterality's, else that of the region's modifier (PS3.16 CID 244),
    else a description's that names one side only.
    """
    header = frames.instance.header
    told = _descriptions(header)
    name, region = _name(header, told)
    side = _side(frames, header, told)
    return Joint(name, region) if side is None else Joint(name, region, _SIDES[side][0], _SIDES[side][1])


def _name(header: Dataset, told: str) -> tuple[str, Code]:
    coded = {text(item, "CodeValue") for item in values(header, "AnatomicRegionSequence")}
    finger = _FINGER_JOINT.search(told)
    is_finger = _FINGER_CODE.value in coded or (finger is not None and _WRIST_CODE.value not in coded)
    if not is_finger and (_WRIST_CODE.value in coded or _WRIST.search(f"{text(header, 'BodyPartExamined')} {told}")):
        return "wrist joint", _WRIST_CODE
    if finger is None:
        return "finger joint", _FINGER_CODE
    number = (finger[2] or "").upper()
    return f"{finger[1].upper()} {_ROMAN.get(number, number)}".strip(), _FINGER_CODE


def _side(frames: Frames, header: Dataset, told: str) -> str | None:
    if frames.laterality in _SIDES:
        return frames.laterality
    for item in values(header, "AnatomicRegionSequence"):
        coded = {text(modifier, "CodeValue") for modifier in values(item, "AnatomicRegionModifierSequence")}
        for side, (_, code, _) in _SIDES.items():
            if code.value in coded:
                return side
    named = [side for side, (_, _, pattern) in _SIDES.items() if pattern.search(told)]
    return named[0] if len(named) == 1 else None


def _descriptions(header: Dataset) -> str:
    keywords = ("ImageComments", "SeriesDescription", "ProtocolName", "StudyDescription")
    return " ; ".join(found for keyword in keywords if (found := text(header, keyword)))
