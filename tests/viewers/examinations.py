"""Small examinations for viewers: marked images whose Segmentation is known, in each way that slices can lie."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.sr.codedict import codes

from operators.manifest import OutputPart
from operators.provenance import Algorithm, Analysis
from operators.read.study import Study, read_study
from operators.read.volume import Volume, read_volume
from operators.write.base.result import save
from operators.write.segment import Segment
from operators.write.segmentation import write_segmentation
from operators.write.segments.form import SegmentationForm
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.volumes.single_frame import write_ct
from tests.viewers.marks import MARGIN, draw_marks

COLOURS = {1: (255, 40, 40), 2: (40, 220, 40)}
"""Recommended display colour of each segment; the viewer's own controls are blue."""

SHAPES = OutputPart(object="segmentation", title="Asymmetric shapes", series_number=9001)

SEGMENTS = tuple(
    Segment(
        number=number,
        label=label,
        category=codes.SCT.MorphologicallyAbnormalStructure,
        type=codes.SCT.Lesion,
        tracking_identifier=label,
        colour=COLOURS[number],
    )
    for number, label in ((1, "Letter"), (2, "Dot"))
)


@dataclass(frozen=True)
class Examination:
    """A study on disk: its images, read as one volume, and where the segments are.

    ``truth`` is the label map, (slice, row, column), in the order in which the slices were written, as their marks
    number them; ``labels`` is the same in the order of ``volume``.
    """

    study: Study
    volume: Volume
    image_files: tuple[Path, ...]
    truth: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    analysis: Analysis

    @property
    def study_uid(self) -> str:
        """Study Instance UID."""
        return str(self.study.study_instance_uid)

    def write_segmentation(self, labels: NDArray[np.generic], folder: Path, form: SegmentationForm) -> Path:
        """Write a Segmentation of ``labels``, in the order of the volume, and return its file."""
        result = write_segmentation("shapes", SHAPES, self.volume, labels, SEGMENTS, self.analysis, form=form)
        return save(result, folder)


def asymmetric_labels(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """An F (1) and a dot (2) that lie differently on neighbouring slices; nothing on the first two and the last.

    No flip, turn, transposition or shift of a slice looks the same.
    """
    count, rows, columns = shape
    labels = np.zeros(shape, np.uint8)
    height, width = rows - 2 * MARGIN, columns - 2 * MARGIN
    stroke = height // 8
    tall, wide = height * 5 // 8, width * 3 // 8
    top, bottom = MARGIN + 2, rows - MARGIN - 2 - stroke
    for index in range(2, count - 1):
        left = MARGIN + 2 + 3 * (index % 7)
        labels[index, top : top + tall, left : left + stroke] = 1
        labels[index, top : top + stroke, left : left + wide] = 1
        labels[index, top + 2 * stroke : top + 3 * stroke, left : left + wide * 2 // 3] = 1
        right = columns - MARGIN - 2 - 4 * (index % 5)
        labels[index, bottom : bottom + stroke, right - stroke - 2 : right] = 2
    return labels


def make_examination(name: str, folder: Path, *, seed: int = 1) -> Examination:
    """Write the images of one case of :data:`CASES` to ``folder`` and read them back; another seed, another patient."""
    written = _brain(name, folder, seed) if name in ("FLAIR", "T1") else _ct(name, folder, seed)
    study = read_study(folder)
    (series,) = study.series
    volume = read_volume(series)
    # Reading may order the slices the other way round than the scanner wrote them.
    numbers = {dcmread(path, specific_tags=["SOPInstanceUID"]).SOPInstanceUID: i for i, path in enumerate(written)}
    order = [numbers[instance.sop_instance_uid] for instance in volume.instances]
    truth = asymmetric_labels((len(order), *volume.array.shape[1:]))
    return Examination(study, volume, written, truth, truth[order], _analysis(f"{name} {seed}"))


_TILT, _TURN = np.radians(20.0), np.radians(12.0)
_DIRECTIONS = {
    "CT axial": np.eye(3),
    # Turned about the patient's x, then about z.
    "CT oblique": np.array([[np.cos(_TURN), -np.sin(_TURN), 0], [np.sin(_TURN), np.cos(_TURN), 0], [0, 0, 1]])
    @ np.array([[1, 0, 0], [0, np.cos(_TILT), -np.sin(_TILT)], [0, np.sin(_TILT), np.cos(_TILT)]]),
    # Rows run to the back, columns to the feet, slices to the left.
    "CT sagittal": np.array([[0.0, 0, 1], [1, 0, 0], [0, -1, 0]]),
    # The first image is the uppermost: slices run against their normal.
    "CT reversed order": np.diag([1.0, 1.0, -1.0]),
}
CASES = ("FLAIR", "T1", *_DIRECTIONS)


def _ct(name: str, folder: Path, seed: int) -> tuple[Path, ...]:
    """A CT of 64 x 80 pixels of unequal sides and ten slices."""
    stored = np.random.default_rng(1).integers(900, 1100, (10, 64, 80)).astype(np.uint16)
    affine = np.eye(4)
    affine[:3, :3] = _DIRECTIONS[name] * [1.1, 1.3, 4.0]
    affine[:3, 3] = -31.5, -40.25, 12.75
    marked = draw_marks(stored, 4000)
    patient = 100 * seed + list(_DIRECTIONS).index(name)
    return write_ct(folder, marked, affine, seed=patient, WindowCenter=200, WindowWidth=1000).paths


def _brain(name: str, folder: Path, seed: int) -> tuple[Path, ...]:
    phantom = simulate_brain_mr(seed, size="small")
    acquisition = phantom.flair if name == "FLAIR" else phantom.t1
    # What is twice as bright as the head is white beside it.
    array = draw_marks(acquisition.array, 2 * round(float(acquisition.array.max())))
    marked = replace(acquisition, array=array)
    changed = replace(phantom, flair=marked) if name == "FLAIR" else replace(phantom, t1=marked)
    return write_brain_mr(changed, folder, sequences=(name,), uid_salt=f"viewer {name}").series[name].paths


def _analysis(salt: str) -> Analysis:
    algorithm = Algorithm(
        name="asymmetric_shapes",
        title="Asymmetric shapes",
        version="1.0.0",
        model_digest="ab" * 32,
        family=codes.DCM.ArtificialIntelligence,
    )
    digest = hashlib.sha256(salt.encode()).hexdigest()
    return Analysis(algorithm, digest, datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc), {})
