"""An RT Structure Set of ours in OHIF: its contours enclose the mask."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.orthanc.server import Orthanc
from operators.manifest import OutputPart
from operators.write.base.result import save
from operators.write.rt_structure_set import write_rt_structure_set
from tests.viewers.browser import NEXT_IMAGE, Viewer
from tests.viewers.conftest import store
from tests.viewers.examinations import SEGMENTS, make_examination
from tests.viewers.marks import find_view
from tests.viewers.waiting import wait_for_overlay

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.viewers, pytest.mark.timeout(600)]

CONTOURS = OutputPart(object="rt_structure_set", title="Asymmetric contours", series_number=9005)


@pytest.mark.parametrize("name", ["FLAIR", "CT oblique", "CT reversed order"])
def test_contours_enclose_the_mask(viewer: Viewer, archive: Orthanc, tmp_path: Path, name: str) -> None:
    examination = make_examination(name, tmp_path / "study", seed=11)
    result = write_rt_structure_set(
        "contours", CONTOURS, examination.volume, examination.labels, SEGMENTS, examination.analysis
    )
    truth = examination.truth
    store(archive, *examination.image_files, save(result, tmp_path))
    viewer.open_study(examination.study_uid)
    viewer.until(lambda: find_view(viewer.screenshot(), *truth.shape[1:]))
    viewer.load_segmentation(CONTOURS.series_number)

    every = {*range(len(truth))}
    _, first = wait_for_overlay(viewer, truth, every, tmp_path, outlines=True)
    viewer.press(NEXT_IMAGE)
    _, second = wait_for_overlay(viewer, truth, every - {first.number}, tmp_path, outlines=True)
    assert truth[second.number].any()
    assert viewer.errors() == []
