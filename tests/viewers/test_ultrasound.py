"""Results on ultrasound pictures and clips in OHIF: what it shows, and what it cannot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from apps.run import app_manifest
from deploy.orthanc.server import Orthanc
from phantoms.sonography import SimulatedSonogram
from tests.apps.sonograms import App, Run, apps
from tests.viewers.browser import NEXT_IMAGE, Viewer
from tests.viewers.conftest import store
from tests.viewers.waiting import wait_for_picture, wait_until_listed

pytestmark = [pytest.mark.peer, pytest.mark.slow, pytest.mark.viewers, pytest.mark.timeout(900)]

MODALITIES = {
    "segmentation": "SEG",
    "measurement_report": "SR",
    "key_object_selection": "KO",
    "secondary_capture": "OT",
}
LONG_AXIS = "103339001"
OLDER_PATIENT = 60
"""Seeds of the studies: no other test stores these patients."""


@pytest.fixture(params=enumerate(apps()), ids=lambda numbered: numbered[1].name)
def case(request: pytest.FixtureRequest, archive: Orthanc, tmp_path: Path) -> tuple[App, Run, Path]:
    """A clip whose first frame shows nothing, whose second shows what is sought, whose third is noise."""
    number, app = request.param
    noise = np.random.default_rng(1).integers(0, 255, app.found.image.shape).astype(np.uint8)
    spoilt = SimulatedSonogram(noise, np.zeros_like(app.found.mask), app.found.spacing)
    path = app.write(tmp_path / "study", app.nothing, app.found, spoilt, pixels="rgb", seed=OLDER_PATIENT + number)
    run = app.run(tmp_path / "study")
    store(archive, path, *(tmp_path / "study results").glob("*.dcm"))
    return app, run, path


def test_clip_report_and_summary_are_shown(case: tuple[App, Run, Path], viewer: Viewer, tmp_path: Path) -> None:
    app, run, path = case
    source, outputs = dcmread(path), app_manifest(app.name).outputs
    assert {"report", "summary", "refused_frames", app.output} < run.objects.keys()
    viewer.open_study(str(source.StudyInstanceUID))
    written = {name: output for name, output in outputs.items() if name in run.objects}
    wait_until_listed(viewer, {output.title: MODALITIES[output.object] for output in written.values()})

    first, second, third = source.pixel_array
    wait_for_picture(viewer, first, tmp_path, others=[second, third])
    viewer.press(NEXT_IMAGE)
    wait_for_picture(viewer, second, tmp_path, others=[first, third])
    viewer.press(NEXT_IMAGE)
    wait_for_picture(viewer, third, tmp_path, others=[first, second])

    # Verdicts of gates have no coordinates: the report is shown as text.
    viewer.open_series(outputs["report"].series_number)
    told = f"{_number(run, LONG_AXIS):g}"
    viewer.until(lambda: "Imaging Measurements" in viewer.text() and told in viewer.text())
    assert "domain-shift" in viewer.text() or "refused: 3" in viewer.text()

    # Outline and axes, which the Segmentation and the report's coordinates hold as well, are seen here.
    viewer.open_series(outputs["summary"].series_number)
    wait_for_picture(viewer, run.objects["summary"].pixel_array, tmp_path)
    assert viewer.errors() == []


def test_a_segmentation_without_a_place_in_the_patient_is_listed_and_not_drawn(
    case: tuple[App, Run, Path], viewer: Viewer
) -> None:
    """OHIF asks every Segmentation for a plane in the patient, which ultrasound has not: docs/viewers.md says it."""
    app, run, _ = case
    viewer.open_study(str(run.objects["report"].StudyInstanceUID))
    viewer.open_series(app_manifest(app.name).outputs[app.output].series_number)
    viewer.until(lambda: any("ImageOrientationPatient" in error for error in viewer.errors()))
    assert viewer.segmentations() == []


def _number(run: Run, code: str) -> float:
    stack = [run.objects["report"]]
    while stack:
        item = stack.pop()
        stack += item.get("ContentSequence", ())
        if item.ValueType == "NUM" and item.ConceptNameCodeSequence[0].get("CodeValue") == code:
            return float(item.MeasuredValueSequence[0].NumericValue)
    raise AssertionError(f"the report has no {code}")
