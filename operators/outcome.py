"""What a run of an app came to: written beside the result objects as ``outcome.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from operators.check.gate import GateResult
from operators.write.segments.masks import FULL, Labels

FILE_NAME = "outcome.json"


class Decision(BaseModel):
    """One series for one role: chosen or not, and why."""

    model_config = ConfigDict(frozen=True)
    series_instance_uid: str
    series_description: str
    role: str
    chosen: bool
    reason: str


class Figure(BaseModel):
    """One number behind a gate's verdict; ``code`` is that of the quantity, ``unit`` a UCUM code."""

    model_config = ConfigDict(frozen=True)
    code: str
    name: str
    value: float
    unit: str


class Gate(BaseModel):
    """One gate's verdict on one input: passed, or the code of the reason why not; ``code`` is that of the gate."""

    model_config = ConfigDict(frozen=True)
    code: str
    name: str
    subject: str
    passed: bool
    reason: str
    detail: str
    figures: tuple[Figure, ...] = ()

    @classmethod
    def of(cls, result: GateResult) -> Gate:
        """Return a verdict as plain text and numbers."""
        return cls(
            code=result.name.value,
            name=result.name.meaning,
            subject=result.subject,
            passed=result.passed,
            reason="" if result.reason is None else result.reason.value,
            detail=result.detail,
            figures=tuple(
                Figure(code=figure.name.value, name=figure.name.meaning, value=figure.value, unit=figure.unit.value)
                for figure in result.figures
            ),
        )


class Outcome(BaseModel):
    """The result of one run.

    ``files`` are the result objects' names in the output folder; ``segment_voxels`` maps each segmentation's
    output name to voxels per segment number, so that whoever re-reads the objects can compare;
    ``seconds`` are the durations of named steps. ``notice`` is what whoever reads the ``summary`` has to be told of the
    model.
    """

    model_config = ConfigDict(frozen=True)
    app: str
    version: str
    input_digest: str
    status: Literal["analysed", "refused"]
    reason: str = ""
    detail: str = ""
    summary: str = ""
    notice: str = ""
    files: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    gates: tuple[Gate, ...] = ()
    segment_voxels: dict[str, dict[int, int]] = {}
    seconds: dict[str, float] = {}

    @property
    def told(self) -> str:
        """The summary of an analysis with the notice on its model, as it is to be shown."""
        return f"{self.summary} [{self.notice}]" if self.notice and self.status == "analysed" else self.summary

    def save(self, folder: Path) -> Path:
        """Write ``outcome.json`` into ``folder``."""
        path = folder / FILE_NAME
        path.write_text(self.model_dump_json(indent=2), encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: Path) -> Outcome:
        """Read ``outcome.json`` from ``folder``."""
        return cls.model_validate_json((folder / FILE_NAME).read_text(encoding="utf-8"))


def voxels_of_segments(labels: Labels) -> dict[int, int]:
    """Return the voxels of each segment by number, as ``segment_voxels`` tells them: those that are stored as not 0.

    ``labels`` is what a Segmentation is written of (:func:`operators.write.segments.masks.masks_of`): a label map,
    whose values are the numbers, or masks of booleans or fractions, numbered from 1.
    """
    if isinstance(labels, np.ndarray) and labels.dtype.kind == "u":
        # Segment Number has 16 bits, so the counts of all numbers have room.
        counts = np.zeros(int(labels.max(initial=0)) + 1, dtype=np.int64)
        for plane in labels:
            found = np.bincount(plane.ravel())
            counts[: len(found)] += found
        return {int(number): int(counts[number]) for number in np.flatnonzero(counts) if number}
    masks = [labels] if isinstance(labels, np.ndarray) and labels.ndim == 3 else labels
    return {number: sum(map(_stored, mask)) for number, mask in enumerate(masks, start=1)}


def _stored(plane: NDArray[Any]) -> int:
    """Return the voxels of a plane that are not 0; fractions are rounded when they are stored."""
    return int(np.count_nonzero(plane if plane.dtype == bool else np.rint(plane * plane.dtype.type(FULL))))
