"""Every object that takes the place of an earlier one names it, as dciodvfy and verification want it."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.uid import KeyObjectSelectionDocumentStorage

from deploy.node.verify import KnownInstance
from operators.provenance import Analysis, ReplacedResult
from operators.refused import CODING_SCHEME
from tests.deploy.node.verify.made import Run, run_of
from tests.operators.write.every_object import EVERY_OBJECT
from tests.peers import tool

PLACES = ("PredecessorDocumentsSequence", "RelatedSeriesSequence", "ReferencedInstanceSequence")


def successor(name: str, analysis: Analysis, folder: Path) -> Run:
    """The example's object as one that replaces an object of the same kind."""
    first = EVERY_OBJECT[name](analysis)
    earlier = replace(analysis, input_digest="0" * 64)
    replaced = ReplacedResult(
        first.name,
        str(first.object.SOPClassUID),
        earlier.uid(f"{first.name}/instance"),
        earlier.uid(f"{first.name}/series"),
    )
    later = replace(analysis, replaces=(replaced,))
    run = run_of(EVERY_OBJECT[name](later), later, folder)
    run.known[replaced.sop_instance_uid] = KnownInstance(
        replaced.sop_class_uid, replaced.series_instance_uid, str(first.object.StudyInstanceUID)
    )
    return run


def complaints(path: Path) -> list[str]:
    """Everything that dciodvfy finds wrong or only strange, such as an attribute that is not of the IOD.

    It warns of each code of a scheme that it does not know, which a private one always is.
    """
    done = subprocess.run([tool("dciodvfy"), str(path)], capture_output=True, text=True, check=False)
    lines = (done.stdout + done.stderr).splitlines()
    return sorted(line for line in lines if line.startswith(("Error", "Warning")) and CODING_SCHEME not in line)


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_an_object_names_what_it_replaces_and_is_valid(name: str, analysis: Analysis, tmp_path: Path) -> None:
    folders = [tmp_path / each for each in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    first = run_of(EVERY_OBJECT[name](analysis), analysis, folders[0])
    second = successor(name, analysis, folders[1])
    assert second.problems() == []
    assert complaints(second.path) == complaints(first.path)
    named = [place for place in PLACES if second.made.object.get(place) != first.made.object.get(place)]
    assert len(named) == (second.made.object.SOPClassUID != KeyObjectSelectionDocumentStorage)


def test_an_object_that_does_not_name_what_it_replaces_is_found(analysis: Analysis, tmp_path: Path) -> None:
    run = successor("segmentation", analysis, tmp_path)
    run.change(lambda dataset: delattr(dataset, "RelatedSeriesSequence"))
    assert any("does not name it in RelatedSeriesSequence" in problem for problem in run.problems())


def test_what_is_replaced_has_to_be_known(analysis: Analysis, tmp_path: Path) -> None:
    run = successor("segmentation", analysis, tmp_path)
    run.known = {}
    assert any("which is no earlier result of this study" in problem for problem in run.problems())


def test_nothing_is_replaced_without_being_asked_for(analysis: Analysis) -> None:
    made = EVERY_OBJECT["segmentation"](analysis)
    assert not any(place in made.object for place in PLACES)
