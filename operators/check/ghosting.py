"""Gate on ghosts: copies of the patient beside the patient, along the phase-encoding direction of MR."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.check.figures import GHOSTING, percent
from operators.check.foreground import foreground_threshold, sampled_slices
from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.read.attributes import MalformedAttributeError, text
from operators.read.volume import Volume
from operators.refused import CODING_SCHEME, Reason

GHOSTING_GATE = Code("ghosting-gate", CODING_SCHEME, "Ghosting")

# A row or column belongs to the patient where more than this share of it is foreground: ghosts are fainter.
_PATIENT_SHARE = 0.05

# Blurred edges are neither patient nor background.
_MARGIN = 2


def ghosting_gate(volume: Volume, *, maximum: float = 1.0) -> GateResult:
    """Judge the signal beside the patient along the phase-encoding direction, as a share of the patient's signal.

    The measure is the ghosting ratio of the American College of Radiology's phantom test: background along
    phase-encoding minus background along frequency-encoding, by the mean signal; each background reaches from the
    patient's bounding box to the edge of the image. The direction is In-plane Phase Encoding Direction (0018,1312).
    Not measured where it is absent, or where the patient fills the image.

    Not passed (``IMAGE_QUALITY``) above ``maximum`` (0 to 1); by default it only measures.
    """
    direction = _phase_encoding(volume)
    if direction is None:
        return gate_passed(GHOSTING_GATE, "not measured: the phase-encoding direction is not known")
    values = sampled_slices(volume.array)
    threshold = foreground_threshold(values) if np.isfinite(values).all() else None
    ratios = [] if threshold is None else [_ratio(plane, threshold, direction) for plane in values]
    measured = [ratio for ratio in ratios if ratio is not None]
    if not measured:
        return gate_passed(GHOSTING_GATE, "not measured: there is no background beside the patient")
    ghosting = float(np.median(measured))
    figures = (percent(GHOSTING, ghosting),)
    found = f"ghosts of {100 * ghosting:.2g} % of the signal along the {direction.lower()} direction"
    if ghosting > maximum:
        return gate_failed(GHOSTING_GATE, Reason.IMAGE_QUALITY, f"{found}, at most {100 * maximum:g} % may be", figures)
    return gate_passed(GHOSTING_GATE, found, figures)


def _phase_encoding(volume: Volume) -> str | None:
    """ROW or COL: along which axis of the image ghosts lie; None if the header does not say."""
    if not volume.slices:
        return None
    try:
        direction = text(volume.slices[0].header, "InPlanePhaseEncodingDirection")
    except MalformedAttributeError:
        return None
    # Enhanced MR writes COLUMN where MR writes COL (PS3.3 sections C.8.13.4.1 and C.8.3.1).
    return {"ROW": "ROW", "COL": "COLUMN", "COLUMN": "COLUMN"}.get(direction or "")


def _ratio(plane: NDArray[np.float32], threshold: float, direction: str) -> float | None:
    """The ghosting of one slice; None where it has no background on both axes."""
    mask = plane > threshold
    box = [_span(mask.mean(axis=1)), _span(mask.mean(axis=0))]
    if box[0] is None or box[1] is None:
        return None
    (top, bottom), (left, right) = box[0], box[1]
    beside_rows = np.concatenate([plane[: max(top - _MARGIN, 0), left:right], plane[bottom + _MARGIN :, left:right]])
    beside_columns = np.concatenate(
        [plane[top:bottom, : max(left - _MARGIN, 0)], plane[top:bottom, right + _MARGIN :]], axis=1
    )
    if not beside_rows.size or not beside_columns.size:
        return None
    # ROW: a row is one phase-encoding line, so that ghosts of the patient lie to its left and right.
    along, across = (beside_columns, beside_rows) if direction == "ROW" else (beside_rows, beside_columns)
    return float((along.mean() - across.mean()) / plane[mask].mean())


def _span(shares: NDArray[np.floating]) -> tuple[int, int] | None:
    inside = np.flatnonzero(shares > _PATIENT_SHARE)
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else None
