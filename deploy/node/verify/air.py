"""What IHE AI Results asks of every object (Radiology Technical Framework Supplement AIR, volume 3, 6.5.3)."""

from __future__ import annotations

from collections.abc import Iterator

from pydicom.uid import ParametricMapStorage, SegmentationStorage

from deploy.node.verify.content_items import concept, content_items
from deploy.node.verify.elements import Item
from operators.provenance import Algorithm
from operators.write.base.equipment import algorithm_name
from operators.write.segments.form import LabelMapSegmentationStorage

_SEGMENTATIONS = (SegmentationStorage, LabelMapSegmentationStorage)

_MEASUREMENT_GROUP = ("125007", "DCM")
_TRACKING = {("112039", "DCM"): "Tracking Identifier", ("112040", "DCM"): "Tracking Unique Identifier"}


def air_problems(root: Item, algorithm: Algorithm) -> Iterator[str]:
    """Yield where an object's algorithm, equipment, findings or state are not as AIR asks."""
    yield from _equipment_problems(root, algorithm)
    sop_class_uid = root.text("SOPClassUID")
    if sop_class_uid in (*_SEGMENTATIONS, ParametricMapStorage):
        yield from _enhanced_equipment_problems(root, algorithm)
    if sop_class_uid in _SEGMENTATIONS:
        for segment in root.items("SegmentSequence"):
            yield from _segment_problems(segment, algorithm)
    if root.text("Modality") == "SR":
        yield from _report_problems(root, algorithm)


def _equipment_problems(root: Item, algorithm: Algorithm) -> Iterator[str]:
    """Contributing Equipment, 6.5.3.1: one item for the algorithm, equal to what was run."""
    processing = [
        item
        for item in root.items("ContributingEquipmentSequence")
        if concept(item, "PurposeOfReferenceCodeSequence") == ("109102", "DCM")
    ]
    if len(processing) != 1:
        yield f"{len(processing)} items of Contributing Equipment are (109102, DCM, Processing Equipment), not one"
    for item in processing:
        for keyword, expected in (
            ("Manufacturer", algorithm.manufacturer),
            ("ManufacturerModelName", algorithm_name(algorithm)),
            ("SoftwareVersions", algorithm.version),
            ("DeviceUID", algorithm.device_uid),
        ):
            if (found := item.text(keyword) or None) != expected:
                yield f"{keyword} of the Contributing Equipment is {found!r}, not {expected!r}"
        if not item.has("ContributionDateTime"):
            yield "the Contributing Equipment has no Contribution DateTime"


def _enhanced_equipment_problems(root: Item, algorithm: Algorithm) -> Iterator[str]:
    for keyword, expected in (
        ("Manufacturer", algorithm.manufacturer),
        ("ManufacturerModelName", algorithm_name(algorithm)),
        ("DeviceSerialNumber", algorithm.model_digest),
        ("SoftwareVersions", algorithm.version),
    ):
        if root.text(keyword) != expected:
            yield f"{keyword} is {root.text(keyword)!r}, not {expected!r}"


def _segment_problems(segment: Item, algorithm: Algorithm) -> Iterator[str]:
    number = segment.integer("SegmentNumber")
    # Number 0 of a label map is what is not segmented (C.8.20.2.3.3).
    if number == 0:
        return
    if segment.text("SegmentAlgorithmType") != "MANUAL" and segment.text("SegmentAlgorithmName") != algorithm_name(
        algorithm
    ):
        yield f"SegmentAlgorithmName of segment {number} is not {algorithm_name(algorithm)!r}"
    for identification in segment.items("SegmentationAlgorithmIdentificationSequence"):
        for keyword in ("AlgorithmFamilyCodeSequence", "AlgorithmName", "AlgorithmVersion"):
            if not identification.has(keyword):
                yield f"{keyword} is lacking in the algorithm identification of segment {number}"
    for keyword in ("TrackingID", "TrackingUID"):
        if not segment.has(keyword):
            yield f"segment {number} has no {keyword}"


def _report_problems(root: Item, algorithm: Algorithm) -> Iterator[str]:
    for keyword, expected in (("CompletionFlag", "COMPLETE"), ("VerificationFlag", "UNVERIFIED")):
        if root.text(keyword) != expected:
            yield f"{keyword} is {root.text(keyword) or None}, not {expected}"
    told = {
        ("111001", "DCM"): ("Algorithm Name", "TextValue", algorithm_name(algorithm)),
        ("111003", "DCM"): ("Algorithm Version", "TextValue", algorithm.version),
        ("121012", "DCM"): ("Device Observer UID", "UID", algorithm.device_uid),
        ("121014", "DCM"): ("Device Observer Manufacturer", "TextValue", algorithm.manufacturer),
        ("121015", "DCM"): ("Device Observer Model Name", "TextValue", algorithm_name(algorithm)),
    }
    for item in content_items(root):
        name = concept(item)
        # As a code the name may be that of another algorithm, such as one that corrects QT intervals (CID 3678).
        if name in told and item.text("ValueType") != "CODE":
            meaning, keyword, expected = told[name]
            if item.text(keyword) != expected:
                yield f"{meaning} is {item.text(keyword)!r}, not {expected!r}"
        elif name == _MEASUREMENT_GROUP:
            children = {concept(child) for child in item.items("ContentSequence")}
            for code, meaning in _TRACKING.items():
                if code not in children:
                    yield f"a measurement group has no {meaning}"
