"""Gate verdicts in reports: coded, with figures and units, in a place that TID 1500 has for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import highdicom
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.check.checked_volume import image_quality_gates
from operators.check.figures import GAP_DEVIATION, SHEAR, SLICE_COUNT, SLICE_SPACING, degrees, millimetres, slices
from operators.check.gate import gate_failed, gate_passed
from operators.check.geometry import GEOMETRY_GATE
from operators.measure.measurement import Measurement, MeasurementGroup
from operators.provenance import Analysis
from operators.refused import Reason, Refused
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.refusal_report import write_refusal_report
from operators.write.reports.gates import gate_groups
from tests.operators.check.volumes import noise, volume
from tests.operators.write.studies import REPORT, as_series, as_study, make_volume

MISSING = gate_failed(
    GEOMETRY_GATE,
    Reason.MISSING_SLICE,
    "2 of 22 slices are missing",
    [slices(SLICE_COUNT, 20), millimetres(SLICE_SPACING, 3.3), millimetres(GAP_DEVIATION, 6.6), degrees(SHEAR, 0.0)],
).about("T2-FLAIR (5 FLAIR)")


def gate_containers(report: Dataset) -> dict[str, Dataset]:
    """Measurement groups whose finding is a quality assessment, by tracking identifier."""
    found = {}
    for container in report.ContentSequence:
        for group in container.get("ContentSequence", ()):
            if named(group, "121071") and code_of(named(group, "121071")[0]) == "111050":
                found[named(group, "112039")[0].TextValue] = group
    return found


def named(group: Dataset, value: str) -> list[Dataset]:
    return [
        item
        for item in group.get("ContentSequence", ())
        if item.ConceptNameCodeSequence[0].get("CodeValue") == value
        or item.ConceptNameCodeSequence[0].get("LongCodeValue") == value
    ]


def code_of(item: Dataset) -> str:
    concept = item.ConceptCodeSequence[0]
    return str(concept.get("CodeValue") or concept.get("LongCodeValue"))


def test_the_refusal_tells_the_verdict_with_its_figures(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    passed = gate_passed(GEOMETRY_GATE, "160 slices 1 mm apart", [slices(SLICE_COUNT, 160)]).about("T1-weighted (6 T1)")
    refused = Refused(Reason.MISSING_SLICE, MISSING.detail)
    study = as_study(make_volume())
    path = save(write_refusal_report("report", REPORT, study, refused, analysis, gates=[passed, MISSING]), tmp_path)
    validate(path)
    groups = gate_containers(dcmread(path))
    assert list(groups) == ["Slice geometry: T1-weighted (6 T1)", "Slice geometry: T2-FLAIR (5 FLAIR)"]
    group = groups["Slice geometry: T2-FLAIR (5 FLAIR)"]
    assert group.ContentTemplateSequence[0].TemplateIdentifier == "1501"
    assert code_of(named(group, "geometry-gate")[0]) == "missing-slice"
    assert code_of(named(groups["Slice geometry: T1-weighted (6 T1)"], "geometry-gate")[0]) == "gate-passed"
    assert named(group, "121106")[0].TextValue == "2 of 22 slices are missing"
    (spacing,) = named(group, "112226")
    assert float(spacing.MeasuredValueSequence[0].NumericValue) == 3.3
    assert spacing.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    (deviation,) = named(group, "largest-gap-deviation")
    assert float(deviation.MeasuredValueSequence[0].NumericValue) == 6.6


def test_the_measurement_report_tells_every_gate(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None]
) -> None:
    source = make_volume()
    gates = [
        result.about("T2-FLAIR (3 T2 FLAIR)")
        for result in image_quality_gates(volume(noise()), minimum_extent_mm=100.0)
    ]
    measured = MeasurementGroup(
        "Lesions",
        Code("110702", "DCM", "White Matter T2 Hyperintensity"),
        (Measurement(codes.SCT.Volume, 1.5, Code("cm3", "UCUM", "cubic centimeter")),),
    )
    report = write_measurement_report(
        "report", REPORT, as_study(source), [measured], {}, [as_series(source)], analysis, gates=gates
    )
    path = save(report, tmp_path)
    validate(path)
    groups = gate_containers(dcmread(path))
    assert len(groups) == len(gates) == 5
    for result, group in zip(gates, groups.values(), strict=True):
        assert code_of(named(group, result.name.value)[0]) == "gate-passed"
        assert [
            item.ConceptNameCodeSequence[0].CodeMeaning for item in group.ContentSequence if item.ValueType == "NUM"
        ] == [figure.name.meaning for figure in result.figures]
    # A second reader of TID 1500 finds the measurement and the verdicts as groups.
    second = highdicom.sr.srread(path)
    found = second.content.get_image_measurement_groups()
    assert [group.tracking_identifier for group in found] == ["Lesions", *groups]


def test_a_report_of_gates_alone_names_the_algorithm_once(tmp_path: Path, analysis: Analysis) -> None:
    source = make_volume()
    report = write_measurement_report(
        "report", REPORT, as_study(source), [], {}, [as_series(source)], analysis, gates=[MISSING], notice="a notice"
    )
    path = save(report, tmp_path)
    names = [
        item.ConceptNameCodeSequence[0].CodeMeaning
        for container in dcmread(path).ContentSequence
        for item in container.get("ContentSequence", ())
    ]
    assert names.count("Algorithm Name") == 1


def test_a_verdict_told_twice_keeps_its_own_identifier() -> None:
    first, second, other = gate_groups([MISSING, MISSING, MISSING.about("")])
    assert first.tracking_identifier == "Slice geometry: T2-FLAIR (5 FLAIR)"
    assert second.tracking_identifier == "Slice geometry: T2-FLAIR (5 FLAIR) (2)"
    assert other.tracking_identifier == "Slice geometry"
