"""Measurements and findings of an electrocardiogram: TID 3708 to 3719 of PS3.16."""

from __future__ import annotations

import math
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.electrocardiogram import EcgFinding, EcgGlobalMeasurements, EcgLeadMeasurements, EcgSource
from operators.measure.measurement import Measurement
from operators.write.reports.content import (
    CONTAINS,
    HAS_CONCEPT_MOD,
    HAS_OBS_CONTEXT,
    HAS_PROPERTIES,
    code,
    container,
    number,
    text,
)
from operators.write.reports.coordinates import SOURCE_OF_MEASUREMENT, temporal_coordinates
from operators.write.reports.measurements import measurement_item, require_member

_GLOBAL_MEASUREMENTS = Code("122158", "DCM", "ECG Global Measurements")
_LEAD_MEASUREMENTS = Code("122159", "DCM", "ECG Lead Measurements")
_LEAD = Code("122148", "DCM", "Lead ID")
_BEAT_NUMBER = Code("122149", "DCM", "Beat Number")
_VENTRICULAR_RATE = Code("2:16016", "MDC", "Ventricular Heart Rate")
_ATRIAL_RATE = Code("2:16020", "MDC", "Atrial Heart Rate")
_QT = Code("2:16160", "MDC", "QT interval global")
_QTC = Code("2:15876", "MDC", "QTc interval global")
_PR = Code("2:15872", "MDC", "PR interval global")
_QRS = Code("2:16156", "MDC", "QRS duration global")
_RR = Code("2:16168", "MDC", "RR interval global")
_P_AXIS = Code("2:16128", "MDC", "P Axis")
_QRS_AXIS = Code("2:16132", "MDC", "QRS axis")
_T_AXIS = Code("2:16136", "MDC", "T axis")
_BEATS = Code("2:16032", "MDC", "Count of all beats")
_ECTOPIC_BEATS = Code("122707", "DCM", "Number of Ectopic Beats")
_ST_SEGMENT = Code("365416000", "SCT", "ST Segment Finding")
_ECG_FINDING = Code("271921002", "SCT", "ECG Finding")
_EQUIVALENT_MEANING = Code("121051", "DCM", "Equivalent Meaning of Value")

_PER_MINUTE = Code("{H.B.}/min", "UCUM", "BPM")
_BEAT = Code("{H.B.}", "UCUM", "beats")
_MILLISECOND = Code("ms", "UCUM", "ms")
_DEGREE = Code("deg", "UCUM", "degrees")
_VALUE_UNKNOWN = Code("114010", "DCM", "Value unknown")


def global_measurements(measured: EcgGlobalMeasurements) -> Dataset:
    """Return TID 3713. A mandatory number that is not known is there without a value."""
    items = _source(measured.source)
    items.append(_required(_VENTRICULAR_RATE, measured.ventricular_rate, _PER_MINUTE))
    items += _optional(_ATRIAL_RATE, measured.atrial_rate, _PER_MINUTE)
    items.append(_required(_QT, measured.qt_interval, _MILLISECOND))
    items += _corrected_qt(measured)
    for name, interval in ((_PR, measured.pr_interval), (_QRS, measured.qrs_duration), (_RR, measured.rr_interval)):
        items.append(_required(name, interval, _MILLISECOND))
    items += _measurements(measured.more, ("ms",), "a duration")
    for name, axis in ((_P_AXIS, measured.p_axis), (_QRS_AXIS, measured.qrs_axis), (_T_AXIS, measured.t_axis)):
        items += _optional(name, axis, _DEGREE)
    items += _optional(_BEATS, measured.beat_count, _BEAT)
    items += _optional(_ECTOPIC_BEATS, measured.ectopic_beat_count, _BEAT)
    return container(CONTAINS, _GLOBAL_MEASUREMENTS, *items, template="3713")


def lead_measurements(measured: EcgLeadMeasurements) -> Dataset:
    """Return TID 3714."""
    require_member(measured.lead, 3001)
    items = [code(HAS_CONCEPT_MOD, _LEAD, measured.lead), *_source(measured.source)]
    items += _measurements(measured.durations, ("ms",), "a duration")
    items += _measurements(measured.voltages, ("mV", "uV"), "a voltage")
    if measured.st_segment is not None:
        require_member(measured.st_segment, 3233)
        items.append(code(CONTAINS, _ST_SEGMENT, measured.st_segment))
    items += [code(CONTAINS, codes.DCM.Finding, finding) for finding in measured.findings]
    return container(CONTAINS, _LEAD_MEASUREMENTS, *items, template="3714")


def qualitative_analysis(findings: Iterable[EcgFinding]) -> Dataset:
    """Return TID 3717."""
    return container(
        CONTAINS,
        Code("122145", "DCM", "Qualitative Analysis"),
        *(_finding(finding) for finding in findings),
        template="3717",
    )


def _finding(finding: EcgFinding) -> Dataset:
    details = [_finding(detail) for detail in finding.details]
    if isinstance(finding.value, str):
        if details or finding.equivalent_meaning:
            raise ValueError("a finding told as text has no further statements (TID 3717)")
        return text(CONTAINS, _ECG_FINDING, finding.value)
    meaning = finding.equivalent_meaning
    for detail in details:
        detail.RelationshipType = HAS_PROPERTIES
    return code(
        CONTAINS,
        _ECG_FINDING,
        finding.value,
        *([text(HAS_CONCEPT_MOD, _EQUIVALENT_MEANING, meaning)] if meaning else []),
        *details,
    )


def _source(source: EcgSource | None) -> list[Dataset]:
    """Return TID 3715; its coordinates are contained, as PS3.3 A.35.3 allows no TCOORD as observation context."""
    if source is None:
        return []
    items = []
    if source.beat_number is not None:
        if not 1 <= source.beat_number <= 999:
            raise ValueError(f"beat number {source.beat_number} is not one of up to three digits (TID 3715 row 1)")
        items.append(text(HAS_OBS_CONTEXT, _BEAT_NUMBER, str(source.beat_number)))
    if source.method is not None:
        require_member(source.method, 3676)
        items.append(code(HAS_CONCEPT_MOD, codes.SCT.MeasurementMethod, source.method))
    if source.coordinates is not None:
        items.append(temporal_coordinates(CONTAINS, SOURCE_OF_MEASUREMENT, source.coordinates))
    return items


def _corrected_qt(measured: EcgGlobalMeasurements) -> list[Dataset]:
    if measured.qtc_interval is None:
        if measured.qtc_method is not None:
            raise ValueError("there is a method of correcting QT, but no QTc")
        return []
    method = []
    if measured.qtc_method is not None:
        require_member(measured.qtc_method, 3678)
        method = [code(HAS_PROPERTIES, codes.DCM.AlgorithmName, measured.qtc_method)]
    return [number(CONTAINS, _QTC, measured.qtc_interval, _MILLISECOND, *method)]


def _required(name: Code, value: float | None, unit: Code) -> Dataset:
    if value is None:
        return number(CONTAINS, name, math.nan, unit, qualifier=_VALUE_UNKNOWN)
    return number(CONTAINS, name, value, unit)


def _optional(name: Code, value: float | None, unit: Code) -> list[Dataset]:
    return [] if value is None else [number(CONTAINS, name, value, unit)]


def _measurements(measurements: Iterable[Measurement], units: tuple[str, ...], what: str) -> list[Dataset]:
    items = []
    for measured in measurements:
        if measured.unit.value not in units:
            raise ValueError(f"{measured.name.meaning} is {what}, in {' or '.join(units)}, not {measured.unit.value}")
        items.append(measurement_item(measured))
    return items
