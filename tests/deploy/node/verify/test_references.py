"""References lead to what was received or made, as what it is and where it is, and are listed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileDataset

from operators.provenance import Analysis
from tests.deploy.node.verify.made import run_of
from tests.operators.write.every_object import EVERY_OBJECT


def first_list(dataset: FileDataset) -> Dataset:
    """The first series in the list of all references."""
    if "CurrentRequestedProcedureEvidenceSequence" in dataset:
        found: Dataset = dataset.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0]
        return found
    listed: Dataset = dataset.ReferencedSeriesSequence[0]
    return listed


def references(series: Dataset) -> list[Dataset]:
    return list(series[instances_of(series)].value)


def instances_of(series: Dataset) -> str:
    """Keyword of the sequence that lists a series' instances: each module has one of its own."""
    keywords = ("ReferencedInstanceSequence", "ReferencedSOPSequence", "ReferencedImageSequence")
    return next(keyword for keyword in keywords if keyword in series)


def refer(keyword: str, value: str) -> Callable[[FileDataset], object]:
    return lambda dataset: setattr(references(first_list(dataset))[0], keyword, value)


def unlist(dataset: FileDataset) -> None:
    series = first_list(dataset)
    element = series[instances_of(series)]
    element.value = element.value[1:]


def in_another_study(dataset: FileDataset) -> None:
    dataset.CurrentRequestedProcedureEvidenceSequence[0].StudyInstanceUID = "2.25.1"


WRONG: dict[str, tuple[Callable[[FileDataset], object], str]] = {
    "unknown": (refer("ReferencedSOPInstanceUID", "2.25.1"), "refers to 2.25.1, which was not received"),
    "another class": (refer("ReferencedSOPClassUID", "1.2.840.10008.5.1.4.1.1.2"), "as CT Image Storage, but it is"),
    "another series": (
        lambda d: setattr(first_list(d), "SeriesInstanceUID", "2.25.1"),
        "in series 2.25.1, but it is in",
    ),
    "not listed": (unlist, "does not list"),
}

WITH_LISTS = [
    "segmentation",
    "segmentation, label map",
    "measurement report",
    "parametric map",
    "spatial registration",
    "key object selection",
    "presentation state",
]


@pytest.mark.parametrize("what", [what for what in WRONG if what != "not listed"])
@pytest.mark.parametrize("name", WITH_LISTS)
def test_wrong_references_are_found(name: str, what: str, analysis: Analysis, tmp_path: Path) -> None:
    change, said = WRONG[what]
    run = run_of(EVERY_OBJECT[name](analysis), analysis, tmp_path)
    run.change(change)
    assert any(said in problem for problem in run.problems()), run.problems()


@pytest.mark.parametrize("name", ["segmentation", "measurement report", "parametric map", "spatial registration"])
def test_what_is_used_has_to_be_listed(name: str, analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT[name](analysis), analysis, tmp_path)
    # Of a Segmentation the first slices have no frame: no list needs them.
    for _ in range(4 if name == "segmentation" else 1):
        run.change(unlist)
    assert any("does not list" in problem for problem in run.problems()), run.problems()


def test_evidence_of_another_study_is_found(analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT["measurement report"](analysis), analysis, tmp_path)
    run.change(in_another_study)
    assert any("in study 2.25.1, but it is in" in problem for problem in run.problems()), run.problems()


def test_instances_of_other_studies_are_not_those_of_this(analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT["segmentation"](analysis), analysis, tmp_path)
    run.known = {uid: replace(instance, study_instance_uid="2.25.1") for uid, instance in run.known.items()}
    assert any("but it is in 2.25.1" in problem for problem in run.problems()), run.problems()


def test_what_was_received_without_its_series_known_may_be_referred_to(analysis: Analysis, tmp_path: Path) -> None:
    run = run_of(EVERY_OBJECT["segmentation"](analysis), analysis, tmp_path)
    run.known = {uid: replace(instance, series_instance_uid=None) for uid, instance in run.known.items()}
    assert run.problems() == []


def test_a_segment_that_is_not_there_is_found(analysis: Analysis, tmp_path: Path) -> None:
    def change(dataset: FileDataset) -> None:
        stack = list(dataset.ContentSequence)
        while stack:
            item = stack.pop()
            stack += item.get("ContentSequence", ())
            for reference in item.get("ReferencedSOPSequence", ()):
                if "ReferencedSegmentNumber" in reference:
                    reference.ReferencedSegmentNumber = 7

    run = run_of(EVERY_OBJECT["measurement report"](analysis), analysis, tmp_path)
    run.change(change)
    assert any("refers to segment 7 of" in problem for problem in run.problems()), run.problems()
