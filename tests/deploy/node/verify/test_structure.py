"""Each rule on modules, attributes, types and functional groups finds the object that breaks it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path

import pytest
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence

from deploy.node.verify.conditions import CONDITIONS
from deploy.node.verify.elements import tag_of
from deploy.node.verify.iods import iod_of
from deploy.node.verify.iods.generate import TABLE, table
from deploy.node.verify.iods.sop_classes import RESULT_SOP_CLASSES
from operators.provenance import Analysis
from operators.write.base.identity import PATIENT_AND_STUDY
from tests.deploy.node.verify.made import run_of
from tests.operators.write.every_object import EVERY_OBJECT

Change = Callable[[FileDataset], object]


def shared(dataset: FileDataset) -> FileDataset:
    found: FileDataset = dataset.SharedFunctionalGroupsSequence[0]
    return found


def frame(dataset: FileDataset) -> FileDataset:
    found: FileDataset = dataset.PerFrameFunctionalGroupsSequence[0]
    return found


def group(dataset: FileDataset) -> FileDataset:
    """The first item of a report's content that has items of its own: the image library."""
    found: FileDataset = next(item for item in dataset.ContentSequence if "ContentSequence" in item)
    return found


def evaluation(dataset: FileDataset) -> FileDataset:
    found: FileDataset = next(item for item in dataset.ContentSequence if item.ValueType == "CODE")
    return found


def measured(dataset: FileDataset) -> FileDataset:
    stack = list(dataset.ContentSequence)
    while stack:
        item: FileDataset = stack.pop()
        if item.ValueType == "NUM":
            return item
        stack += item.get("ContentSequence", ())
    raise AssertionError("there is no number")


def twice(dataset: FileDataset) -> None:
    shared(dataset).PlanePositionSequence = deepcopy(frame(dataset).PlanePositionSequence)


def without(dataset: FileDataset, *keywords: str) -> None:
    for groups in dataset.PerFrameFunctionalGroupsSequence:
        for keyword in keywords:
            delattr(groups, keyword)


SEG, SR = "segmentation", "measurement report"
BROKEN: list[tuple[str, str, Change, str]] = [
    # nested attributes
    (
        SEG,
        "nested type 1 absent",
        lambda d: delattr(d.SegmentSequence[0], "SegmentLabel"),
        "SegmentSequence/SegmentLabel is absent",
    ),
    (
        SEG,
        "nested type 1 empty",
        lambda d: setattr(d.SegmentSequence[1], "SegmentLabel", ""),
        "SegmentSequence/SegmentLabel is empty",
    ),
    (
        SEG,
        "empty sequence of type 1",
        lambda d: setattr(d, "SegmentSequence", Sequence()),
        "SegmentSequence is empty (type 1)",
    ),
    (
        SEG,
        "nested foreign attribute",
        lambda d: setattr(d.SegmentSequence[0], "EchoTime", 1),
        "SegmentSequence/EchoTime does not belong",
    ),
    (
        SEG,
        "code without meaning",
        lambda d: delattr(d.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0], "CodeMeaning"),
        "CodeMeaning is absent",
    ),
    (
        SEG,
        "code without scheme",
        lambda d: delattr(d.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0], "CodingSchemeDesignator"),
        "CodingSchemeDesignator is absent or empty",
    ),
    (
        SEG,
        "code without value",
        lambda d: delattr(d.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0], "CodeValue"),
        "CodeValue is absent or empty",
    ),
    (
        SEG,
        "no spacing in an optional module",
        lambda d: delattr(d, "PositionReferenceIndicator"),
        "PositionReferenceIndicator is absent (type 2) (module frame-of-reference)",
    ),
    # conditions
    (
        SEG,
        "algorithm without name",
        lambda d: delattr(d.SegmentSequence[0], "SegmentAlgorithmName"),
        "SegmentAlgorithmName is absent or empty, but required",
    ),
    (
        SEG,
        "tracking without UID",
        lambda d: delattr(d.SegmentSequence[0], "TrackingUID"),
        "TrackingUID is absent or empty, but required",
    ),
    (
        SEG,
        "fraction of bits",
        lambda d: setattr(d, "MaximumFractionalValue", 255),
        "MaximumFractionalValue is there, but only allowed for fractions",
    ),
    (SEG, "no pixels", lambda d: delattr(d, "PixelData"), "there is no pixel data"),
    (
        "segmentation, probability in JPEG-LS",
        "fractions without type",
        lambda d: delattr(d, "SegmentationFractionalType"),
        "SegmentationFractionalType is absent or empty",
    ),
    (
        "secondary capture",
        "colour without plane order",
        lambda d: delattr(d, "PlanarConfiguration"),
        "PlanarConfiguration is absent or empty",
    ),
    (
        "multi-frame secondary capture, grey",
        "frames without pointer",
        lambda d: delattr(d, "FrameIncrementPointer"),
        "FrameIncrementPointer is absent or empty, but required for more than one frame",
    ),
    (
        "parametric map, quantised",
        "map without stored bits",
        lambda d: delattr(d, "BitsStored"),
        "BitsStored is absent",
    ),
    (
        "presentation state",
        "graphic without extent",
        lambda d: delattr(d.DisplayedAreaSelectionSequence[0], "DisplayedAreaTopLeftHandCorner"),
        "DisplayedAreaTopLeftHandCorner is absent",
    ),
    # functional groups
    (
        SEG,
        "one frame more",
        lambda d: d.PerFrameFunctionalGroupsSequence.append(deepcopy(frame(d))),
        "PerFrameFunctionalGroupsSequence has 4 items for 3 frames",
    ),
    (
        SEG,
        "two shared items",
        lambda d: d.SharedFunctionalGroupsSequence.append(deepcopy(shared(d))),
        "SharedFunctionalGroupsSequence has 2 items",
    ),
    (
        SEG,
        "frame without content",
        lambda d: delattr(frame(d), "FrameContentSequence"),
        "a frame has no FrameContentSequence",
    ),
    (
        SEG,
        "frame without segment",
        lambda d: delattr(frame(d), "SegmentIdentificationSequence"),
        "a frame has no SegmentIdentificationSequence",
    ),
    (
        SEG,
        "group in two places",
        twice,
        "PlanePositionSequence stands both in SharedFunctionalGroupsSequence and in a frame",
    ),
    (
        SEG,
        "frame nowhere",
        lambda d: without(d, "PlanePositionSequence", "DerivationImageSequence"),
        "a frame has neither position",
    ),
    (
        SEG,
        "one index",
        lambda d: setattr(frame(d).FrameContentSequence[0], "DimensionIndexValues", [1]),
        "a frame has 1 dimension indices, not 2",
    ),
    (
        "parametric map",
        "map without window",
        lambda d: without(d, "FrameVOILUTSequence"),
        "a frame has no FrameVOILUTSequence",
    ),
    (
        "parametric map",
        "map without meaning",
        lambda d: without(d, "RealWorldValueMappingSequence"),
        "a frame has no RealWorldValueMappingSequence",
    ),
    # content items
    (
        SR,
        "root of no container",
        lambda d: setattr(d, "ValueType", "TEXT"),
        "the root of the content is TEXT, not a CONTAINER",
    ),
    (
        SR,
        "root without name",
        lambda d: delattr(d, "ConceptNameCodeSequence"),
        "the root of the content has no concept name",
    ),
    (SR, "no value type", lambda d: delattr(evaluation(d), "ValueType"), "of a value type that does not exist"),
    (
        SR,
        "no relationship",
        lambda d: delattr(evaluation(d), "RelationshipType"),
        "has no relationship with its parent",
    ),
    (SR, "no value", lambda d: delattr(evaluation(d), "ConceptCodeSequence"), "has no ConceptCodeSequence"),
    (
        SR,
        "value of another type",
        lambda d: setattr(evaluation(d), "TextValue", "x"),
        "has TextValue, which does not belong to its value type",
    ),
    (
        SR,
        "number without unit",
        lambda d: delattr(measured(d).MeasuredValueSequence[0], "MeasurementUnitsCodeSequence"),
        "MeasurementUnitsCodeSequence is absent",
    ),
    (
        SR,
        "number without value",
        lambda d: setattr(measured(d), "MeasuredValueSequence", Sequence()),
        "neither a value nor a reason",
    ),
    (
        SR,
        "two values",
        lambda d: measured(d).MeasuredValueSequence.append(deepcopy(measured(d).MeasuredValueSequence[0])),
        "has several values",
    ),
    (
        SR,
        "item by reference",
        lambda d: setattr(evaluation(d), "ReferencedContentItemIdentifier", [1, 2]),
        "refers to another one",
    ),
]


@pytest.mark.parametrize(
    ("example", "change", "said"), [case[:1] + case[2:] for case in BROKEN], ids=[case[1] for case in BROKEN]
)
def test_what_is_wrong_is_found(example: str, change: Change, said: str, analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT[example](analysis), analysis, tmp_path)
    run.change(change)
    assert any(said in problem for problem in run.problems()), run.problems()


def test_a_sop_class_of_no_result_is_found(analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT["secondary capture"](analysis), analysis, tmp_path)
    run.change(lambda dataset: setattr(dataset, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"))
    assert any("is none that results are of" in problem for problem in run.problems())


def test_the_table_is_that_of_the_library() -> None:
    assert TABLE.read_text(encoding="utf-8") == table(), "run: python -m deploy.node.verify.iods.generate"


def test_every_result_can_be_verified() -> None:
    for uid in RESULT_SOP_CLASSES:
        iod = iod_of(uid)
        assert iod is not None
        assert {"SOPClassUID", "PatientID", "StudyInstanceUID"} <= {item.keyword for item in iod.root.required}, uid


def test_conditions_are_of_attributes_that_some_result_has() -> None:
    conditional = {
        attribute.keyword
        for uid in RESULT_SOP_CLASSES
        for module in iod_of(uid).modules  # type: ignore[union-attr]
        for rule in _rules(module.rule)
        for attribute in rule.conditional
    }
    assert set(CONDITIONS) <= conditional, set(CONDITIONS) - conditional


def _rules(rule):  # type: ignore[no-untyped-def]
    yield rule
    for attribute in rule.attributes.values():
        if attribute.item is not None:
            yield from _rules(attribute.item)


@pytest.mark.filterwarnings("ignore:The value length")
def test_what_is_copied_passes_however_wrong_or_old(analysis: Analysis, tmp_path: Path) -> None:
    """The archive holds the study under these values: not ours to put right, and no reason to hold a result back."""
    made = EVERY_OBJECT["segmentation"](analysis)
    run = run_of(made, analysis, tmp_path)
    known = {item.tag for item in made.object}
    for keyword in PATIENT_AND_STUDY:
        if tag_of(keyword) not in known and not keyword.endswith("Sequence"):
            run.change(lambda dataset, keyword=keyword: dataset.add_new(tag_of(keyword), "LO", "x" * 70))  # type: ignore[misc]
    assert run.problems() == []
