"""Write simulated electrocardiograms as a cardiograph or a Holter recorder would (PS3.3 A.34.3 to A.34.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np
from pydicom import uid
from pydicom.uid import UID

from phantoms.ecg.electrodes import LEADS
from phantoms.ecg.simulate import SimulatedECG
from phantoms.identity import Study, derived_uid, order_of, patient_of, save
from phantoms.waveforms.dicom import waveform_instance
from phantoms.waveforms.recorders import LEADS as CODED_LEADS
from phantoms.waveforms.recording import MICROVOLT, Channel, Group

_CODES = {source[2].removeprefix("Lead "): source for source, _ in CODED_LEADS}

FIVE_ELECTRODES = ("I", "II", "III", "aVR", "aVL", "aVF", "V1")
"""The leads of a monitor with five electrodes."""


@dataclass(frozen=True)
class Recorder:
    """One kind of recorder: its SOP class and its amplifier, whose smallest step is ``step`` microvolt.

    Samples have 16 or 32 ``bits``.
    """

    sop_class_uid: UID
    description: str
    step: float
    bits: int = 16


TWELVE_LEAD = Recorder(uid.TwelveLeadECGWaveformStorage, "12-lead ECG", 2.5)
GENERAL = Recorder(uid.GeneralECGWaveformStorage, "ECG", 2.5)
GENERAL_32_BIT = Recorder(uid.General32bitECGWaveformStorage, "ECG", 0.01, 32)
AMBULATORY = Recorder(uid.AmbulatoryECGWaveformStorage, "Holter ECG", 5.0)


def write_ecg(
    ecg: SimulatedECG,
    path: Path,
    *,
    seed: int,
    recorder: Recorder = TWELVE_LEAD,
    leads: Sequence[str] = LEADS,
    instance_number: int = 1,
) -> Path:
    """Write some leads of a recording; patient, study and UIDs follow from the seed and the number."""
    groups = (rhythm_group(ecg, recorder, leads),)
    return write_groups(groups, path, seed=seed, recorder=recorder, instance_number=instance_number)


def rhythm_group(
    ecg: SimulatedECG,
    recorder: Recorder = TWELVE_LEAD,
    leads: Sequence[str] = LEADS,
    *,
    start: float = 0.0,
    seconds: float | None = None,
) -> Group:
    """Some leads from ``start`` (s), for ``seconds`` or to the end, as one multiplex group."""
    first = round(start * ecg.sampling_frequency)
    last = None if seconds is None else first + round(seconds * ecg.sampling_frequency)
    channels = tuple(
        Channel(
            np.rint(1000 * ecg.lead(name)[first:last] / recorder.step).astype(np.int64),
            _CODES[name],
            sensitivity=recorder.step,
            unit=MICROVOLT,
            label=name,
            low_filter=0.05,
            high_filter=min(150.0, ecg.sampling_frequency / 2),
        )
        for name in leads
    )
    return Group(
        channels,
        ecg.sampling_frequency,
        bits=recorder.bits,
        interpretation="SS" if recorder.bits == 16 else "SL",
        label="RHYTHM",
        time_offset=1000 * start if start else None,
    )


def median_beat_group(ecg: SimulatedECG, recorder: Recorder = TWELVE_LEAD, seconds: float = 1.2) -> Group:
    """The median of the beats that lie wholly in the recording, as cardiographs add it to the rhythm (DERIVED)."""
    length = round(seconds * ecg.sampling_frequency)
    starts = [round((beat.qrs_onset - 0.35 * seconds) * ecg.sampling_frequency) for beat in ecg.beats]
    whole = [start for start in starts if 0 <= start <= ecg.leads.shape[1] - length]
    median = np.median(np.stack([ecg.leads[:, start : start + length] for start in whole]), axis=0)
    group = rhythm_group(replace(ecg, leads=median), recorder)
    return replace(group, label="MEDIAN BEAT", originality="DERIVED")


def write_groups(
    groups: Sequence[Group], path: Path, *, seed: int, recorder: Recorder = TWELVE_LEAD, instance_number: int = 1
) -> Path:
    """Write one object of some multiplex groups; patient, study and UIDs follow from the seed and the number."""
    study = Study(
        uid=derived_uid("ecg", seed),
        patient=patient_of(seed),
        order=order_of(seed, "Resting electrocardiogram"),
        started=datetime(2026, 2, 5, 9, 30),
        description="Electrocardiogram",
    )
    instance = waveform_instance(
        recorder.sop_class_uid,
        "ECG",
        groups,
        study,
        description=recorder.description,
        instance_number=instance_number,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    save(instance, path)
    return path
