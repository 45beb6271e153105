"""Which leads are measured, and how finely."""

from __future__ import annotations

INDEPENDENT_LEADS = ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")
"""The other four of the twelve are sums of the first two (Einthoven, Goldberger)."""

WORKING_HERTZ = 500.0
"""The rate at which waves are looked for: 2 ms, as IEC 60601-2-25 asks of a cardiograph."""

_FRONTAL_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF")


def show_all_directions(names: tuple[str, ...]) -> bool:
    """Whether leads look at the heart from every side: the frontal plane and across the chest.

    In fewer a part of a wave, or a whole beat, may stand at a right angle to all of them.
    """
    frontal = sum(name in _FRONTAL_LEADS for name in names)
    return frontal >= 2 and len(names) > frontal
