from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from operators.provenance import Analysis
from operators.read.selection import Decision
from operators.read.study import Study
from operators.refused import Reason, Refused
from operators.write.base.result import save
from operators.write.refusal_report import write_refusal_report
from tests.operators.write.studies import REPORT, as_study, make_volume


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_can_be_read(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], reason: Reason
) -> None:
    decisions = [
        Decision("1.2.3", "5 T2 TSE", "flair", False, "inversion time not between 1600 and 2900 ms"),
        Decision("1.2.4", "6 T1 MPRAGE", "t1", True, "the only one"),
    ]
    refused = Refused(reason, "series 5: 12 mm between slices 7 and 8, 3 mm elsewhere")
    study = as_study(make_volume())
    path = save(write_refusal_report("report", REPORT, study, refused, analysis, decisions=decisions), tmp_path)
    validate(path)
    report = dcmread(path)
    evaluations = report.ContentSequence[-1].ContentSequence
    (coded,) = (item for item in evaluations if item.ConceptNameCodeSequence[0].CodeMeaning == "Not analysed because")
    concept = coded.ConceptCodeSequence[0]
    assert (concept.get("CodeValue") or concept.get("LongCodeValue")) == reason.value
    assert concept.CodingSchemeDesignator == "99GANTRY"
    assert concept.CodeMeaning == reason.meaning
    texts = [item.TextValue for item in evaluations if item.ValueType == "TEXT"]
    assert refused.detail in texts
    assert "5 T2 TSE: not chosen as flair: inversion time not between 1600 and 2900 ms" in texts
    assert "6 T1 MPRAGE: chosen as t1: the only one" in texts
    assert report.CodingSchemeIdentificationSequence[0].CodingSchemeDesignator == "99GANTRY"
    assert report.SeriesDescription == "Not analysed: White matter report"
    (series,) = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert [item.ReferencedSOPInstanceUID for item in series.ReferencedSOPSequence] == [
        instance.sop_instance_uid for instance in study.instances
    ]


def test_a_study_without_instances_cannot_be_reported_on(analysis: Analysis) -> None:
    refused = Refused(Reason.NO_READABLE_INSTANCE, "the folder holds 3 files, none is DICOM")
    with pytest.raises(ValueError, match="without a readable instance"):
        write_refusal_report("report", REPORT, Study(UID("1.2"), ()), refused, analysis)


def test_a_study_that_does_not_name_its_modality_is_reported_on_too(tmp_path: Path, analysis: Analysis) -> None:
    volume = make_volume()
    for instance in volume.instances:
        del instance.header.Modality
    refused = Refused(Reason.NO_SUITABLE_SERIES, "no series for T2-FLAIR or T1-weighted")
    report = dcmread(save(write_refusal_report("report", REPORT, as_study(volume), refused, analysis), tmp_path))
    (procedure,) = (
        item for item in report.ContentSequence if item.ConceptNameCodeSequence[0].CodeMeaning == "Procedure reported"
    )
    assert procedure.ConceptCodeSequence[0].CodeMeaning == "Imaging procedure"
