"""The result objects: Segmentations, the report, Key Objects, the summary page; and the one-line summary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes

from apps.us_joint_effusion.clips import Clip
from apps.us_joint_effusion.findings import JointFinding
from apps.us_joint_effusion.page import summary_page
from apps.us_joint_effusion.report import frame_name, frames_of, measurement_groups, others_of, segments, source_frame
from operators.check.checked_tissue import analysed
from operators.check.gate import GateResult
from operators.manifest import Manifest
from operators.provenance import Analysis
from operators.read.selection import Selection
from operators.read.study import Study
from operators.write.key_object_selection import KeyObject, write_key_object_selection
from operators.write.measurement_report import write_measurement_report
from operators.write.numbered_names import numbered_names
from operators.write.refused_frames import write_refused_frames
from operators.write.secondary_capture import write_secondary_capture
from operators.write.segmentation import write_segmentation

_OUTPUT = "effusions"


def summarise(findings: Sequence[JointFinding], clips: Sequence[Clip], gates: Sequence[GateResult]) -> str:
    """Return what was found in each joint in one sentence for people."""
    return "; ".join(_told(findings, clips, gates))


def describe(finding: JointFinding) -> str:
    """Return what was found in one joint, in words."""
    effusion = finding.effusion
    if not finding.is_known:
        return f"{finding.joint.title}: not judged"
    if effusion is None:
        return f"{finding.joint.title}: no effusion in {frames_of(finding)}"
    beside = f", {others_of(effusion)}" if effusion.others else ""
    if not effusion.is_calibrated:
        return f"{finding.joint.title}: effusion, not calibrated{beside}"
    size = f"{effusion.thickness.length:.1f} mm thick, {effusion.figures.area:.1f} mm²"
    return f"{finding.joint.title}: effusion {size}{beside}"


def _told(findings: Sequence[JointFinding], clips: Sequence[Clip], gates: Sequence[GateResult]) -> list[str]:
    return [*(describe(finding) for finding in findings), analysed(gates, [clip.verdicts for clip in clips])]


def segmentation_names(clips: Sequence[Clip]) -> list[str | None]:
    """Return the name of each clip's Segmentation; None where no frame shows fluid."""
    return numbered_names(_OUTPUT, (bool(clip.masks.any()) for clip in clips))


def label_maps(clips: Sequence[Clip]) -> dict[str, NDArray[np.uint8]]:
    """Return the label map (1 is fluid) behind each Segmentation, by its name, on the whole frames of the source."""
    return {
        # The DAG hands no booleans on.
        name: clip.tissue.on_source(clip.masks).astype(np.uint8)
        for name, clip in zip(segmentation_names(clips), clips, strict=True)
        if name is not None
    }


def write_objects(
    study: Study,
    selection: Selection,
    gates: Sequence[GateResult],
    clips: Sequence[Clip],
    findings: Sequence[JointFinding],
    analysis: Analysis,
    manifest: Manifest,
) -> dict[str, FileDataset]:
    """Return every result object by name: no Segmentation where all is dry, no Key Objects where there is none."""
    outputs, series = manifest.outputs, selection.series["sonogram"]
    # Drawn again: Holoscan would hand arrays in a dictionary on as tensors.
    names, masks = segmentation_names(clips), label_maps(clips)
    objects = {
        name: write_segmentation(name, outputs[_OUTPUT], clip.tissue.frames, masks[name], segments(clip), analysis)
        for name, clip in zip(names, clips, strict=True)
        if name is not None
    }
    objects["report"] = write_measurement_report(
        "report",
        outputs["report"],
        study,
        measurement_groups(findings, clips, names),
        dict(objects),
        [series],
        analysis,
        gates=gates,
        notice=manifest.model.notice,
        limits=manifest.limits,
    )
    refused = write_refused_frames(
        "refused_frames", outputs["refused_frames"], [clip.verdicts for clip in clips], analysis
    )
    if refused is not None:
        objects["refused_frames"] = refused
    wet = [finding for finding in findings if finding.effusion is not None]
    if wet:
        objects["measured_frames"] = _measured_frames(wet, clips, analysis, manifest)
    page = summary_page(findings, clips, _told(findings, clips, gates), manifest)
    objects["summary"] = write_secondary_capture("summary", outputs["summary"], study, page, [series], analysis)
    return objects


def _measured_frames(
    findings: Sequence[JointFinding], clips: Sequence[Clip], analysis: Analysis, manifest: Manifest
) -> FileDataset:
    objects, said = [], []
    for finding in findings:
        clip = clips[finding.shown.clip]
        number = source_frame(clip, finding.shown)
        objects.append(KeyObject(clip.tissue.frames.instance.header, () if number is None else (number,)))
        said.append(f"{finding.joint.title}: {frame_name(clip, finding.shown.frame)}")
    return write_key_object_selection(
        "measured_frames",
        manifest.outputs["measured_frames"],
        codes.DCM.OfInterest,
        objects,
        analysis,
        description=f"Frames with the thickest effusion: {'; '.join(said)}",
    )
