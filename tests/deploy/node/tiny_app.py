"""A small real app for tests of the node: real series selection, real result objects, no network.

The folder that the environment variable ``TINY_APP`` names tells it what to do: it appends a line to ``runs``, makes
the file ``running``, waits while there is a file ``hold``, and behaves badly while there is a file ``misbehave`` that
holds the word for it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom.sr.codedict import codes

from apps.run import Setting, analysis_of, app_manifest
from operators.outcome import Outcome
from operators.provenance import Analysis, ReplacedResult
from operators.read.selection import Selection, missing_roles, select_series
from operators.read.study import Study, read_study
from operators.read.volume import read_volume
from operators.refused import Reason, Refused
from operators.write.base.result import save
from operators.write.refusal_report import write_refusal_report
from operators.write.reports.structured_report import write_report
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation

APP = "mr_white_matter_lesions"
"""It runs under this name, with this app's manifest, so that the node's own routing is used."""

TARGET = "tests.deploy.node.tiny_app:run"


def run(
    app: str,
    input_folder: Path,
    output_folder: Path,
    *,
    device: str,
    settings: Mapping[str, Setting],
    started: datetime,
    replaces: Sequence[ReplacedResult] = (),
    priors_folder: Path | None = None,
) -> Outcome:
    """Outline the bright voxels of the FLAIR."""
    misbehaviour = _obey()
    outcome = _run(app, input_folder, output_folder, settings, started, replaces)
    if misbehaviour == "miscount":
        outcome = outcome.model_copy(update={"segment_voxels": {"lesions": {1: 1}}})
    outcome.save(output_folder)
    return outcome


def _run(
    app: str,
    input_folder: Path,
    output_folder: Path,
    settings: Mapping[str, Setting],
    started: datetime,
    replaces: Sequence[ReplacedResult],
) -> Outcome:
    study = read_study(input_folder)
    selection = select_series(study, app_manifest(app))
    analysis = analysis_of(app_manifest(app), study, selection, settings=settings, started=started, replaces=replaces)
    try:
        if lacking := missing_roles(selection, app_manifest(app)):
            raise Refused(Reason.NO_SUITABLE_SERIES, lacking)
        return _analyse(app, selection, analysis, output_folder)
    except Refused as refused:
        return _refuse(app, study, refused, analysis, output_folder)


def _obey() -> str:
    control = Path(os.environ["TINY_APP"]) if "TINY_APP" in os.environ else None
    if control is None:
        return ""
    with (control / "runs").open("a") as file:
        file.write("run\n")
    (control / "running").touch()
    while (control / "hold").exists():
        time.sleep(0.01)
    misbehave = control / "misbehave"
    word = misbehave.read_text() if misbehave.exists() else ""
    if word.endswith("once"):
        misbehave.unlink()
    if word.startswith("raise"):
        raise ValueError("the app's own mistake")
    if word.startswith("kill"):
        os.kill(os.getpid(), signal.SIGKILL)
    return word


def _refuse(app: str, study: Study, refused: Refused, analysis: Analysis, folder: Path) -> Outcome:
    report = write_refusal_report("report", app_manifest(app).outputs["report"], study, refused, analysis)
    return Outcome(
        app=app,
        version=analysis.algorithm.version,
        input_digest=analysis.input_digest,
        status="refused",
        reason=refused.reason.value,
        detail=refused.detail,
        summary=f"not analysed: {refused}",
        files=(save(report, folder).name,),
    )


def _analyse(app: str, selection: Selection, analysis: Analysis, folder: Path) -> Outcome:
    outputs = app_manifest(app).outputs
    series = next(iter(selection.series.values()))
    volume = read_volume(series)
    voxels = volume.array.astype(np.float32)
    labels = (voxels > np.quantile(voxels, 0.99)).astype(np.uint8)
    segment = Segment(
        number=1,
        label="Bright",
        category=codes.SCT.MorphologicallyAbnormalStructure,
        type=codes.SCT.Lesion,
        tracking_identifier="Bright",
        colour=(255, 0, 0),
    )
    segmentation = write_segmentation("lesions", outputs["lesions"], volume, labels, [segment], analysis)
    headers = [instance.header for instance in series.instances]
    report = write_report("report", outputs["report"], headers[0], [*headers, segmentation], [], analysis)
    return Outcome(
        app=app,
        version=analysis.algorithm.version,
        input_digest=analysis.input_digest,
        status="analysed",
        summary=f"{int(labels.sum())} bright voxels",
        files=tuple(save(dataset, folder).name for dataset in (segmentation, report)),
        segment_voxels={"lesions": {1: int(labels.sum())}},
        seconds={"total": 0.1},
    )
