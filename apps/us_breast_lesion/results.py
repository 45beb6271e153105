"""The result objects: Segmentations, the report, Key Objects, the summary page; and the one-line summary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import FileDataset
from pydicom.sr.codedict import codes

from apps.us_breast_lesion.clips import Clip, Measured
from apps.us_breast_lesion.page import summary_page
from apps.us_breast_lesion.report import evaluations, measurement_groups, segments
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

_OUTPUT = "masses"


def summarise(clips: Sequence[Clip], gates: Sequence[GateResult]) -> str:
    """Return the largest mass in one sentence for people, or that there is none."""
    frames = analysed(gates, [clip.verdicts for clip in clips])
    largest = largest_mass(clips)
    if largest is None:
        return f"no mass segmented; {frames}"
    clip, measured = largest
    mass = measured.mass
    size = "mass, not calibrated"
    if mass.is_calibrated:
        figures = mass.figures
        size = (
            f"mass {figures.long_axis:.1f} x {figures.short_axis:.1f} mm, {figures.area:.0f} mm², height by width "
            f"{mass.height_to_width:.2f}"
        )
    if mass.is_cut:
        size += ", cut by the edge of the picture: it may be larger"
    said = [f"{size}, in {clip.frame_name(measured.index)}"]
    several = [f"{len(each.measured)} in {each.name}" for each in clips if len(each.measured) > 1]
    if several:
        said = [f"largest {said[0]}", f"more than one mass: {', '.join(several)}"]
    return "; ".join([*said, frames])


def largest_mass(clips: Sequence[Clip]) -> tuple[Clip, Measured] | None:
    """Return the largest mass of all instances, calibrated ones first; None where none has any."""
    found = [(clip, measured) for clip in clips if (measured := clip.largest) is not None]
    return max(found, key=lambda each: (each[1].mass.is_calibrated, each[1].mass.figures.area)) if found else None


def segmentation_names(clips: Sequence[Clip]) -> list[str | None]:
    """Return the name of each clip's Segmentation; None where no frame has a mass."""
    return numbered_names(_OUTPUT, (bool(clip.measured) for clip in clips))


def label_maps(clips: Sequence[Clip]) -> dict[str, NDArray[np.unsignedinteger]]:
    """Return the label map behind each Segmentation, by its name, on the whole frames of the source."""
    return {
        name: _label_map(clip) for name, clip in zip(segmentation_names(clips), clips, strict=True) if name is not None
    }


def _label_map(clip: Clip) -> NDArray[np.unsignedinteger]:
    found = np.zeros(clip.tissue.frames.array.shape[:3], dtype=np.min_scalar_type(len(clip.measured)))
    for each in clip.measured:
        found[clip.tissue.on_source(clip.labels == each.number)] = each.number
    return found


def write_objects(
    study: Study,
    selection: Selection,
    gates: Sequence[GateResult],
    clips: Sequence[Clip],
    analysis: Analysis,
    manifest: Manifest,
) -> dict[str, FileDataset]:
    """Return every result object by name: no Segmentation where no mass was found, no Key Object without an object."""
    outputs, series = manifest.outputs, selection.series["sonogram"]
    names = segmentation_names(clips)
    # Drawn again: Holoscan would hand arrays in a dictionary on as tensors.
    labels = label_maps(clips)
    objects = {
        name: write_segmentation(name, outputs[_OUTPUT], clip.tissue.frames, labels[name], segments(clip), analysis)
        for name, clip in zip(names, clips, strict=True)
        if name is not None
    }
    objects["report"] = write_measurement_report(
        "report",
        outputs["report"],
        study,
        measurement_groups(clips, names),
        dict(objects),
        [series],
        analysis,
        evaluations=evaluations(clips),
        gates=gates,
        notice=manifest.model.notice,
        limits=manifest.limits,
    )
    refused = write_refused_frames(
        "refused_frames", outputs["refused_frames"], [clip.verdicts for clip in clips], analysis
    )
    if refused is not None:
        objects["refused_frames"] = refused
    best = largest_mass(clips)
    if best is not None:
        objects["best_frame"] = _best_frame(*best, analysis, manifest)
    page = summary_page(clips, summarise(clips, gates), manifest)
    objects["summary"] = write_secondary_capture("summary", outputs["summary"], study, page, [series], analysis)
    return objects


def _best_frame(clip: Clip, measured: Measured, analysis: Analysis, manifest: Manifest) -> FileDataset:
    number = clip.frame_number(measured.index)
    return write_key_object_selection(
        "best_frame",
        manifest.outputs["best_frame"],
        codes.DCM.BestInSet,
        [KeyObject(clip.tissue.frames.instance.header, () if number is None else (number,))],
        analysis,
        description=f"Frame with the largest mass: {clip.frame_name(measured.index)}",
        modifiers=[codes.DCM.Series],
    )
