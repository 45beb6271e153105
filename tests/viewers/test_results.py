"""All results of a real app in OHIF: each is listed, each opens."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.run import app_manifest, run_app
from deploy.orthanc.server import Orthanc
from operators.refused import Reason, Refused
from operators.write.base.result import save
from operators.write.refusal_report import write_refusal_report
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from tests.viewers.browser import Viewer
from tests.viewers.conftest import store
from tests.viewers.examinations import make_examination
from tests.viewers.waiting import wait_until_listed

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.viewers, pytest.mark.timeout(900)]

APP = "mr_white_matter_lesions"
OUTPUTS = app_manifest(APP).outputs
MODALITIES = {"segmentation": "SEG", "measurement_report": "SR", "secondary_capture": "OT"}


def test_results_of_the_app_open_without_an_error(viewer: Viewer, archive: Orthanc, tmp_path: Path) -> None:
    phantom = simulate_brain_mr(4, size="small")
    study = write_brain_mr(phantom, tmp_path / "study", sequences=("FLAIR",), uid_salt="viewer")
    run_app(APP, tmp_path / "study", tmp_path / "results")
    store(archive, *study.paths, *(tmp_path / "results").glob("*.dcm"))
    viewer.open_study(study.study_uid)
    wait_until_listed(viewer, {output.title: MODALITIES[output.object] for output in OUTPUTS.values()})
    viewer.open_series(OUTPUTS["report"].series_number)
    # All of its groups refer to segments, none to coordinates: it is shown as text.
    viewer.until(lambda: "Imaging Measurements" in viewer.text() and "Number of lesions" in viewer.text())
    viewer.open_series(OUTPUTS["summary"].series_number)
    for name in ("lesions", "regions"):
        viewer.load_segmentation(OUTPUTS[name].series_number)
        wait_until_loaded(viewer, OUTPUTS[name].title)
    assert viewer.errors() == []


def test_a_refusal_is_listed_and_opens_without_an_error(viewer: Viewer, archive: Orthanc, tmp_path: Path) -> None:
    examination = make_examination("CT axial", tmp_path / "study", seed=10)
    refused = Refused(Reason.MISSING_SLICE, "between images 4 and 6 there is room for one more")
    output = OUTPUTS["report"]
    report = write_refusal_report("report", output, examination.study, refused, examination.analysis)
    store(archive, *examination.image_files, save(report, tmp_path))
    viewer.open_study(examination.study_uid)
    wait_until_listed(viewer, {f"Not analysed: {output.title}": "SR"})
    viewer.open_series(output.series_number)
    viewer.until(lambda: refused.detail in viewer.text())
    assert viewer.errors() == []


def wait_until_loaded(viewer: Viewer, title: str) -> None:
    viewer.until(lambda: title in viewer.segmentations())
