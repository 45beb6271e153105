"""One simulated recorder for each waveform SOP class (PS3.3 A.34), within the limits of its IOD."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.uid import UID

from phantoms.identity import Study
from phantoms.waveforms import signals
from phantoms.waveforms.dicom import waveform_instance
from phantoms.waveforms.recording import (
    DEGREE,
    LITRE_PER_SECOND,
    MICROVOLT,
    MILLIMETRE_OF_MERCURY,
    Channel,
    CodedConcept,
    Group,
    Note,
)
from phantoms.waveforms.signals import Signal

LEADS: tuple[tuple[CodedConcept, float], ...] = tuple(
    ((f"2:{code}", "MDC", f"Lead {lead}"), gain)
    for code, lead, gain in (
        (1, "I", 0.6),
        (2, "II", 1.0),
        (61, "III", 0.4),
        (62, "aVR", -0.8),
        (63, "aVL", 0.1),
        (64, "aVF", 0.7),
        (3, "V1", -0.5),
        (4, "V2", -0.2),
        (5, "V3", 0.3),
        (6, "V4", 0.9),
        (7, "V5", 1.1),
        (8, "V6", 0.9),
    )
)
"""The twelve leads of CID 3001 and how large the beat is in each of them, compared with lead II."""


@dataclass(frozen=True)
class Recorder:
    """What makes objects of one SOP class: `record(seconds)` gives the multiplex groups."""

    sop_class_uid: UID
    modality: str
    description: str
    record: Callable[[float], tuple[Group, ...]]
    notes: tuple[Note, ...] = ()

    def instance(self, study: Study, *, seconds: float = 2.0, series_number: int = 1) -> Dataset:
        """Return one object of a recording of some seconds."""
        return waveform_instance(
            self.sop_class_uid,
            self.modality,
            self.record(seconds),
            study,
            notes=self.notes,
            series_number=series_number,
            description=self.description,
        )


def _times(seconds: float, frequency: float) -> Signal:
    return np.arange(round(seconds * frequency)) / frequency


def _stored(values: Signal, sensitivity: float, baseline: float = 0.0) -> np.ndarray:
    return np.rint((values - baseline) / sensitivity).astype(np.int64)


def _leads(seconds: float, frequency: float, count: int, *, bits: int = 16, sensitivity: float = 1.25) -> Group:
    """Leads in µV whose multiplexer reads one channel after the other within a sample period."""
    times = _times(seconds, frequency)
    channels = tuple(
        Channel(
            _stored(1000 * signals.ecg(times, gain=gain), sensitivity),
            source,
            sensitivity=sensitivity,
            unit=MICROVOLT,
            correction=1.02,
            label=source[2].removeprefix("Lead "),
            sample_skew=number / 100,
            low_filter=0.05,
            high_filter=150.0,
            notch_filter=50.0,
        )
        for number, (source, gain) in enumerate(LEADS[:count])
    )
    return Group(channels, frequency, bits, {16: "SS", 32: "SL"}[bits], label="RHYTHM")


def _one(
    frequency: float,
    values: Callable[[Signal], Signal],
    source: CodedConcept,
    unit: CodedConcept,
    sensitivity: float,
    *,
    baseline: float = 0.0,
    bits: int = 16,
    interpretation: str = "SS",
    count: int = 1,
) -> Callable[[float], tuple[Group, ...]]:
    """A recorder of `count` equal channels of one signal."""

    def record(seconds: float) -> tuple[Group, ...]:
        stored = _stored(values(_times(seconds, frequency)), sensitivity, baseline)
        channel = Channel(stored, source, sensitivity=sensitivity, unit=unit, baseline=baseline)
        return (Group((channel,) * count, frequency, bits, interpretation),)

    return record


def _sound(seconds: float, *, bits: int, interpretation: str, count: int) -> tuple[Group, ...]:
    """A tone without units: sound pressure has no defined sensitivity."""
    tone = signals.tone(_times(seconds, 8000.0))
    values = {
        "UB": np.rint(127.5 + 120 * tone),
        "SS": np.rint(30000 * tone),
        "MB": np.rint(127.5 + 120 * tone),
    }[interpretation].astype(np.int64)
    source = ("110001", "99GANTRY", "Voice")
    channel = Channel(values, source, sensitivity=None, unit=None)
    return (Group((channel,) * count, 8000.0, bits, interpretation),)


def _rhythm_and_beat(seconds: float) -> tuple[Group, ...]:
    rhythm, beat = _leads(seconds, 500.0, 12), _leads(0.8, 500.0, 12)
    derived = Group(beat.channels, 500.0, label="MEDIAN BEAT", originality="DERIVED")
    return rhythm, derived


_R_PEAK = Note((1, 2), name=("2:7172", "MDC", "R peak"), temporal_range="POINT", samples=(1, 418), group_number=1)
_RHYTHM = Note((1, 0), text="SINUS RHYTHM", group_number=0)
_EEG_NOISE = _one(
    256.0,
    lambda times: signals.noise(times, seed=1, amplitude=40.0),
    ("F4", "99GANTRY", "Electrode F4"),
    MICROVOLT,
    0.1,
    bits=16,
    count=3,
)

RECORDERS: dict[str, Recorder] = {
    recorder.sop_class_uid.name: recorder
    for recorder in (
        Recorder(uid.TwelveLeadECGWaveformStorage, "ECG", "12-lead ECG", _rhythm_and_beat, (_RHYTHM, _R_PEAK)),
        Recorder(uid.GeneralECGWaveformStorage, "ECG", "ECG", lambda seconds: (_leads(seconds, 500.0, 3),)),
        Recorder(uid.AmbulatoryECGWaveformStorage, "ECG", "Holter ECG", lambda seconds: (_leads(seconds, 250.0, 2),)),
        Recorder(
            uid.General32bitECGWaveformStorage,
            "ECG",
            "32-bit ECG",
            lambda seconds: (_leads(seconds, 1000.0, 3, bits=32, sensitivity=0.01),),
        ),
        Recorder(
            uid.HemodynamicWaveformStorage,
            "HD",
            "Aortic pressure",
            _one(
                200.0,
                signals.pressure,
                ("109016", "DCM", "Arterial pulse pressure"),
                MILLIMETRE_OF_MERCURY,
                0.05,
                baseline=100.0,
            ),
        ),
        Recorder(
            uid.CardiacElectrophysiologyWaveformStorage,
            "EPS",
            "Intracardiac electrogram",
            _one(
                2000.0,
                lambda times: 5000 * signals.ecg(times, rate=90),
                ("95830009", "SCT", "Right atrium"),
                MICROVOLT,
                0.5,
                count=4,
            ),
        ),
        Recorder(
            uid.BasicVoiceAudioWaveformStorage,
            "AU",
            "Dictation",
            lambda seconds: _sound(seconds, bits=8, interpretation="UB", count=1),
        ),
        Recorder(
            uid.GeneralAudioWaveformStorage,
            "AU",
            "Doppler sound",
            lambda seconds: _sound(seconds, bits=16, interpretation="SS", count=2),
        ),
        Recorder(
            uid.ArterialPulseWaveformStorage,
            "HD",
            "Arterial pulse",
            _one(
                100.0,
                signals.pressure,
                ("109016", "DCM", "Arterial pulse pressure"),
                MILLIMETRE_OF_MERCURY,
                1.0,
                bits=8,
                interpretation="UB",
            ),
        ),
        Recorder(
            uid.RespiratoryWaveformStorage,
            "RESP",
            "Breathing",
            _one(50.0, signals.breath, ("F8", "99GANTRY", "Air flow"), LITRE_PER_SECOND, 0.001),
        ),
        Recorder(
            uid.MultichannelRespiratoryWaveformStorage,
            "RESP",
            "Chest and abdomen",
            _one(50.0, signals.breath, ("F8", "99GANTRY", "Air flow"), LITRE_PER_SECOND, 0.001, count=2),
        ),
        Recorder(uid.RoutineScalpElectroencephalogramWaveformStorage, "EEG", "EEG", _EEG_NOISE),
        Recorder(uid.ElectromyogramWaveformStorage, "EMG", "EMG", _EEG_NOISE),
        Recorder(uid.ElectrooculogramWaveformStorage, "EOG", "EOG", _EEG_NOISE),
        Recorder(uid.SleepElectroencephalogramWaveformStorage, "EEG", "Sleep EEG", _EEG_NOISE),
        Recorder(
            uid.BodyPositionWaveformStorage,
            "POS",
            "Body position",
            _one(10.0, lambda times: 180 * signals.breath(times), ("F9", "99GANTRY", "Angle"), DEGREE, 0.1),
        ),
    )
}
"""By name of the SOP class, every waveform SOP class of PS3.4 table B.5-1."""
