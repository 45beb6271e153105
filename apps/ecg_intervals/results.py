"""The result objects of one recording: ECG report, annotations, plot; and the one-line summary."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import FileDataset

from apps.ecg_intervals.annotations import annotation_groups
from apps.ecg_intervals.measured import Measured
from apps.ecg_intervals.page import page_of
from apps.ecg_intervals.report import findings, global_measurements, lead_measurements, overall
from operators.check.gate import GateResult
from operators.manifest import Manifest
from operators.provenance import Analysis
from operators.read.ecg import EcgInstance
from operators.read.selection import Selection
from operators.read.study import Study
from operators.write.ecg_report import write_ecg_report
from operators.write.pages.ecg_paper import draw_ecg
from operators.write.secondary_capture import write_secondary_capture
from operators.write.waveform_annotation_report import write_waveform_annotation_report


def summarise(recording: EcgInstance, measured: Measured) -> str:
    """Return the result in one sentence for people."""
    ecg = measured.analysis
    numbers = [f"{ecg.facts.rhythm.value}, {ecg.rate:.0f} beats a minute"]
    numbers += [
        f"{name} {value:.0f} ms"
        for name, value in (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt), ("QTc", ecg.qtc.get("Fridericia")))
        if value is not None
    ]
    text = ", ".join(numbers)
    if measured.flags:
        text += f"; {', '.join(flag.finding.meaning for flag in measured.flags)}"
    names = recording.recording.leads.names
    alone = [f"of lead {names[0]} alone, which may not see the whole of each wave"] if len(names) == 1 else []
    return "; ".join([text, *alone, *recording.remarks])


def write_objects(
    study: Study,
    selection: Selection,
    recording: EcgInstance,
    measured: Measured,
    gates: Sequence[GateResult],
    analysis: Analysis,
    manifest: Manifest,
    maximum_annotated_beats: int,
) -> dict[str, FileDataset]:
    """Return every result object by output name."""
    outputs, header, ecg = manifest.outputs, recording.header, measured.analysis
    report = write_ecg_report(
        "report",
        outputs["report"],
        header,
        global_measurements(ecg),
        lead_measurements(ecg),
        analysis,
        findings=findings(measured),
        overall=overall(measured),
        summary=summarise(recording, measured),
        notice=manifest.model.notice,
        limits=manifest.limits,
        gates=gates,
    )
    annotations = write_waveform_annotation_report(
        "annotations",
        outputs["annotations"],
        [header],
        annotation_groups(recording, ecg, maximum_annotated_beats),
        analysis,
        notice=manifest.model.notice,
        limits=manifest.limits,
    )
    page = draw_ecg(recording.recording.leads, page_of(measured, manifest))
    plot = write_secondary_capture("plot", outputs["plot"], study, page, [selection.series["ecg"]], analysis)
    return {"report": report, "annotations": annotations, "plot": plot}
