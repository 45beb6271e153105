"""What was measured and found on an electrocardiogram, as plain data (PS3.16 TID 3700 family)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.sr.coding import Code

from operators.measure.measurement import Measurement
from operators.measure.temporal import TemporalCoordinates


@dataclass(frozen=True, eq=False)
class EcgSource:
    """What measurements were taken from (TID 3715): a beat (from 1), a technique of CID 3676, channels and times."""

    beat_number: int | None = None
    method: Code | None = None
    coordinates: TemporalCoordinates | None = None


@dataclass(frozen=True, eq=False)
class EcgGlobalMeasurements:
    """Measurements over all leads (TID 3713).

    Rates are beats a minute, intervals and durations ms, axes degrees. The template wants the first five; one that
    could not be measured, such as the PR interval of atrial fibrillation, is None. ``qtc_method`` is of CID 3678;
    ``more`` are other durations (CID 3687) in ms.
    """

    ventricular_rate: float | None
    qt_interval: float | None
    pr_interval: float | None
    qrs_duration: float | None
    rr_interval: float | None
    atrial_rate: float | None = None
    qtc_interval: float | None = None
    qtc_method: Code | None = None
    p_axis: float | None = None
    qrs_axis: float | None = None
    t_axis: float | None = None
    beat_count: int | None = None
    ectopic_beat_count: int | None = None
    more: tuple[Measurement, ...] = ()
    source: EcgSource | None = None


@dataclass(frozen=True, eq=False)
class EcgLeadMeasurements:
    """Measurements and findings of one lead (TID 3714).

    ``lead`` is of CID 3001; ``durations`` are in ms, ``voltages`` in mV or uV, ST levels among them; ``st_segment`` is
    of CID 3233, such as (76388001, SCT, "ST elevation").
    """

    lead: Code
    durations: tuple[Measurement, ...] = ()
    voltages: tuple[Measurement, ...] = ()
    st_segment: Code | None = None
    findings: tuple[Code, ...] = ()
    source: EcgSource | None = None


@dataclass(frozen=True)
class EcgFinding:
    """One statement on the whole recording (TID 3717): coded, or as text; ``details`` are statements on it."""

    value: Code | str
    equivalent_meaning: str = ""
    details: tuple[EcgFinding, ...] = ()
