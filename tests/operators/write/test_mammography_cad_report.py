"""Mammography CAD SR: TID 4000 as DCMTK and pydicom read it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.uid import MammographyCADSRStorage

from operators.measure.mammography import (
    BREAST_DENSITY,
    CALCIFICATION_CLUSTER,
    NOT_FOR_PRESENTATION,
    CadFeature,
    CadImpression,
    CadTask,
)
from operators.measure.measurement import Modifier
from operators.measure.region import ImageRegion
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.mammography_cad_report import write_mammography_cad_report
from tests.operators.write.examples.reports import CAD, cluster, mammograms, mammography_cad_report
from tests.operators.write.reports.readers import dsrdump, items, meaning, named, said, value
from tests.operators.write.validators import dciodvfy_problems

Write = Callable[..., FileDataset]


@pytest.fixture(scope="module")
def path(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(mammography_cad_report(analysis).object, tmp_path_factory.mktemp("cad"))


@pytest.fixture(scope="module")
def report(path: Path) -> Dataset:
    return dcmread(path)


@pytest.fixture(scope="module")
def write(analysis: Analysis) -> Write:
    def write(
        *impressions: CadImpression, detections: Any = None, analyses: Any = (), images: Any = None
    ) -> FileDataset:
        tried = [CadTask(CALCIFICATION_CLUSTER, mammograms())] if detections is None else detections
        shown = mammograms() if images is None else images
        return write_mammography_cad_report("cad", CAD, shown, tried, impressions, analysis, analyses=analyses)

    return write


def at(root: Dataset, identifier: list[int]) -> Dataset:
    """The item that an item by reference means (PS3.3 C.17.3.2.5): the root is 1, its first item 1.1."""
    assert identifier[0] == 1
    for number in identifier[1:]:
        root = root.ContentSequence[number - 1]
    return root


def test_it_is_valid(path: Path, report: Dataset) -> None:
    assert report.SOPClassUID == MammographyCADSRStorage
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "4000"
    assert dciodvfy_problems(path) == []
    assert "Mammography CAD SR Document" in dsrdump(path)


def test_a_graphic_is_on_its_image_in_the_library(report: Dataset) -> None:
    (finding,) = (
        item for item in named(report, "Single Image Finding") if "Cluster 1" in said(item, "Tracking Identifier")
    )
    for name, points in (("Center", [10.5, 20.25]), ("Outline", [8, 20, 12, 20, 10, 18, 10, 22])):
        (graphic,) = named(finding, name)
        np.testing.assert_array_equal(graphic.GraphicData, points)
        (reference,) = graphic.ContentSequence
        image = at(report, list(reference.ReferencedContentItemIdentifier))
        assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == mammograms()[0].SOPInstanceUID
    second = [
        item for item in named(report, "Center") if item.ContentSequence[0].ReferencedContentItemIdentifier[-1] == 2
    ]
    assert len(second) == 1


def test_the_library_tells_how_each_mammogram_was_taken(report: Dataset) -> None:
    (library,) = named(report, "Image Library")
    for image, header in zip(library.ContentSequence, mammograms(), strict=True):
        assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == header.SOPInstanceUID
        assert said(image, "Image Laterality") == ["Left breast"]
        assert said(image, "Image View") == ["cranio-caudal"]
        assert said(image, "Horizontal Pixel Spacing") == [0.14]
        assert said(image, "Patient Orientation Row") == ["P"]


def test_findings_and_features_tell_their_certainty(report: Dataset) -> None:
    (feature,) = named(report, "Composite Feature")
    assert value(feature) == "Mammographic breast mass"
    assert said(feature, "Certainty of Feature") == [50]
    assert said(feature, "Scope of Feature") == ["Feature detected on multiple images"]
    assert [value(item) for item in named(feature, "Single Image Finding")] == ["Mammography breast density"] * 2
    assert said(report, "Certainty of Finding") == [80]
    assert said(report, "Probability of cancer") == [12.5]
    assert said(report, "Number of calcifications") == [5]
    assert said(report, "Calcification Distribution") == ["Regional calcification distribution"]


def test_every_finding_and_task_names_the_algorithm(report: Dataset, analysis: Analysis) -> None:
    named_by = ("Composite Feature", "Single Image Finding", "Detection Performed", "Analysis Performed")
    found = [item for item in items(report) if meaning(item) in named_by]
    assert len(found) == 7
    for item in found:
        own = [child for child in item.ContentSequence if meaning(child) == "Algorithm Name"]
        assert [value(child) for child in own] == [analysis.algorithm.name]


def test_the_summary_follows_from_what_was_tried(report: Dataset, write: Write) -> None:
    assert said(report, "CAD Processing and Findings Summary") == ["Not all algorithms succeeded; with findings"]
    assert said(report, "Summary of Detections") == ["Succeeded"]
    assert said(report, "Summary of Analyses") == ["Failed"]
    assert len(named(report, "Failed Analyses")[0].ContentSequence) == 1
    tasks = {outcome: CadTask(CALCIFICATION_CLUSTER, mammograms(), outcome) for outcome in ("succeeded", "failed")}
    for outcomes, detections, summary in (
        (["succeeded"], "Succeeded", "All algorithms succeeded; without findings"),
        (["failed"], "Failed", "No algorithms succeeded; without findings"),
        (["succeeded", "failed"], "Partially Succeeded", "Not all algorithms succeeded; without findings"),
    ):
        made = write(detections=[tasks[outcome] for outcome in outcomes])
        assert said(made, "Summary of Detections") == [detections]
        assert said(made, "CAD Processing and Findings Summary") == [summary]
        assert said(made, "Summary of Analyses") == ["Not Attempted"]
    found = write(CadImpression(findings=(cluster(rendering_intent=NOT_FOR_PRESENTATION),)))
    assert said(found, "CAD Processing and Findings Summary") == ["All algorithms succeeded; with findings"]


def test_a_report_without_findings_is_valid(write: Write, tmp_path: Path) -> None:
    path = save(write(), tmp_path)
    assert dciodvfy_problems(path) == []
    dsrdump(path)


OTHER = Code("1", "99X", "something")


def on(index: int, graphic: Any = "POINT", points: Any = ((1, 1),)) -> ImageRegion:
    return ImageRegion(mammograms()[index], graphic, points)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": OTHER}, "no successful detection looked for it"),
        ({"kind": BREAST_DENSITY}, "no successful detection looked for it"),
        ({"rendering_intent": OTHER}, "CID 6034"),
        ({"certainty": 101.0}, "between 0 and 100"),
        ({"properties": (Modifier(Code("111008", "DCM", "Calcification Distribution"), OTHER),)}, "CID 6012"),
        ({"probability_of_cancer": -1.0}, "between 0 and 100"),
        ({"tracking_identifier": ""}, "Tracking Identifier is empty"),
    ],
)
def test_a_finding_that_cannot_be_is_an_error(write: Write, changes: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(CadImpression(findings=(cluster(**changes),)))


def test_what_is_of_a_whole_image_is_no_finding_at_a_point(write: Write) -> None:
    geometry = Code("111100", "DCM", "Breast geometry")
    with pytest.raises(ValueError, match="of a whole image"):
        write(CadImpression(findings=(cluster(kind=geometry),)), detections=[CadTask(geometry, mammograms())])
    with pytest.raises(ValueError, match="CID 6014"):
        write(detections=[CadTask(OTHER, mammograms())])


def test_a_finding_is_at_a_point_of_an_image_of_the_report(write: Write) -> None:
    for changes, message in (
        ({"center": on(0, "POLYLINE", ((1, 1), (2, 2)))}, "the centre is a POINT"),
        ({"outline": on(1, "POLYLINE", ((1, 1), (2, 2)))}, "on different images"),
        ({"outline": on(0)}, "a POINT is no outline"),
    ):
        with pytest.raises(ValueError, match=message):
            write(CadImpression(findings=(cluster(**changes),)))
    first, second = mammograms()
    tried = [CadTask(CALCIFICATION_CLUSTER, (second,))]
    with pytest.raises(ValueError, match="not among those that were processed"):
        write(CadImpression(findings=(cluster(),)), images=[second], detections=tried)
    with pytest.raises(ValueError, match="not in the report"):
        write(images=[first], detections=tried)


def test_reports_that_say_nothing_are_errors(write: Write) -> None:
    with pytest.raises(ValueError, match="at least one image"):
        write(images=[])
    with pytest.raises(ValueError, match="at least one thing that was looked for"):
        write(detections=[])
    with pytest.raises(ValueError, match="tried on no image"):
        write(detections=[CadTask(CALCIFICATION_CLUSTER, ())])
    with pytest.raises(ValueError, match="CID 6043"):
        write(analyses=[CadTask(CALCIFICATION_CLUSTER, mammograms())])
    with pytest.raises(ValueError, match="at least one feature or finding"):
        write(CadImpression())
    with pytest.raises(ValueError, match="there twice"):
        write(images=[mammograms()[0]] * 2)
    with pytest.raises(ValueError, match="tracking identifiers"):
        write(CadImpression(findings=(cluster(), cluster())))


def test_a_feature_is_made_of_findings(write: Write) -> None:
    whole = CadFeature(
        "Mass",
        Code("129788004", "SCT", "Mammographic breast mass"),
        Code("111154", "DCM", "Target Content Items are related spatially"),
        Code("111158", "DCM", "Feature detected on multiple images"),
        (cluster(),),
    )
    for changes, message in (
        ({"findings": ()}, "made of findings"),
        ({"kind": OTHER}, "CID 6016"),
        ({"relation": OTHER}, "CID 6035"),
        ({"scope": OTHER}, "CID 6036"),
    ):
        with pytest.raises(ValueError, match=message):
            write(CadImpression(features=(replace(whole, **changes),)))
