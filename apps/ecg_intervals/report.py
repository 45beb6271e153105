"""Numbers and flags as the ECG report (TID 3700) takes them."""

from __future__ import annotations

from pydicom.sr.coding import Code

from apps.ecg_intervals.measured import Measured
from operators.measure.ecg.analysis import EcgAnalysis
from operators.measure.ecg.rules import SINUS_RHYTHM, ST_DEPRESSION, ST_ELEVATION
from operators.measure.electrocardiogram import EcgFinding, EcgGlobalMeasurements, EcgLeadMeasurements
from operators.measure.measurement import Measurement
from operators.read.waveforms.ecg_leads import STANDARD_LEADS

_MILLIVOLT = Code("mV", "UCUM", "mV")
_MILLISECOND = Code("ms", "UCUM", "ms")
_P_DURATION = Code("2:16184", "MDC", "P duration global")
_J_LEVEL = Code("2:1024", "MDC", "J-point amplitude, per lead")
_ST_LEVEL = Code("2:14336", "MDC", "Amplitude of ST segment 60 ms after J point, per lead")
_FRIDERICIA = Code("122732", "DCM", "Fridericia QTc Algorithm")
_ABNORMAL = Code("102594003", "SCT", "Abnormal ECG")

_LEAD_NUMBERS = {"I": 1, "II": 2, "III": 61, "aVR": 62, "aVL": 63, "aVF": 64, **{f"V{n}": n + 2 for n in range(1, 7)}}


def lead_code(name: str) -> Code:
    """Return a standard lead's code (CID 3001)."""
    return Code(f"2:{_LEAD_NUMBERS[name]}", "MDC", f"Lead {name}")


def global_measurements(ecg: EcgAnalysis) -> EcgGlobalMeasurements:
    """Return the numbers over all leads; QTc by Fridericia, as AHA/ACCF/HRS 2009 prefers it to Bazett."""
    qtc = ecg.qtc.get("Fridericia")
    return EcgGlobalMeasurements(
        ventricular_rate=_tenths(ecg.rate),
        qt_interval=_tenths(ecg.qt),
        pr_interval=_tenths(ecg.pr),
        qrs_duration=_tenths(ecg.qrs),
        rr_interval=_tenths(1000 * ecg.rr),
        atrial_rate=_tenths(ecg.facts.atrial_rate) if ecg.pr is not None else None,
        qtc_interval=_tenths(qtc),
        qtc_method=_FRIDERICIA if qtc is not None else None,
        p_axis=_tenths(ecg.axes.p),
        qrs_axis=_tenths(ecg.axes.qrs),
        t_axis=_tenths(ecg.axes.t),
        beat_count=len(ecg.beats),
        more=() if ecg.p is None else (Measurement(_P_DURATION, round(ecg.p, 1), _MILLISECOND),),
    )


def lead_measurements(ecg: EcgAnalysis) -> list[EcgLeadMeasurements]:
    """Return J point and ST level of each standard lead of the median beat."""
    return [
        EcgLeadMeasurements(
            lead_code(name),
            voltages=(
                Measurement(_J_LEVEL, round(ecg.levels[name].j, 3), _MILLIVOLT),
                Measurement(_ST_LEVEL, round(ecg.levels[name].st, 3), _MILLIVOLT),
            ),
            st_segment=_st_segment(ecg.levels[name].j),
        )
        for name in STANDARD_LEADS
        if name in ecg.levels
    ]


def findings(measured: Measured) -> list[EcgFinding]:
    """Return every flag with its rule and figures, what was not measured and why, and the other corrections of QT."""
    found = [EcgFinding(flag.finding, f"{flag.rule}: {flag.figures}") for flag in measured.flags]
    found += [EcgFinding(words) for words in measured.analysis.unmeasured]
    qtc = ", ".join(f"{name} {value:.0f} ms" for name, value in measured.analysis.qtc.items())
    return [*found, EcgFinding(f"QTc: {qtc}")] if qtc else found


def overall(measured: Measured) -> Code | None:
    """Return abnormal where a flag is raised other than that of sinus rhythm.

    Never normal: that is a statement on all that a physician looks for, of which the rules know a part.
    """
    return _ABNORMAL if any(flag.finding != SINUS_RHYTHM for flag in measured.flags) else None


def _st_segment(level: float) -> Code | None:
    if level >= 0.1:
        return ST_ELEVATION
    return ST_DEPRESSION if level <= -0.1 else None


def _tenths(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
