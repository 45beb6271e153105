"""A Segmentation of ours in OHIF: what is drawn over the image is where the mask is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deploy.orthanc.server import Orthanc
from operators.write.segments.form import DEFAULT_FORM, SegmentationForm
from tests.viewers.browser import LAST_IMAGE, NEXT_IMAGE, Viewer
from tests.viewers.conftest import store
from tests.viewers.examinations import CASES, COLOURS, SHAPES, Examination, make_examination
from tests.viewers.marks import find_view
from tests.viewers.overlay import agreement
from tests.viewers.waiting import LEAST_DICE, wait_for_overlay

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.timeout(600)]

QUICKEST = "CT reversed order"
"""The one case that `make test` runs."""


@pytest.mark.parametrize(
    "name", [name if name == QUICKEST else pytest.param(name, marks=pytest.mark.viewers) for name in CASES]
)
def test_overlay_is_where_the_mask_is(viewer: Viewer, archive: Orthanc, tmp_path: Path, name: str) -> None:
    examination = make_examination(name, tmp_path / "study")
    open_segmentation(viewer, archive, examination, examination.labels, tmp_path)
    truth = examination.truth

    # The viewer goes to the first slice, in its order, that has a segment.
    seen = [wait_for_overlay(viewer, truth, {*range(len(truth))}, tmp_path)]
    for _ in range(2):
        viewer.press(NEXT_IMAGE)
        others = {*range(len(truth))} - {view.number for _, view in seen}
        seen.append(wait_for_overlay(viewer, truth, others, tmp_path))
    assert all(truth[view.number].any() for _, view in seen)
    for what, wrong in wrong_masks(truth).items():
        assert min(agreement(*seen[0], wrong, COLOURS).values()) < LEAST_DICE, what
    assert viewer.voxel_counts() == {number: int((truth == number).sum()) for number in COLOURS}

    viewer.press(LAST_IMAGE)
    _, view = wait_for_overlay(viewer, truth, {0, len(truth) - 1}, tmp_path)
    assert not truth[view.number].any()
    assert viewer.errors() == []


@pytest.mark.viewers
@pytest.mark.parametrize(
    ("form", "seed"),
    [
        (SegmentationForm("binary", empty_frames="keep"), 3),
        (SegmentationForm("binary", "deflated"), 4),
        (SegmentationForm("labelmap"), 5),
        (SegmentationForm("labelmap", "rle"), 6),
        (SegmentationForm("labelmap", "jpeg_ls"), 7),
    ],
    ids=lambda form: f"{form.type}-{form.encoding}" if isinstance(form, SegmentationForm) else "",
)
def test_other_forms_that_the_viewer_can_draw(
    viewer: Viewer, archive: Orthanc, tmp_path: Path, form: SegmentationForm, seed: int
) -> None:
    """Compressed ones because the archive decompresses them for it."""
    examination = make_examination("CT oblique", tmp_path / "study", seed=seed)
    open_segmentation(viewer, archive, examination, examination.labels, tmp_path, form)
    _, view = wait_for_overlay(viewer, examination.truth, {*range(len(examination.truth))}, tmp_path)
    assert examination.truth[view.number].any()
    assert viewer.errors() == []


@pytest.mark.viewers
def test_segments_that_overlap_are_both_there(viewer: Viewer, archive: Orthanc, tmp_path: Path) -> None:
    examination = make_examination("CT oblique", tmp_path / "study", seed=8)
    letter = examination.labels == 1
    # Under the letter's strokes, too; drawn last, so that the letter is seen through it only.
    bar = np.zeros_like(letter)
    bar[:, 20:32, 16:44] = letter.any(axis=(1, 2))[:, np.newaxis, np.newaxis]
    assert (letter & bar).any()
    open_segmentation(viewer, archive, examination, np.stack([letter, bar]), tmp_path)
    assert viewer.voxel_counts() == {1: int(letter.sum()), 2: int(bar.sum())}
    assert viewer.errors() == []


@pytest.mark.viewers
def test_nothing_found_opens_and_shows_nothing(viewer: Viewer, archive: Orthanc, tmp_path: Path) -> None:
    examination = make_examination("CT oblique", tmp_path / "study", seed=9)
    nothing = np.zeros_like(examination.labels)
    open_segmentation(viewer, archive, examination, nothing, tmp_path)
    assert viewer.voxel_counts() == {1: 0, 2: 0}
    wait_for_overlay(viewer, nothing, {*range(len(nothing))}, tmp_path)
    assert viewer.errors() == []


@pytest.mark.viewers
def test_a_flipped_mask_is_seen_to_be_flipped(viewer: Viewer, archive: Orthanc, tmp_path: Path) -> None:
    """The control: what the comparison says of a Segmentation that is wrong."""
    examination = make_examination("CT axial", tmp_path / "study", seed=2)
    open_segmentation(viewer, archive, examination, examination.labels[:, :, ::-1].copy(), tmp_path)
    screenshot, view = wait_for_overlay(
        viewer, examination.truth[:, :, ::-1], {*range(len(examination.truth))}, tmp_path
    )
    assert max(agreement(screenshot, view, examination.truth, COLOURS).values()) < 0.5


def open_segmentation(
    viewer: Viewer,
    archive: Orthanc,
    examination: Examination,
    labels: NDArray[np.generic],
    folder: Path,
    form: SegmentationForm = DEFAULT_FORM,
) -> None:
    """Store the study with a Segmentation of these labels, and open both in the viewer."""
    store(archive, *examination.image_files, examination.write_segmentation(labels, folder, form))
    viewer.open_study(examination.study_uid)
    viewer.until(lambda: find_view(viewer.screenshot(), *examination.truth.shape[1:]))
    viewer.load_segmentation(SHAPES.series_number)


def wrong_masks(labels: NDArray[np.uint8]) -> dict[str, NDArray[np.uint8]]:
    """The labels as a writer with a fault in its geometry would place them."""
    return {
        "left and right exchanged": labels[:, :, ::-1],
        "up and down exchanged": labels[:, ::-1],
        "slices in the other order": labels[::-1],
        "one slice off": np.roll(labels, 1, axis=0),
        "one column off": np.roll(labels, 1, axis=2),
        "one row off": np.roll(labels, 1, axis=1),
        "segments exchanged": np.choose(labels, np.array([0, 2, 1], np.uint8)),
    }
