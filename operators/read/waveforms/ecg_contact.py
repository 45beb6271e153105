"""Where leads of an electrocardiogram hold a signal: not where an electrode was off, or an amplifier at its end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]
Mask = NDArray[np.bool_]

_LONGEST_REST_SECONDS = 1.5
"""An amplifier's noise moves a connected lead's last digit much sooner, also while the heart pauses."""
_LEAST_CONTACT = 0.9
_PLATEAU_SECONDS = 0.010
_PLATEAU_SAMPLES = 3
_STEEP_STEPS = 4.0
"""A wave that turns by itself has a step or two beside its crest; one that is cut off comes in faster."""
_CLIPPED_PART = 0.01


def contact(signal: Signal, frequency: float) -> Mask:
    """Return where each lead (lead, sample) holds something: neither padding (NaN) nor one value for 1.5 s."""
    longest = _LONGEST_REST_SECONDS * frequency
    found = np.isfinite(signal)
    for row, held in zip(signal, found, strict=True):
        _, lengths = _runs(row)
        # A recording shorter than that is at rest where it never changes.
        rest = lengths >= min(longest, len(row))
        held &= ~np.repeat(rest, lengths)
    return found


def lost_leads(signal: Signal, held: Mask, steps: Signal, frequency: float) -> dict[int, str]:
    """Return the rows that are not to be measured, each with the reason in words.

    ``held`` is :func:`contact`, ``steps`` (lead,) are the smallest differences (mV) that the recorder tells apart.
    """
    anywhere = max(1, int(held.any(axis=0).sum()))
    lost = {}
    for number, (row, present, step) in enumerate(zip(signal, held, steps, strict=True)):
        count = int(present.sum())
        if not count:
            lost[number] = "flat"
        elif count < _LEAST_CONTACT * anywhere:
            lost[number] = f"no signal for {(anywhere - count) / frequency:.1f} of {anywhere / frequency:.1f} s"
        elif _is_saturated(row, float(step), frequency):
            lost[number] = "saturated"
    return lost


def longest_piece(held: Mask, signal: Signal) -> tuple[int, int]:
    """Return the first sample and that after the last of the longest piece without padding, some lead in contact."""
    there = np.isfinite(signal).all(axis=0) & held.any(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    if not edges.size:
        return 0, 0
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def _is_saturated(row: Signal, step: float, frequency: float) -> bool:
    """Whether a lead's waves are cut off: it stands at its highest or lowest value for long, and gets there fast."""
    starts, lengths = _runs(row)
    values = row[starts]
    long = lengths >= max(_PLATEAU_SAMPLES, round(_PLATEAU_SECONDS * frequency))
    at_end = (values == np.nanmax(row)) | (values == np.nanmin(row))
    change = np.abs(np.diff(values))
    steepest = np.maximum(np.append(change, 0.0), np.insert(change, 0, 0.0))
    clipped = long & at_end & (steepest >= _STEEP_STEPS * step)
    return bool(lengths[clipped].sum() > _CLIPPED_PART * len(row))


def _runs(row: Signal) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first sample and the length of every run of one value; each NaN is a run of its own."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(row)) + 1])
    return starts, np.diff(np.append(starts, len(row)))
