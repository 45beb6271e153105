"""Read the ultrasound pictures and clips of a series as tissue: what cannot be read is left out, and said."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.coding import Code

from operators.check.gate import GateResult, RefusedByGate, gate_failed, gate_passed
from operators.read.frames import read_frames
from operators.read.study import Series
from operators.read.ultrasound import TissueFrames, tissue_frames
from operators.refused import CODING_SCHEME, Refused

TISSUE_GATE = Code("tissue-gate", CODING_SCHEME, "One region of tissue")


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


def _described(tissue: TissueFrames) -> str:
    frames, rows, columns = tissue.array.shape
    scale = "not calibrated"
    if tissue.spacing is not None:
        scale = f"pixels of {tissue.spacing[0]:.4g} x {tissue.spacing[1]:.4g} mm"
    marks = f", {100 * tissue.marked:.1f} % under coloured marks" if tissue.marked else ""
    shown = "1 frame" if frames == 1 else f"{frames} frames"
    return f"{tissue.frames.instance.name}: {shown} of {rows} x {columns} pixels, {scale}{marks}"
