"""A folder through study, selection and volume, and everything that was read compared with the oracle."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag
from pydicom.uid import (
    DigitalXRayImageStorageForPresentation,
    UltrasoundImageStorage,
    UltrasoundMultiFrameImageStorage,
    VLPhotographicImageStorage,
)

from operators.manifest import Manifest
from operators.read.frames import read_frames
from operators.read.geometry.slice_geometry import missing_slices
from operators.read.selection import is_accepted, missing_roles, select_series
from operators.read.study import Series, Study, read_study
from operators.read.volume import Volume, read_volumes
from operators.read.waveform import read_waveform
from operators.refused import Refused
from tests.fuzz import frames_oracle, oracle, waveform_oracle
from tests.fuzz.instances import Folder

MANIFEST = Manifest.model_validate(
    {
        "application": {
            "name": "fuzz",
            "title": "Fuzz",
            "version": "0.0.1",
            "family": {"value": "123110", "scheme": "DCM", "meaning": "Artificial Intelligence"},
        },
        "resources": {"cpu": 1, "gpu": 0, "memory": "1Gi", "gpuMemory": "1Gi", "timeout": 5},
        "accepts": 'Modality in ["CT", "MR", "PT"]',
        "inputs": {
            "image": {
                "title": "Image",
                "sop_classes": ["CTImageStorage", "MRImageStorage", "EnhancedMRImageStorage"],
                "where": [
                    {"require": '!("LOCALIZER" in ImageType)', "otherwise": "a localizer"},
                    {"require": 'instances >= 1 && PatientName != "x"', "otherwise": "odd"},
                ],
                "prefer": ["-voxel_volume"],
            }
        },
        "required": ["image"],
        "outputs": {"report": {"object": "measurement_report", "title": "Report", "series_number": 1}},
        "model": {"files": [{"path": "x", "sha256": "0" * 64}], "origin": "none", "licence": "none", "notice": "none"},
        "intended_use": "none",
        "limits": ["none"],
    }
)


_PICTURES = frozenset(
    (
        DigitalXRayImageStorageForPresentation,
        UltrasoundImageStorage,
        UltrasoundMultiFrameImageStorage,
        VLPhotographicImageStorage,
    )
)


def read_folder(folder: Path, content: Folder) -> str:
    """Read a folder and return what became of it: "read" or the reason of the refusal, of each series.

    "unreadable" stands beside them where files of the folder were left out and recorded.

    Raises :class:`oracle.MismatchError` where Gantry and pydicom differ, and whatever else goes wrong.
    """
    with warnings.catch_warnings():
        # pydicom tells of what it finds odd.
        warnings.simplefilter("ignore")
        try:
            study = read_study(folder)
        except Refused as refused:
            return refused.reason.value
        is_accepted(study, MANIFEST)
        missing_roles(select_series(study, MANIFEST), MANIFEST)
        _compare_headers(study, content)
        outcomes = {"unreadable"} if study.unreadable else set()
        for series in study.series:
            missing_slices(series)
            try:
                _read_series(series, study, content)
                outcomes.add("read")
            except Refused as refused:
                outcomes.add(refused.reason.value)
    return " + ".join(sorted(outcomes))


def _read_series(series: Series, study: Study, content: Folder) -> None:
    if any("WaveformSequence" in instance.header for instance in series.instances):
        for instance in series.instances:
            waveform_oracle.compare(read_waveform(instance), content[instance.path.name])
        return
    try:
        _compare_volumes(read_volumes(series), study, content)
    except Refused:
        if all(instance.sop_class_uid not in _PICTURES for instance in series.instances):
            raise
        for instance in series.instances:
            frames_oracle.compare(read_frames(instance), content[instance.path.name])


def _compare_headers(study: Study, content: Folder) -> None:
    """Every element before the pixel data is the one that pydicom finds."""
    for instance in study.instances:
        dataset = oracle.header(content[instance.path.name])
        if dataset is None:
            raise oracle.MismatchError(f"pydicom cannot read {instance.path.name}")
        tags = set(instance.header.keys())
        for tag in sorted(tags):
            if tag not in dataset or not _same(instance.header, dataset, tag):
                raise oracle.MismatchError(f"{tag} of {instance.path.name} is not what pydicom finds")
        missing = [tag for tag in dataset.keys() if tag not in tags]  # noqa: SIM118
        if missing:
            raise oracle.MismatchError(f"{instance.path.name}: {missing} are not in the header")


def _same(one: Dataset, other: Dataset, tag: BaseTag) -> bool:
    """Whether an element has the same bytes or, where one of them has been converted already, the same value."""
    # Not get_item(): it converts elements of undefined length.
    ours, theirs = one._dict[tag], other._dict[tag]
    if isinstance(ours, RawDataElement) and isinstance(theirs, RawDataElement):
        return (ours.VR, ours.value) == (theirs.VR, theirs.value)
    try:
        return repr(one[tag].value) == repr(other[tag].value)
    # Bytes that are no value of their representation; whether that is noticed depends on what was asked for before.
    except Exception:
        return True


def _compare_volumes(volumes: Sequence[Volume], study: Study, content: Folder) -> None:
    """Every volume is what pydicom makes of its planes, and no plane of the series is lost without a word."""
    used: Counter[tuple[str, int]] = Counter()
    for volume in volumes:
        planes = []
        for item in volume.slices:
            name = item.instance.path.name
            tile = (item.tile.row, item.tile.column) if item.tile else None
            planes.append(oracle.plane(content[name], item.frame, tile))
            used[name, item.frame] += 1
        oracle.compare(volume.array, volume.affine, planes)
    for (name, frame), times in used.items():
        is_mosaic = any(item.tile for item in volumes[0].slices)
        if times != (oracle.tile_count(content[name]) if is_mosaic else 1):
            raise oracle.MismatchError(f"frame {frame} of {name} is used {times} times")
    known = {file.path.name for file in study.unreadable}
    uid = str(volumes[0].instances[0].header.SeriesInstanceUID)
    lost = [
        (name, frame)
        for name in oracle.files_of_series(content).get(uid, ())
        if name not in known
        for frame in range(oracle.frame_count(content[name]))
        if (name, frame) not in used and not any(content[name] == content[other] for other, _ in used if other != name)
    ]
    if len(lost) > len(volumes[0].left_out):
        raise oracle.MismatchError(f"{lost} are lost without a word")
