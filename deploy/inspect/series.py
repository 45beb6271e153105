"""One series: what it is, what reading it came to, and pictures of it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
from pydicom import uid

from deploy.inspect.orientation import orientation
from deploy.inspect.report import ChannelReport, GroupReport, Refusal, SeriesReport
from deploy.inspect.tiles import Pictures, frame_pictures, label_text, volume_pictures, waveform_pictures
from operators.check.field_of_view import field_of_view_gate
from operators.check.gate import GateResult
from operators.check.geometry import geometry_gate
from operators.check.ghosting import ghosting_gate
from operators.check.intensity import clipping_gate, content_gate
from operators.check.noise import noise_gate
from operators.outcome import Gate
from operators.read.attributes import MalformedAttributeError, integer, text
from operators.read.frames import read_frames
from operators.read.study import Series
from operators.read.volume import Volume, read_volumes
from operators.read.waveform import Waveform, read_waveform
from operators.read.waveforms.group import MultiplexGroup
from operators.refused import Refused

# Cross sections: their slices are meant to make volumes.
_VOLUME_CLASSES = frozenset(
    {
        uid.CTImageStorage,
        uid.EnhancedCTImageStorage,
        uid.LegacyConvertedEnhancedCTImageStorage,
        uid.MRImageStorage,
        uid.EnhancedMRImageStorage,
        uid.LegacyConvertedEnhancedMRImageStorage,
        uid.PositronEmissionTomographyImageStorage,
        uid.EnhancedPETImageStorage,
        uid.LegacyConvertedEnhancedPETImageStorage,
        uid.NuclearMedicineImageStorage,
    }
)


def inspect_series(series: Series) -> tuple[SeriesReport, Pictures]:
    """Return what a series is and pictures of it. Never raises: what goes wrong by our fault is in ``failure``."""
    report = SeriesReport(
        series_instance_uid=str(series.series_instance_uid),
        description=series.description,
        modality=_text(series, "Modality"),
        sop_classes=_names([instance.sop_class_uid for instance in series.instances]),
        instances=len(series.instances),
        transfer_syntaxes=_names([uid.UID(instance.file_meta.TransferSyntaxUID) for instance in series.instances]),
        kind="other",
    )
    try:
        return _inspect(series, report)
    # One series must not hide the others; the failure is told, and the command's exit status says so.
    except Exception as error:
        return report.model_copy(
            update={"failure": f"{series.description}: {type(error).__name__}: {error}"}
        ), Pictures()


def _inspect(series: Series, report: SeriesReport) -> tuple[SeriesReport, Pictures]:
    classes = {instance.sop_class_uid for instance in series.instances}
    if any("Waveform Storage" in name.name for name in classes):
        return _waveforms(series, report)
    if classes <= _VOLUME_CLASSES:
        return _volumes(series, report)
    if _has_pixels(series):
        return _frames(series, report.model_copy(update={"kind": "frames"}))
    return report, Pictures()


def _volumes(series: Series, report: SeriesReport) -> tuple[SeriesReport, Pictures]:
    report = report.model_copy(update={"kind": "volume"})
    try:
        volumes = read_volumes(series)
    except Refused as refused:
        geometry = Gate.of(geometry_gate(series, refused))
        refusal = Refusal(reason=refused.reason.value, detail=refused.detail)
        report = report.model_copy(update={"gates": (geometry,), "refusal": refusal})
        # What is no volume may still be looked at, frame by frame.
        shown, pictures = _frames(series, report.model_copy(update={"refusal": None}))
        notes: tuple[str, ...] = ()
        if shown.refusal is not None and shown.refusal != refusal:
            notes = (f"no picture, {shown.refusal.reason}: {shown.refusal.detail}",)
        return shown.model_copy(update={"refusal": refusal, "notes": notes}), pictures
    first = volumes[0]
    row, column = np.linalg.norm(first.affine[:3, [1, 0]], axis=0)
    spacing = (first.voxel_volume / float(row * column), float(row), float(column))
    left_out = [f"{item.name} left out: {item.reason}" for item in first.left_out]
    return (
        report.model_copy(
            update={
                "matrix": first.array.shape[1:],
                "planes": len(first.array),
                "volumes": tuple(label_text(volume.label) for volume in volumes) if len(volumes) > 1 else (),
                "spacing_mm": tuple(round(value, 4) for value in spacing),
                "orientation": orientation(first.affine),
                "units": first.units,
                "notes": tuple(left_out),
                "gates": tuple(Gate.of(result) for result in _gates(series, first)),
            }
        ),
        volume_pictures(volumes),
    )


def _gates(series: Series, volume: Volume) -> list[GateResult]:
    """Every gate that needs no app's limits."""
    return [
        geometry_gate(series, volume),
        content_gate(volume),
        clipping_gate(volume),
        field_of_view_gate(volume, 0.0),
        noise_gate(volume),
        ghosting_gate(volume),
    ]


def _frames(series: Series, report: SeriesReport) -> tuple[SeriesReport, Pictures]:
    update: dict[str, Any] = {"matrix": _matrix(series)}
    try:
        pictures, update["planes"] = frame_pictures(series)
        first = read_frames(series.instances[0], [0])
    except Refused as refused:
        update["refusal"] = Refusal(reason=refused.reason.value, detail=refused.detail)
        return report.model_copy(update=update), Pictures()
    notes = ["colour"] if first.is_colour else []
    if first.pixel_spacing is not None:
        update["spacing_mm"] = (round(first.pixel_spacing.row, 4), round(first.pixel_spacing.column, 4))
        notes.append(f"pixel spacing: {first.pixel_spacing.origin.value}")
    if first.has_burned_in_annotation:
        notes.append("burned-in annotation")
    if first.regions:
        notes.append(_count(len(first.regions), "ultrasound region"))
    notes += [f"{name} {value}" for name, value in (("laterality", first.laterality), ("view", first.view)) if value]
    return report.model_copy(update={**update, "units": first.units, "notes": tuple(notes)}), pictures


def _waveforms(series: Series, report: SeriesReport) -> tuple[SeriesReport, Pictures]:
    report = report.model_copy(update={"kind": "waveform"})
    try:
        waveforms = [read_waveform(instance) for instance in series.instances]
        pictures = waveform_pictures(waveforms[0].groups[0])
    except Refused as refused:
        refusal = Refusal(reason=refused.reason.value, detail=refused.detail)
        return report.model_copy(update={"refusal": refusal}), Pictures()
    groups = tuple(_group(group) for waveform in waveforms for group in waveform.groups)
    return report.model_copy(update={"groups": groups, "notes": _annotations(waveforms)}), pictures


def _group(group: MultiplexGroup) -> GroupReport:
    return GroupReport(
        label=group.label or group.originality.lower(),
        sampling_frequency=group.sampling_frequency,
        duration=group.duration,
        channels=tuple(
            ChannelReport(name=channel.name, unit="" if channel.unit is None else channel.unit.value)
            for channel in group.channels
        ),
    )


def _annotations(waveforms: list[Waveform]) -> tuple[str, ...]:
    count = sum(len(waveform.annotations) for waveform in waveforms)
    return (_count(count, "annotation"),) if count else ()


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _has_pixels(series: Series) -> bool:
    return any("Rows" in instance.header and "Columns" in instance.header for instance in series.instances)


def _matrix(series: Series) -> tuple[int, int] | None:
    header = series.instances[0].header
    try:
        rows, columns = integer(header, "Rows"), integer(header, "Columns")
    except MalformedAttributeError:
        return None
    return (rows, columns) if rows and columns else None


def _text(series: Series, keyword: str) -> str:
    try:
        return text(series.header, keyword) or ""
    except MalformedAttributeError:
        return ""


def _names(uids: list[uid.UID]) -> tuple[str, ...]:
    """The names of UIDs, the most frequent first."""
    return tuple(item.name for item, _ in Counter(uids).most_common())
