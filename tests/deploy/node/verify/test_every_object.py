"""What every writer makes passes, and what breaks any object is found in each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileDataset

from deploy.node.verify.elements import Element, Item
from deploy.node.verify.iods import iod_of
from deploy.node.verify.result_file import read_result
from deploy.node.verify.structure import structure_problems
from operators.provenance import Analysis
from operators.write.base.result import save
from tests.deploy.node.verify.made import run_of
from tests.operators.write.every_object import EVERY_OBJECT


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_a_good_object_passes(name: str, analysis: Analysis, tmp_path: Path) -> None:
    assert run_of(EVERY_OBJECT[name](analysis), analysis, tmp_path).problems() == []


def _add_private(dataset: Dataset) -> None:
    dataset.private_block(0x0009, "SOMEONE", create=True).add_new(1, "LO", "secret")


BREAKING: dict[str, tuple[Callable[[FileDataset], object], str]] = {
    "type 1 absent": (lambda d: delattr(d, "SeriesInstanceUID"), "SeriesInstanceUID is absent (type 1)"),
    "type 1 empty": (lambda d: setattr(d, "Modality", ""), "Modality is empty (type 1)"),
    "type 2 absent": (lambda d: delattr(d, "PatientBirthDate"), "PatientBirthDate is absent (type 2)"),
    "another patient": (lambda d: setattr(d, "PatientID", "P-0816"), "PatientID is 'P-0816', in the source"),
    "another study": (lambda d: setattr(d, "StudyInstanceUID", "2.25.1"), "StudyInstanceUID is '2.25.1', in the"),
    "text too long": (lambda d: setattr(d, "SeriesDescription", "x" * 65), "has 65 characters, LO allows 64"),
    "malformed date": (lambda d: setattr(d, "SeriesDate", "20230229a"), "SeriesDate"),
    "malformed UID": (lambda d: setattr(d, "SeriesInstanceUID", "2.25.01"), "SeriesInstanceUID '2.25.01' is no UI"),
    "private element": (_add_private, "(0009,0010) is private"),
    "foreign attribute": (lambda d: setattr(d, "EchoTime", "3"), "EchoTime does not belong to the IOD"),
    "other device": (
        lambda d: setattr(d.ContributingEquipmentSequence[0], "DeviceUID", "2.25.1"),
        "DeviceUID of the Contributing Equipment is '2.25.1'",
    ),
    "other SOP class": (
        lambda d: setattr(d, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.2"),
        "the File Meta Information names another SOP class",
    ),
    "unknown character set": (lambda d: setattr(d, "SpecificCharacterSet", "ISO_IR 999"), "there is no character set"),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_what_breaks_any_object_is_found(name: str, analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT[name](analysis), analysis, tmp_path)
    good = run.path.read_bytes()
    for what, (change, said) in BREAKING.items():
        run.path.write_bytes(good)
        run.change(change)
        assert any(said in problem for problem in run.problems()), f"{what}: {run.problems()}"


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_every_required_attribute_is_missed(name: str, analysis: Analysis, tmp_path: Path) -> None:
    """Whatever attribute of type 1 or 2 is deleted, or of type 1 emptied, is told by name."""
    root = read_result(save(EVERY_OBJECT[name](analysis).object, tmp_path)).root
    iod = iod_of(root.text("SOPClassUID"))
    assert iod is not None
    for attribute in iod.root.required:
        rest = {tag: element for tag, element in root.elements.items() if tag != attribute.tag}
        problems = list(structure_problems(Item(rest, root.encodings)))
        assert any(f"{attribute.keyword} is absent" in problem for problem in problems), attribute.keyword
        if attribute.type == "1":
            empty = {**root.elements, attribute.tag: Element(root.elements[attribute.tag].vr)}
            problems = list(structure_problems(Item(empty, root.encodings)))
            assert any(f"{attribute.keyword} is" in problem and "empty" in problem for problem in problems)
