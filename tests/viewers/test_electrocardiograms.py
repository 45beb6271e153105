"""Results on ECGs in OHIF, which draws no waveform itself: the plot and the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydicom import dcmread

from apps.run import app_manifest, run_app
from deploy.orthanc.server import Orthanc
from phantoms.ecg import RESTING, Heart, simulate_ecg, write_ecg
from tests.viewers.browser import Viewer
from tests.viewers.conftest import store
from tests.viewers.waiting import wait_for_picture, wait_until_listed

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.viewers, pytest.mark.timeout(900)]

MODALITIES = {"ecg_report": "SR", "waveform_annotation_report": "SR", "secondary_capture": "OT"}
SAID = {"ecg_intervals": "QT interval global", "ecg_findings": "First degree atrioventricular block"}


@pytest.mark.parametrize(("app", "seed"), [("ecg_intervals", 71), ("ecg_findings", 72)])
def test_plot_and_report_are_shown(viewer: Viewer, archive: Orthanc, tmp_path: Path, app: str, seed: int) -> None:
    source = tmp_path / "study" / "ecg.dcm"
    write_ecg(simulate_ecg(Heart(pr=230, qrs=96, qt=400, rate=72), noise=RESTING), source, seed=seed)
    outcome = run_app(app, tmp_path / "study", tmp_path / "results", device="cpu")
    store(archive, source, *(tmp_path / "results" / name for name in outcome.files))
    outputs = app_manifest(app).outputs
    written = [output for name, output in outputs.items() if f"{name}.dcm" in outcome.files]
    assert {output.object for output in written} == set(MODALITIES)

    viewer.open_study(str(dcmread(source, stop_before_pixels=True).StudyInstanceUID))
    wait_until_listed(viewer, {output.title: MODALITIES[output.object] for output in written} | {"12-lead ECG": "ECG"})
    viewer.open_series(outputs["report"].series_number)
    viewer.until(lambda: "ECG Report" in viewer.text() and SAID[app] in viewer.text())
    viewer.open_series(outputs["plot"].series_number)
    wait_for_picture(viewer, dcmread(tmp_path / "results" / "plot.dcm").pixel_array, tmp_path)
    assert viewer.errors() == []
