"""The result objects: ECG report with findings, annotations of what they rest on, plot; and the one-line summary."""

from __future__ import annotations

from pydicom.dataset import FileDataset
from pydicom.sr.coding import Code

from apps.ecg_findings.classify import Classified, Finding
from apps.ecg_findings.heart import Heart
from operators.manifest import Manifest
from operators.measure.electrocardiogram import EcgFinding, EcgGlobalMeasurements
from operators.measure.temporal import TemporalCoordinates, WaveformChannels
from operators.measure.waveform_annotation import ECG_ANNOTATION, AnnotationGroup, PatternAnnotation
from operators.provenance import Analysis
from operators.read.ecg import EcgInstance
from operators.read.selection import Selection
from operators.read.study import Study
from operators.write.ecg_report import write_ecg_report
from operators.write.pages.ecg_paper import EcgPage, draw_ecg
from operators.write.secondary_capture import write_secondary_capture
from operators.write.waveform_annotation_report import write_waveform_annotation_report

_ABNORMAL = Code("102594003", "SCT", "Abnormal ECG")
_NO_RHYTHM = EcgGlobalMeasurements(None, None, None, None, None)


def summarise(classified: Classified) -> str:
    """Return the findings in one sentence for people."""
    found = [f"{each.label.code.meaning} ({100 * each.probability:.0f} %)" for each in classified.reported]
    return "; ".join([", ".join(found) or "no finding of the list", *classified.remarks])


def write_objects(
    study: Study,
    selection: Selection,
    instance: EcgInstance,
    heart: Heart,
    classified: Classified,
    analysis: Analysis,
    manifest: Manifest,
) -> dict[str, FileDataset]:
    """Return every result object by output name."""
    outputs, header = manifest.outputs, instance.header
    report = write_ecg_report(
        "report",
        outputs["report"],
        header,
        _rate(heart),
        (),
        analysis,
        findings=[_statement(each) for each in classified.reported],
        overall=_ABNORMAL if classified.reported else None,
        summary=summarise(classified),
        notice=manifest.model.notice,
        limits=manifest.limits,
        gates=classified.gates,
    )
    evidence = write_waveform_annotation_report(
        "evidence",
        outputs["evidence"],
        [header],
        [group for each in classified.reported if (group := _group(each, instance)) is not None],
        analysis,
        notice=manifest.model.notice,
        limits=manifest.limits,
    )
    page = EcgPage(
        title=manifest.application.title,
        lines=[summarise(classified)],
        notice=manifest.footer,
        key="yellow: what speaks most for the findings",
        shades=[shade for each in classified.reported for shade in each.evidence],
    )
    drawn = draw_ecg(instance.recording.leads, page)
    plot = write_secondary_capture("plot", outputs["plot"], study, drawn, [selection.series["ecg"]], analysis)
    return {"report": report, "evidence": evidence, "plot": plot}


def _rate(heart: Heart) -> EcgGlobalMeasurements:
    """The rate, without which an ECG report says little; intervals are another app's."""
    if heart.measured is None:
        return _NO_RHYTHM
    return EcgGlobalMeasurements(round(heart.measured.rate, 1), None, None, None, round(1000 * heart.measured.rr, 1))


def _statement(finding: Finding) -> EcgFinding:
    places = ", ".join(f"{shade.lead} {shade.start:.1f} to {shade.end:.1f} s" for shade in finding.evidence)
    rests = f"; rests most on {places}" if places else ""
    words = f"probability {finding.probability:.2f}, reported from {finding.label.threshold:g}{rests}"
    return EcgFinding(finding.label.code, words)


def _group(finding: Finding, instance: EcgInstance) -> AnnotationGroup | None:
    recording = instance.recording
    annotations = []
    for shade in finding.evidence:
        place = recording.channels.get(shade.lead, (recording.group, 0))
        channels = WaveformChannels(instance.header, (place,))
        places = (recording.sample(shade.start), recording.sample(shade.end) - 1)
        segment = TemporalCoordinates(channels, "SEGMENT", sample_positions=places)
        annotations.append(PatternAnnotation(ECG_ANNOTATION, finding.label.code, segment))
    return AnnotationGroup(tuple(annotations), finding.label.code.meaning) if annotations else None
