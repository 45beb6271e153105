"""Ultrasound pictures and clips of a series: which can be read as tissue, which of their frames a network may judge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.check.frames import FramesRefusedByGate, FrameVerdicts, judge_frames, require_frames
from operators.check.gate import GateResult, RefusedByGate, gate_failed, gate_passed
from operators.check.likeness import Likeness
from operators.read.frames import read_frames
from operators.read.selection import Selection
from operators.read.study import Series
from operators.read.ultrasound import TissueFrames, tissue_frames
from operators.refused import CODING_SCHEME, Refused

TISSUE_GATE = Code("tissue-gate", CODING_SCHEME, "One region of tissue")


class PictureModel(Protocol):
    """What a model tells of pictures before it outlines anything in them."""

    @property
    def likeness(self) -> Likeness:
        """How like its training data a frame has to be."""

    def profiles(self, pictures: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return of pictures (n, row, column) in [0, 1] what the likeness is a score of."""


@dataclass(frozen=True, eq=False)
class CheckedTissue:
    """The tissue of every instance that could be read, at least one, and the verdict on each instance."""

    tissue: tuple[TissueFrames, ...]
    gates: tuple[GateResult, ...]


def read_checked_tissue(series: Series) -> CheckedTissue:
    """Read every instance of a series, one after the other.

    Raises :class:`RefusedByGate` with the first reason where none shows one region of tissue that can be read.
    """
    tissue, gates = [], []
    for instance in series.instances:
        try:
            found = tissue_frames(read_frames(instance))
        except Refused as refused:
            gates.append(gate_failed(TISSUE_GATE, refused.reason, refused.detail).about(instance.name))
            continue
        tissue.append(found)
        gates.append(gate_passed(TISSUE_GATE, _described(found)).about(instance.name))
    failed = next((gate for gate in gates if gate.reason is not None), None)
    if not tissue and failed is not None and failed.reason is not None:
        raise RefusedByGate(failed.reason, "; ".join(gate.detail for gate in gates), gates)
    return CheckedTissue(tuple(tissue), tuple(gates))


def read_tissue(selection: Selection, role: str = "sonogram") -> CheckedTissue:
    """Read every instance of the series chosen for a role, as :func:`read_checked_tissue` does."""
    return read_checked_tissue(selection.series[role])


def judge(pictures: CheckedTissue, model: PictureModel) -> tuple[FrameVerdicts, ...]:
    """Judge every frame of every instance. Raises :class:`FramesRefusedByGate` where none is accepted."""
    verdicts = tuple(judge_frames(each.frames, model.profiles(each.array), model.likeness) for each in pictures.tissue)
    try:
        require_frames(verdicts)
    except FramesRefusedByGate as refused:
        # The report of the refusal tells of the instances that could not be read, too.
        refused.gates = gate_results(pictures, verdicts)
        raise
    return verdicts


def gate_results(pictures: CheckedTissue, verdicts: tuple[FrameVerdicts, ...]) -> tuple[GateResult, ...]:
    """Return the verdicts on every instance: can it be read, and is it like what the network knows."""
    return (*pictures.gates, *(each.gate for each in verdicts))


def analysed(gates: Sequence[GateResult], verdicts: Sequence[FrameVerdicts]) -> str:
    """Return in words how many frames were analysed, and how many instances were left out as they are no tissue."""
    accepted = sum(len(each.accepted) for each in verdicts)
    frames = f"{accepted} of {sum(len(each.verdicts) for each in verdicts)} frames analysed"
    read = [gate.passed for gate in gates if gate.name == TISSUE_GATE]
    if all(read):
        return frames
    return f"{frames}; {read.count(False)} of {len(read)} instances not analysed: no tissue that can be read"


def _described(tissue: TissueFrames) -> str:
    frames, rows, columns = tissue.array.shape
    scale = "not calibrated"
    if tissue.spacing is not None:
        scale = f"pixels of {tissue.spacing[0]:.4g} x {tissue.spacing[1]:.4g} mm"
    marks = f", {100 * tissue.marked:.1f} % under coloured marks" if tissue.marked else ""
    shown = "1 frame" if frames == 1 else f"{frames} frames"
    place = "" if tissue.frames.regions else ", the whole picture, as it tells of no region"
    return f"{tissue.frames.instance.name}: {shown} of {rows} x {columns} pixels{place}, {scale}{marks}"
