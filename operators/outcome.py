"""What a run of an app came to: written beside the result objects as ``outcome.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from operators.check.gate import GateResult

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
    ``seconds`` are the durations of named steps.
    """

    model_config = ConfigDict(frozen=True)
    app: str
    version: str
    input_digest: str
    status: Literal["analysed", "refused"]
    reason: str = ""
    detail: str = ""
    summary: str = ""
    files: tuple[str, ...] = ()
    decisions: tuple[Decision, ...] = ()
    gates: tuple[Gate, ...] = ()
    segment_voxels: dict[str, dict[int, int]] = {}
    seconds: dict[str, float] = {}

    def save(self, folder: Path) -> Path:
        """Write ``outcome.json`` into ``folder``."""
        path = folder / FILE_NAME
        path.write_text(self.model_dump_json(indent=2), encoding="utf-8")
        return path

    @classmethod
    def load(cls, folder: Path) -> Outcome:
        """Read ``outcome.json`` from ``folder``."""
        return cls.model_validate_json((folder / FILE_NAME).read_text(encoding="utf-8"))
