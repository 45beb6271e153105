"""From the dipole to electrodes and leads: lead vectors, Einthoven's and Wilson's definitions, swapped cables."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")

ELECTRODES = ("RA", "LA", "LL", "V1", "V2", "V3", "V4", "V5", "V6")

_LEAD_VECTORS = {
    "I": (0.632, -0.235, 0.059),
    "II": (0.235, 1.066, -0.132),
    "V1": (-0.515, 0.157, -0.917),
    "V2": (0.044, 0.164, -1.387),
    "V3": (0.882, 0.098, -1.277),
    "V4": (1.213, 0.127, -0.601),
    "V5": (1.125, 0.127, -0.086),
    "V6": (0.831, 0.076, 0.230),
}
"""Dower's transformation of the Frank axes (x left, y down, z back) to the eight independent leads (Dower, Machado,
Osborne, Clin Cardiol 1980;3:87)."""


def axis_direction(degrees: float) -> tuple[float, float]:
    """The x and y of a dipole whose frontal axis, computed from leads I and aVF, is ``degrees``; of length 1.

    The lead vectors are neither orthogonal nor of one length, so that this is not the cosine and the sine.
    """
    one, two = np.array(_LEAD_VECTORS["I"][:2]), np.array(_LEAD_VECTORS["II"][:2])
    leads = np.array([one, two - one / 2])
    angle = np.radians(degrees)
    # The augmented lead aVF is sqrt(3)/2 as long as lead I in Einthoven's triangle.
    direction = np.linalg.solve(leads, (np.cos(angle), np.sqrt(3) / 2 * np.sin(angle)))
    x, y = direction / np.linalg.norm(direction)
    return float(x), float(y)


def frontal_axis(lead_one: float, lead_avf: float) -> float:
    """The frontal axis in degrees from the net areas in leads I and aVF."""
    return float(np.degrees(np.arctan2(2 / np.sqrt(3) * lead_avf, lead_one)))


def potentials(dipole: Signal) -> Signal:
    """The electrodes' potentials (mV) against Wilson's central terminal, (9, n), of a dipole (3, n)."""
    rows = {name: np.array(vector) @ dipole for name, vector in _LEAD_VECTORS.items()}
    one, two = rows["I"], rows["II"]
    limbs = (-(one + two) / 3, (2 * one - two) / 3, (2 * two - one) / 3)
    return np.stack([*limbs, *(rows[name] for name in ELECTRODES[3:])])


def swapped(electrodes: Signal, *pairs: tuple[str, str]) -> Signal:
    """The same potentials with the cables of some pairs of electrodes exchanged, such as ("RA", "LA")."""
    order = list(range(len(ELECTRODES)))
    for first, second in pairs:
        a, b = ELECTRODES.index(first), ELECTRODES.index(second)
        order[a], order[b] = order[b], order[a]
    return electrodes[order]


def twelve_leads(electrodes: Signal) -> Signal:
    """The twelve leads (mV), (12, n) in the order of :data:`LEADS`."""
    right, left, leg = electrodes[:3]
    terminal = (right + left + leg) / 3
    limb = (left - right, leg - right, leg - left)
    augmented = (right - (left + leg) / 2, left - (right + leg) / 2, leg - (right + left) / 2)
    return np.stack([*limb, *augmented, *(electrodes[3:] - terminal)])
