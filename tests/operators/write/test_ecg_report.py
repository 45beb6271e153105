"""ECG report: TID 3700 as DCMTK and pydicom read it (highdicom cannot read WAVEFORM items)."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.coding import Code
from pydicom.uid import ComprehensiveSRStorage

from operators.measure.electrocardiogram import EcgFinding, EcgGlobalMeasurements, EcgLeadMeasurements, EcgSource
from operators.measure.measurement import Measurement
from operators.provenance import Analysis, uid_from_text
from operators.write.base.result import save
from operators.write.ecg_report import write_ecg_report
from tests.operators.write.examples.reports import (
    ATRIAL_FIBRILLATION,
    ECG,
    LEAD_II,
    QRS_PER_LEAD,
    ST_LEVEL,
    ecg_report,
    recording,
)
from tests.operators.write.reports.readers import dsrdump, items, meaning, named, said
from tests.operators.write.validators import dciodvfy_problems

NORMAL = EcgGlobalMeasurements(60, 400, 160, 90, 1000)
Write = Callable[..., FileDataset]


@pytest.fixture(scope="module")
def path(analysis: Analysis, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(ecg_report(analysis).object, tmp_path_factory.mktemp("ecg"))


@pytest.fixture(scope="module")
def report(path: Path) -> Dataset:
    return dcmread(path)


@pytest.fixture(scope="module")
def write(analysis: Analysis) -> Write:
    def write(
        measured: EcgGlobalMeasurements = NORMAL, *leads: EcgLeadMeasurements, header: Any = None, **options: Any
    ) -> FileDataset:
        source = recording() if header is None else header
        return write_ecg_report("ecg", ECG, source, measured, leads, analysis, **options)

    return write


def test_it_is_valid(path: Path, report: Dataset) -> None:
    assert report.SOPClassUID == ComprehensiveSRStorage
    assert dciodvfy_problems(path) == []
    dump = dsrdump(path, "-q")
    assert '<contains NUM:(,,"QT interval global")="400" (ms,UCUM,"ms")>' in dump
    assert '<contains NUM:(,,"PR interval global")=empty (114010,DCM,"Value unknown")>' in dump
    assert "(SEGMENT,10,...)" in dump
    templates = {
        item.ContentTemplateSequence[0].TemplateIdentifier
        for item in (report, *items(report))
        if "ContentTemplateSequence" in item
    }
    assert templates == {"3700", "3704", "3708", "3713", "3714", "3717", "3719"}


def test_global_measurements_come_back_with_their_units(report: Dataset) -> None:
    (measured,) = named(report, "ECG Global Measurements")
    numbers = {}
    for item in measured.ContentSequence:
        if item.ValueType == "NUM" and item.MeasuredValueSequence:
            (number,) = item.MeasuredValueSequence
            numbers[meaning(item)] = (float(number.NumericValue), number.MeasurementUnitsCodeSequence[0].CodeValue)
    assert numbers == {
        "Ventricular Heart Rate": (72, "{H.B.}/min"),
        "QT interval global": (400, "ms"),
        "QTc interval global": (438.2, "ms"),
        "QRS duration global": (98, "ms"),
        "RR interval global": (833.25, "ms"),
        "QRS axis": (-30, "deg"),
        "Count of all beats": (3, "{H.B.}"),
    }
    (corrected,) = named(measured, "QTc interval global")
    assert said(corrected, "Algorithm Name") == ["Bazett QT Correction Algorithm"]


def test_times_are_of_the_recordings_channels(report: Dataset) -> None:
    (measured,) = named(report, "ECG Global Measurements")
    (coordinates,) = (item for item in measured.ContentSequence if item.ValueType == "TCOORD")
    assert coordinates.TemporalRangeType == "SEGMENT"
    assert list(coordinates.ReferencedSamplePositions) == [10, 200]
    (waveform,) = coordinates.ContentSequence
    (reference,) = waveform.ReferencedSOPSequence
    assert reference.ReferencedSOPInstanceUID == recording().SOPInstanceUID
    assert list(reference.ReferencedWaveformChannels) == [1, 2]


def test_leads_and_findings_come_back(report: Dataset) -> None:
    (lead,) = named(report, "ECG Lead Measurements")
    assert said(lead, "Lead ID") == ["Lead II"]
    assert said(lead, "ST level 60 ms after J") == [0.12]
    assert said(lead, "ST Segment Finding") == ["ST elevation"]
    assert said(lead, "Finding") == ["Atrial fibrillation"]
    assert said(report, "ECG Finding") == ["Atrial fibrillation", "no P waves"]
    assert said(report, "Equivalent Meaning of Value") == ["absolute arrhythmia"]
    assert said(report, "ECG overall finding") == ["Abnormal ECG"]


def test_the_patient_and_the_recording_are_described(report: Dataset) -> None:
    header = recording()
    assert said(report, "Subject Age") == [int(header.PatientAge[:3])]
    assert said(report, "Patient Height") == [pytest.approx(100 * float(header.PatientSize))]
    assert said(report, "Procedure DateTime") == [header.AcquisitionDateTime]
    assert said(report, "Lead System") == ["Unspecified 12-lead system"]


def test_a_prior_recording_is_other_evidence(write: Write, tmp_path: Path) -> None:
    prior = deepcopy(recording())
    prior.StudyInstanceUID, prior.SOPInstanceUID = uid_from_text("earlier study"), uid_from_text("earlier ECG")
    path = save(write(prior=prior), tmp_path)
    report = dcmread(path)
    assert dciodvfy_problems(path) == []
    dsrdump(path)
    assert report.PertinentOtherEvidenceSequence[0].StudyInstanceUID == prior.StudyInstanceUID
    (described,) = named(report, "Prior Procedure Descriptions")
    assert said(described, "Comparison with Prior Study Done") == ["Yes"]
    assert said(described, "Procedure Study Instance UID") == [prior.StudyInstanceUID]


VOLT = Measurement(ST_LEVEL, 0.1, Code("V", "UCUM", "volt"))
SECOND = Measurement(QRS_PER_LEAD, 0.1, Code("s", "UCUM", "second"))
OTHER = Code("1", "99X", "something")


@pytest.mark.parametrize(
    ("measured", "leads", "options", "message"),
    [
        (replace(NORMAL, ventricular_rate=float("nan")), (), {}, "finite"),
        (replace(NORMAL, qtc_method=OTHER), (), {}, "no QTc"),
        (replace(NORMAL, qtc_interval=400, qtc_method=OTHER), (), {}, "CID 3678"),
        (replace(NORMAL, source=EcgSource(0)), (), {}, "beat number 0"),
        (replace(NORMAL, source=EcgSource(method=OTHER)), (), {}, "CID 3676"),
        (replace(NORMAL, more=(SECOND,)), (), {}, "in ms, not s"),
        (NORMAL, (EcgLeadMeasurements(OTHER),), {}, "CID 3001"),
        (NORMAL, (EcgLeadMeasurements(LEAD_II),) * 2, {}, "a lead is there twice"),
        (NORMAL, (EcgLeadMeasurements(LEAD_II, durations=(SECOND,)),), {}, "in ms, not s"),
        (NORMAL, (EcgLeadMeasurements(LEAD_II, voltages=(VOLT,)),), {}, "in mV or uV, not V"),
        (NORMAL, (EcgLeadMeasurements(LEAD_II, st_segment=OTHER),), {}, "CID 3233"),
        (NORMAL, (), {"overall": OTHER}, "CID 3677"),
        (NORMAL, (), {"lead_system": OTHER}, "CID 3263"),
        (NORMAL, (), {"findings": [EcgFinding("")]}, "ECG Finding is empty"),
        (NORMAL, (), {"findings": [EcgFinding("text", "other words")]}, "no further statements"),
    ],
)
def test_what_cannot_be_right_is_an_error(
    write: Write, measured: EcgGlobalMeasurements, leads: Any, options: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        write(measured, *leads, **options)


def test_a_recording_says_what_it_is_and_when_it_was_made(write: Write) -> None:
    for keyword, message in (("WaveformSequence", "no waveform"), ("AcquisitionDateTime", "when it was acquired")):
        header = deepcopy(recording())
        delattr(header, keyword)
        with pytest.raises(ValueError, match=message):
            write(header=header)


def test_details_of_a_finding_are_its_properties(write: Write, tmp_path: Path) -> None:
    detail = EcgFinding(Code("371926006", "SCT", "Highly significant"))
    path = save(write(findings=[EcgFinding(ATRIAL_FIBRILLATION, details=(detail,))]), tmp_path)
    dsrdump(path)
    (outer, _) = named(dcmread(path), "ECG Finding")
    assert outer.ContentSequence[0].RelationshipType == "HAS PROPERTIES"
