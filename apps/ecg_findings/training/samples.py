"""Simulated patients as training samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from apps.ecg_findings.signal import network_input
from operators.learn.loop import Batch
from operators.learn.program import simulate
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from phantoms.ecg import SimulatedECG, random_noise, random_patient, simulate_ecg
from phantoms.ecg.rhythm import Origin

_SIMULATED_HERTZ = 500
_SHIFT = 32
"""Samples: half of those that one sample of the network's deepest features stands for."""
_PREMATURE = {
    "premature_ventricular_beats": Origin.VENTRICULAR,
    "premature_atrial_beats": Origin.ATRIAL_PREMATURE,
}


Sample = tuple[NDArray[np.float16], NDArray[np.float32]]
"""Signals (lead, time) in mV and truth (label,)."""


@dataclass(frozen=True, eq=False)
class Samples:
    """``signals`` (n, lead, time) float16 in mV and ``truth`` (n, label) of 0 and 1."""

    signals: NDArray[np.float16]
    truth: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Recording:
    """The leads of a simulated patient, the findings, and how many beats a minute the recording shows."""

    leads: EcgLeads
    findings: tuple[str, ...]
    rate: float


def simulate_samples(seeds: Sequence[int], labels: Sequence[str], *, processes: int = 1) -> Samples:
    """Simulate one patient for each seed."""
    return samples_of(simulate(partial(_simulate, labels=tuple(labels)), seeds, processes=processes))


def samples_of(made: Sequence[Sample]) -> Samples:
    """Put samples together."""
    return Samples(np.stack([signal for signal, _ in made]), np.stack([truth for _, truth in made]))


def simulate_recording(seed: int, findings: tuple[str, ...] | None = None, rate: float | None = None) -> Recording:
    """Simulate one patient, with the findings and the rate (beats a minute) that are named, or with some."""
    random, rhythm = np.random.default_rng([seed, 41]), seed
    while True:
        heart, found = random_patient(random, findings, rate)
        ecg = simulate_ecg(heart, seed=rhythm, noise=random_noise(random), sampling_frequency=_SIMULATED_HERTZ)
        if findings is not None:
            # In a rhythm without any early beat no other heart with the same findings would have one.
            rhythm = int(random.integers(2**31))
        if shows(ecg, found):
            return Recording(EcgLeads(STANDARD_LEADS, ecg.leads, float(_SIMULATED_HERTZ)), found, ecg.rate)


def sample_of(recording: Recording, labels: Sequence[str]) -> Sample:
    """What the network sees of a recording, and the truth."""
    truth = np.array([label in recording.findings for label in labels], dtype=np.float32)
    return network_input(recording.leads).astype(np.float16), truth


def shows(ecg: SimulatedECG, findings: Sequence[str]) -> bool:
    """Whether a recording has the premature beats of its heart: in ten seconds there may be none."""
    origins = {beat.origin for beat in ecg.beats}
    return all(origin in origins for finding, origin in _PREMATURE.items() if finding in findings)


def _simulate(seed: int, labels: tuple[str, ...]) -> Sample:
    return sample_of(simulate_recording(seed), labels)


def augmented(signals: NDArray[np.float32], truth: NDArray[np.float32], random: np.random.Generator) -> Batch:
    """Return a batch shifted in time, scaled, and with leads left out: of every third sample all but one."""
    batch = signals.copy()
    for sample in batch:
        sample[:] = _shifted(sample, int(random.integers(-_SHIFT, _SHIFT + 1)))
        sample *= random.uniform(0.9, 1.1)
        chance = random.random()
        if chance < 0.3:
            kept = random.integers(len(sample))
            sample[np.arange(len(sample)) != kept] = 0
        elif chance < 0.5:
            sample[random.random(len(sample)) < 0.4] = 0
    return batch, truth


def _shifted(sample: NDArray[np.float32], by: int) -> NDArray[np.float32]:
    """Later by so many samples, without a seam that would look like a beat out of time."""
    shifted = np.zeros_like(sample)
    if by >= 0:
        shifted[:, by:] = sample[:, : sample.shape[1] - by]
    else:
        shifted[:, :by] = sample[:, -by:]
    return shifted
