"""An app that costs next to nothing: it reads the headers of everything and reports that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from apps.run import Setting, app_manifest
from operators.outcome import Outcome
from operators.provenance import Analysis, ReplacedResult, input_digest
from operators.read.study import read_study
from operators.write.base.result import save
from operators.write.reports.structured_report import write_report

TARGET = "tests.reliability.light_app:run"


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
    """Write a report that refers to every image."""
    manifest = app_manifest(app)
    headers = [instance.header for instance in read_study(input_folder).instances]
    digest = input_digest(manifest.algorithm, settings, [str(header.SOPInstanceUID) for header in headers])
    parameters = {name: str(value) for name, value in settings.items()}
    analysis = Analysis(manifest.algorithm, digest, started, parameters, tuple(replaces))
    report = write_report("report", manifest.outputs["report"], headers[0], headers, [], analysis)
    outcome = Outcome(
        app=app,
        version=analysis.algorithm.version,
        input_digest=digest,
        status="analysed",
        summary=f"{len(headers)} images",
        files=(save(report, output_folder).name,),
        segment_voxels={},
        seconds={"total": 0.1},
    )
    outcome.save(output_folder)
    return outcome
