"""A folder through study, selection and volume, and everything that was read compared with the oracle."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path

from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import BaseTag

from operators.manifest import Manifest
from operators.read.geometry import missing_slices
from operators.read.selection import is_accepted, missing_roles, select_series
from operators.read.study import Study, read_study
from operators.read.volume import Volume, read_volume
from operators.refused import Refused
from tests.fuzz import oracle

MANIFEST = Manifest.model_validate(
    {
        "application": {
            "name": "fuzz",
            "title": "Fuzz",
            "version": "0.0.1",
            "family": {"value": "123110", "scheme": "DCM", "meaning": "Artificial Intelligence"},
        },
        "resources": {"cpu": 1, "gpu": 0, "memory": "1Gi", "gpuMemory": "1Gi", "timeout": 5},
        "accepts": 'Modality in ["CT", "MR", "PT"] || has(BodyPartExamined)',
        "inputs": {
            "image": {
                "title": "Image",
                "sop_classes": ["CTImageStorage", "MRImageStorage", "EnhancedMRImageStorage"],
                "where": [
                    {"require": '!("LOCALIZER" in ImageType)', "otherwise": "a localizer"},
                    {"require": "instances >= 1 && Rows > 1", "otherwise": "too small"},
                    {"require": '!has(EchoTime) || EchoTime < 1000.0 || PatientName == "x"', "otherwise": "odd"},
                ],
                "prefer": ["-voxel_volume", "acquisition_time"],
            }
        },
        "required": ["image"],
        "outputs": {"report": {"object": "measurement_report", "title": "Report", "series_number": 1}},
        "model": {"files": [{"path": "x", "sha256": "0" * 64}], "origin": "none", "licence": "none", "notice": "none"},
        "intended_use": "none",
        "limits": ["none"],
    }
)


def read_folder(folder: Path, content: Mapping[str, bytes]) -> str:
    """Read a folder and return what became of it: "read", or the reasons of the refusals.

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
        outcomes = []
        for series in study.series:
            missing_slices(series)
            try:
                volume = read_volume(series)
            except Refused as refused:
                outcomes.append(refused.reason.value)
                continue
            _compare_volume(volume, study, content)
            outcomes.append("read")
    return " + ".join(sorted(set(outcomes)))


def _compare_headers(study: Study, content: Mapping[str, bytes]) -> None:
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
    return _value(one, tag) == _value(other, tag)


def _value(dataset: Dataset, tag: BaseTag) -> str:
    try:
        return repr(dataset[tag].value)
    # Bytes that are no value of their representation: alike on both sides.
    except Exception as error:
        return repr(error)


def _compare_volume(volume: Volume, study: Study, content: Mapping[str, bytes]) -> None:
    names = [instance.path.name for instance in volume.instances]
    oracle.compare(volume.array, volume.affine, [oracle.plane(content[name], 0) for name in names])
    uid = str(volume.instances[0].header.SeriesInstanceUID)
    known = set(names) | {file.path.name for file in study.unreadable}
    for name in oracle.frames_of_series(content).get(uid, {}):
        if name not in known and not any(content[name] == content[other] for other in names):
            raise oracle.MismatchError(f"{name} is lost without a word")
