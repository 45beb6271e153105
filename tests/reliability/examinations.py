"""Small examinations that the tests' app takes, as bytes, and what has to come out of each: the truth outside."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.filereader import read_file_meta_info
from pydicom.uid import MRImageStorage

from apps.run import app_manifest
from operators.provenance import input_digest, result_uid
from phantoms.volumes.single_frame import write_mr
from tests.deploy.node import tiny_app

SLICES = 15
"""As many as the app's manifest asks for."""

_OUTPUTS = ("lesions", "report")
"""What the tiny app makes of an examination that it analyses; of one that it refuses, the report alone."""


@dataclass(frozen=True)
class SmallInstance:
    """One instance: its identifiers and the bytes of its data set, Explicit VR Little Endian."""

    study_instance_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    data_set: bytes


@dataclass(frozen=True)
class Examination:
    """One study, in the order of sending."""

    study_instance_uid: str
    instances: tuple[SmallInstance, ...]

    @property
    def sop_instance_uids(self) -> frozenset[str]:
        return frozenset(instance.sop_instance_uid for instance in self.instances)


def examination(seed: int, *, slices: int = SLICES, size: int = 64, **attributes: Any) -> Examination:
    """A FLAIR series of ``slices`` images of ``size`` x ``size`` pixels; the same seed gives the same bytes."""
    random = np.random.default_rng(seed)
    stored = random.integers(0, 4000, (slices, size, size), dtype=np.uint16)
    flair = {"RepetitionTime": 9000, "EchoTime": 120, "InversionTime": 2500, "BodyPartExamined": "BRAIN"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write_mr(folder, stored, np.diag([1.0, 1.0, 3.0, 1.0]), seed=seed, **{**flair, **attributes}).paths
        return _read(paths)


def _read(paths: Iterable[Path]) -> Examination:
    instances = []
    study = ""
    for path in paths:
        meta = read_file_meta_info(path)
        data_set = path.read_bytes()[144 + meta.FileMetaInformationGroupLength :]
        study = _study_of(data_set)
        instances.append(SmallInstance(study, str(MRImageStorage), str(meta.MediaStorageSOPInstanceUID), data_set))
    return Examination(study, tuple(instances))


def _study_of(data_set: bytes) -> str:
    start = data_set.index(b"\x20\x00\x0d\x00UI") + 8
    length = int.from_bytes(data_set[start - 2 : start], "little")
    return data_set[start : start + length].decode().rstrip("\0")


def examinations(first_seed: int) -> Iterator[Examination]:
    """Examinations without end."""
    seed = first_seed
    while True:
        yield examination(seed)
        seed += 1


def expected_results(sop_instance_uids: Iterable[str]) -> frozenset[str]:
    """The SOP Instance UIDs of the tiny app's results of these instances, made without the node."""
    uids = tuple(sop_instance_uids)
    manifest = app_manifest(tiny_app.APP)
    digest = input_digest(manifest.algorithm, manifest.settings, uids)
    # The manifest takes no series of fewer slices: the app says so in a report.
    outputs = _OUTPUTS if len(uids) >= SLICES else ("report",)
    return frozenset(result_uid(digest, f"{output}/instance") for output in outputs)
