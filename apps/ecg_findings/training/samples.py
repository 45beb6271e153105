"""Simulated patients as training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from apps.ecg_findings.signal import SAMPLING_HERTZ, network_input
from operators.learn.loop import Batch
from operators.learn.program import simulate
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import SimulatedECG, random_noise, random_patient, simulate_ecg
from phantoms.ecg.rhythm import Origin

_SIMULATED_HERTZ = 500
_PREMATURE = {
    "premature_ventricular_beats": Origin.VENTRICULAR,
    "premature_atrial_beats": Origin.ATRIAL_PREMATURE,
}


@dataclass(frozen=True, eq=False)
class Samples:
    """``signals`` (n, lead, time) float16 in mV and ``truth`` (n, label) of 0 and 1."""

    signals: NDArray[np.float16]
    truth: NDArray[np.float32]


def simulate_samples(seeds: Sequence[int], labels: Sequence[str], *, processes: int = 1) -> Samples:
    """Simulate one patient for each seed."""
    found = simulate(partial(_simulate, labels=tuple(labels)), seeds, processes=processes)
    return Samples(np.stack([signal for signal, _ in found]), np.stack([truth for _, truth in found]))


def simulate_recording(seed: int) -> tuple[EcgLeads, tuple[str, ...]]:
    """Simulate one patient with some findings."""
    random = np.random.default_rng([seed, 41])
    while True:
        heart, findings = random_patient(random)
        ecg = simulate_ecg(heart, seed=seed, noise=random_noise(random), sampling_frequency=_SIMULATED_HERTZ)
        if shows(ecg, findings):
            return EcgLeads(STANDARD_LEADS, ecg.leads, float(_SIMULATED_HERTZ)), findings


def shows(ecg: SimulatedECG, findings: Sequence[str]) -> bool:
    """Whether a recording has the premature beats of its heart: in ten seconds there may be none."""
    origins = {beat.origin for beat in ecg.beats}
    return all(origin in origins for finding, origin in _PREMATURE.items() if finding in findings)


def _simulate(seed: int, labels: tuple[str, ...]) -> tuple[NDArray[np.float16], NDArray[np.float32]]:
    leads, findings = simulate_recording(seed)
    truth = np.array([label in findings for label in labels], dtype=np.float32)
    return network_input(leads).astype(np.float16), truth


def augmented(signals: NDArray[np.float32], truth: NDArray[np.float32], random: np.random.Generator) -> Batch:
    """Return a batch shifted in time, scaled, and with leads left out: of every third sample all but one."""
    batch = signals.copy()
    for sample in batch:
        sample[:] = np.roll(sample, int(random.integers(0, round(SAMPLING_HERTZ))), axis=1)
        sample *= random.uniform(0.9, 1.1)
        chance = random.random()
        if chance < 0.3:
            kept = random.integers(len(sample))
            sample[np.arange(len(sample)) != kept] = 0
        elif chance < 0.5:
            sample[random.random(len(sample)) < 0.4] = 0
    return batch, truth
