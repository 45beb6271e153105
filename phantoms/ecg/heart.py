"""What a simulated heart is like: rhythm, intervals, conduction, injury. Every finding follows from these numbers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Rhythm(str, Enum):
    """What sets the pace."""

    SINUS = "sinus rhythm"
    ATRIAL_FIBRILLATION = "atrial fibrillation"
    PACED = "ventricular pacing"


class Conduction(str, Enum):
    """From the atria to the ventricles."""

    NORMAL = "normal conduction"
    WENCKEBACH = "second degree block, type I"
    """PR grows from beat to beat until one is dropped."""
    MOBITZ = "second degree block, type II"
    """A beat is dropped without warning."""
    COMPLETE_BLOCK = "complete block"
    """Atria and ventricles beat independently."""


class BundleBranch(str, Enum):
    """Within the ventricles."""

    NORMAL = "normal"
    LEFT = "left bundle branch block"
    RIGHT = "right bundle branch block"


class Infarction(str, Enum):
    """Where muscle is lost: Q waves and ST elevation over it, ST depression opposite."""

    NONE = "none"
    ANTERIOR = "anterior"
    INFERIOR = "inferior"


@dataclass(frozen=True)
class Heart:
    """One heart. Intervals are in ms, the rate in beats a minute, the axis in degrees (0 is lead I, 90 is aVF).

    ``pr`` is the interval of conducted sinus beats, ``qt`` that at the mean rate: it follows the rate slowly. ``p`` and
    ``qrs`` are durations; a bundle branch block needs a ``qrs`` of at least 120 ms. ``axis`` is that of the main forces
    of QRS, ``voltage`` scales all waves of the ventricles, ``variability`` is the standard deviation of the sinus cycle
    as a fraction. ``st_elevation`` (mV) is that over an infarction, in V2 or aVF. Of all beats the fractions
    ``premature_ventricular`` and ``premature_atrial`` come early.
    """

    rhythm: Rhythm = Rhythm.SINUS
    rate: float = 70.0
    variability: float = 0.03
    pr: float = 160.0
    p: float = 100.0
    qrs: float = 92.0
    qt: float = 390.0
    axis: float = 50.0
    voltage: float = 1.0
    conduction: Conduction = Conduction.NORMAL
    bundle_branch: BundleBranch = BundleBranch.NORMAL
    infarction: Infarction = Infarction.NONE
    st_elevation: float = 0.0
    premature_ventricular: float = 0.0
    premature_atrial: float = 0.0

    def __post_init__(self) -> None:
        if not 25 <= self.rate <= 220:
            raise ValueError(f"a rate of {self.rate:g} beats a minute is out of the model's range (25 to 220)")
        if self.bundle_branch is not BundleBranch.NORMAL and self.qrs < 120:
            raise ValueError("a complete bundle branch block has a QRS of at least 120 ms")
        if self.qt < self.qrs + 120:
            raise ValueError(f"a QT of {self.qt:g} ms leaves no T wave after a QRS of {self.qrs:g} ms")
        if self.pr < self.p + 5:
            raise ValueError(f"a PR of {self.pr:g} ms ends within a P wave of {self.p:g} ms")
