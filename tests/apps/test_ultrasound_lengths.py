"""Lengths in the reports of both ultrasound apps, computed anew from the Segmentation and from the phantom's truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist, squareform

from tests.apps.sonograms import App, Run, apps

AREA, LONG, SHORT = "42798000", "103339001", "103340004"
ROW, COLUMN = 0.11, 0.17
MEASURED = 2
"""The number of the one frame of the clip that shows what is sought."""


@dataclass(frozen=True)
class Case:
    """A clip whose pixels are wider than high, and the group that was measured in it."""

    app: App
    path: Path
    run: Run
    group: Dataset

    def item(self, code: str) -> Dataset:
        return next(item for item in self.group.ContentSequence if _name(item) == code)

    def value(self, code: str) -> float:
        measured = self.item(code).MeasuredValueSequence[0]
        return float(measured.get("FloatingPointValue", measured.NumericValue))

    def line(self, code: str) -> Dataset:
        """The axis that a length was taken from."""
        return next(item for item in self.item(code).ContentSequence if item.ValueType == "SCOORD")


@pytest.fixture(scope="module", params=apps(), ids=lambda app: app.name)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    app: App = request.param
    folder = tmp_path_factory.mktemp(app.name) / "study"
    path = app.write(folder, app.nothing, app.found, app.nothing, spacing=(ROW, COLUMN))
    run = app.run(folder)
    (group,) = (item for item in _items(run.objects["report"]) if _has_area(item))
    return Case(app, path, run, group)


def test_the_segmentation_fits_its_source(case: Case) -> None:
    source, segmentation = dcmread(case.path), case.run.objects[case.app.output]
    assert (segmentation.Rows, segmentation.Columns) == (source.Rows, source.Columns)
    (shared,) = segmentation.SharedFunctionalGroupsSequence
    assert [float(value) for value in shared.PixelMeasuresSequence[0].PixelSpacing] == pytest.approx([ROW, COLUMN])
    (plane,) = segmentation.PerFrameFunctionalGroupsSequence
    (referenced,) = plane.DerivationImageSequence[0].SourceImageSequence
    assert referenced.ReferencedSOPInstanceUID == source.SOPInstanceUID
    assert referenced.ReferencedSOPClassUID == source.SOPClassUID
    assert referenced.ReferencedFrameNumber == MEASURED
    # A picture without a place in the patient.
    assert "PlanePositionSequence" not in plane
    assert "FrameOfReferenceUID" not in segmentation


def test_numbers_are_those_of_the_segmentation(case: Case) -> None:
    (outline,) = case.run.outline(case.path)
    area, long, short = computed(outline)
    assert case.value(AREA) == pytest.approx(area, abs=0.01)
    assert case.value(LONG) == pytest.approx(long, abs=0.01)
    assert case.value(SHORT) == pytest.approx(short, abs=0.02)


def test_numbers_are_those_of_the_truth(case: Case) -> None:
    area, long, short = computed(case.app.found.mask)
    assert case.value(AREA) == pytest.approx(area, rel=0.15)
    assert case.value(LONG) == pytest.approx(long, abs=1.0)
    assert case.value(SHORT) == pytest.approx(short, abs=1.0)


def test_axes_are_drawn_on_the_measured_frame_as_long_as_they_are_told(case: Case) -> None:
    drawn = []
    for code in (LONG, SHORT):
        line = case.line(code)
        (image,) = line.ContentSequence
        assert image.ReferencedSOPSequence[0].ReferencedFrameNumber == MEASURED
        x0, y0, x1, y1 = line.GraphicData
        drawn.append(np.array([(x1 - x0) * COLUMN, (y1 - y0) * ROW]))
        assert np.linalg.norm(drawn[-1]) == pytest.approx(case.value(code), abs=0.01)
    cosine = drawn[0] @ drawn[1] / np.prod([np.linalg.norm(axis) for axis in drawn])
    assert cosine == pytest.approx(0, abs=1e-3)


def test_the_report_names_the_frame_of_the_segmentation(case: Case) -> None:
    segmentation = case.run.objects[case.app.output]
    references = [item.ReferencedSOPSequence[0] for item in case.group.ContentSequence if item.ValueType == "IMAGE"]
    (reference,) = (each for each in references if each.ReferencedSOPInstanceUID == segmentation.SOPInstanceUID)
    # Of the Segmentation, whose only frame is of the one segment.
    assert reference.ReferencedFrameNumber == 1


def computed(mask: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Area, longest distance of two corners of pixels, longest chord across it, in mm: by brute force."""
    places = np.argwhere(mask)
    corners = np.concatenate([places + step for step in ((0, 0), (0, 1), (1, 0), (1, 1))]) * np.array([ROW, COLUMN])
    points = corners[ConvexHull(corners).vertices]
    distances = squareform(pdist(points))
    first, second = np.unravel_index(np.argmax(distances), distances.shape)
    long = float(distances[first, second])
    along = (points[second] - points[first]) / long
    across = np.array([-along[1], along[0]])
    starts, ends = points, np.roll(points, -1, axis=0)
    low, high = sorted((float(points[first] @ along), float(points[second] @ along)))
    chords = [_chord(starts, ends, along, across, float(at)) for at in np.linspace(low, high, 4001)]
    return float(mask.sum()) * ROW * COLUMN, long, max(chords)


def _chord(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    along: NDArray[np.float64],
    across: NDArray[np.float64],
    at: float,
) -> float:
    """The length of a polygon's cut by the line whose points are all ``at`` of ``along``."""
    before, after = starts @ along - at, ends @ along - at
    cut = before * after < 0
    share = before[cut] / (before[cut] - after[cut])
    places = (starts[cut] + share[:, None] * (ends[cut] - starts[cut])) @ across
    return float(np.ptp(places)) if len(places) else 0.0


def _items(item: Dataset) -> list[Dataset]:
    return [item, *(found for child in item.get("ContentSequence", ()) for found in _items(child))]


def _name(item: Dataset) -> str:
    (concept,) = item.get("ConceptNameCodeSequence", None) or [Dataset()]
    return str(concept.get("CodeValue", ""))


def _has_area(item: Dataset) -> bool:
    return any(_name(child) == AREA for child in item.get("ContentSequence", ()))
