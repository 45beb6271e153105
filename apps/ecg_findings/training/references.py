"""What recordings of the validation data are like, for the reference of the app's first gate."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from apps.ecg_findings.training.records import record_leads, rows_of
from apps.ecg_findings.training.samples import simulate_recording
from operators.learn.program import simulate
from operators.measure.ecg.profile import signal_profile
from operators.read.waveforms.ecg_leads import STANDARD_LEADS

Vectors = NDArray[np.float64]

_LEAD_SETS = (
    STANDARD_LEADS,
    STANDARD_LEADS,
    STANDARD_LEADS,
    ("I", "II", "III", "aVR", "aVL", "aVF", "V1"),
    ("II", "V5"),
    ("II",),
    ("I",),
)
"""A cardiograph, a monitor, a Holter recorder, a watch: the profile must know them all."""


def simulated_profiles(seeds: Sequence[int], *, processes: int = 1) -> Vectors:
    """Profiles of simulated recordings with all leads and with fewer, (n, d)."""
    return _measurable(simulate(_simulated_profile, seeds, processes=processes))


def recorded_profiles(folder: Path) -> Vectors:
    """Profiles of the validation records of a folder, (n, d)."""
    rows = [row for row in rows_of(folder) if row["part"] == "validation"]
    return _measurable([signal_profile(record_leads(folder, row)) for row in rows])


def _simulated_profile(seed: int) -> Vectors:
    chosen = _LEAD_SETS[seed % len(_LEAD_SETS)]
    return signal_profile(simulate_recording(seed).leads.chosen(chosen))


def _measurable(profiles: Sequence[Vectors]) -> Vectors:
    """Those in which beats repeat: a recording that is all noise is no example of an ECG."""
    return np.array([each for each in profiles if each[-1] > 0])
