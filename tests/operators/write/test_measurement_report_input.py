"""What a measurement report refuses, before anything is written, and which texts it keeps."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.measurement import (
    Evaluation,
    KeyMeasurement,
    Measurement,
    MeasurementGroup,
    NormalRange,
    Population,
    PopulationValue,
    Properties,
    SegmentReference,
    TimePoint,
    Uncertainty,
    VolumeSurface,
)
from operators.measure.region import ImageRegion, PatientRegion
from operators.provenance import Analysis, uid_from_text
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.reports.context import PersonObserver
from operators.write.segmentation import write_segmentation
from tests.operators.write.reports.readers import dsrdump, named, said
from tests.operators.write.studies import (
    LEFT,
    LESION,
    LESIONS,
    REPORT,
    WHITE_MATTER,
    as_series,
    as_study,
    make_volume,
    patient,
    segment,
)

MM3 = codes.UCUM.CubicMillimeter
VOLUME = Measurement(codes.SCT.Volume, 1.5, MM3)
FLAIR = make_volume()
SEGMENTED = np.ones((6, 10, 12), np.uint8)

Write = Callable[..., FileDataset]


@pytest.fixture(scope="module")
def write(analysis: Analysis) -> Write:
    lesions = write_segmentation("lesions", LESIONS, FLAIR, SEGMENTED, [segment(1, "a")], analysis)

    def write(*groups: MeasurementGroup, **options: Any) -> FileDataset:
        source = [as_series(FLAIR)]
        return write_measurement_report(
            "report", REPORT, as_study(FLAIR), groups, {"lesions": lesions}, source, analysis, **options
        )

    return write


def group(**changes: Any) -> MeasurementGroup:
    return replace(MeasurementGroup("a", LESION, (VOLUME,)), **changes)


def measured(**changes: Any) -> MeasurementGroup:
    return group(measurements=(replace(VOLUME, **changes),))


def region(points: Any = ((1, 1), (4, 1), (4, 4), (1, 1)), graphic: Any = "POLYLINE", index: int = 0) -> ImageRegion:
    return ImageRegion(FLAIR.slices[index].header, graphic, points)


POINT = PatientRegion("1.2", "POINT", ((1.0, 2.0, 3.0),))
OUTSIDE = Code("17621005", "99X", "Normal")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (measured(unit=Code("mm^3", "UCUM", "cubic millimetre")), "UCUM"),
        (measured(unit=Code("mm3", "99X", "cubic millimetre")), "not of UCUM"),
        (measured(value=float("inf")), "only finite"),
        (measured(value=float("nan")), "only finite"),
        (measured(value=float("nan"), qualifier=OUTSIDE), "CID 42"),
        (measured(name=Code("", "SCT", "Volume")), "code value"),
        (measured(name=Code("1", "", "Volume")), "coding scheme designator"),
        (measured(name=Code("1", "SCT", "")), "code meaning"),
        (measured(name=Code("1", "SCT", "m" * 65)), "code meaning"),
        (measured(name=Code("1", "S" * 17, "Volume")), "coding scheme designator"),
        (measured(name=Code("1", "SCT", "a\\b")), "backslash"),
        (measured(properties=Properties(normality=OUTSIDE)), "CID 222"),
        (measured(properties=Properties(significance=OUTSIDE)), "CID 220"),
        (measured(properties=Properties(selection_status=OUTSIDE)), "CID 224"),
        (measured(properties=Properties(uncertainties=(Uncertainty(OUTSIDE, 1.0),))), "CID 225"),
        (measured(properties=Properties(normal_range=NormalRange())), "lower or an upper limit"),
        (measured(properties=Properties(normal_range=NormalRange(2, 1))), "from 2 to 1"),
        (measured(properties=Properties(population=Population(()))), "at least one value"),
        (measured(properties=Properties(population=Population((PopulationValue(OUTSIDE, 1, MM3),)))), "CID 221"),
        (group(tracking_identifier=""), "Tracking Identifier is empty"),
        (group(tracking_identifier="a\x00"), "control character"),
        (group(comment=" "), "Comment is empty"),
        (group(laterality=LEFT), "side without a finding site"),
        (group(time_point=TimePoint()), "time point is empty"),
        (group(segment=SegmentReference("none", 1)), "no Segmentation 'none'"),
        (group(segment=SegmentReference("lesions", 2)), "no segment 2"),
        (group(segment=SegmentReference("lesions", 1, (7,))), "has 6 frames, named is frame 7"),
        (group(segment=SegmentReference("lesions", 1), regions=(region(),)), "not several"),
        (group(regions=(region(((1, 1), (2, 2)), "MULTIPOINT"),)), "MULTIPOINT"),
        (group(regions=(region(), POINT)), "contours of a volume are on images"),
        (group(surface=VolumeSurface(POINT, ())), "needs the images"),
        (group(key=KeyMeasurement(region(((1, 1), (2, 2)), "MULTIPOINT"), ())), "MULTIPOINT"),
        (group(evaluations=(Evaluation(codes.DCM.Finding, ""),)), "Finding is empty"),
    ],
)
def test_what_cannot_be_right_is_an_error(write: Write, wrong: MeasurementGroup, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"language": Code("German", "SCT", "German")}, "no language of CID 5000"),
        ({"person": PersonObserver("")}, "Person Observer Name is empty"),
        ({"person": PersonObserver("a" * 65)}, "Person Observer Name"),
        ({"priors": [as_series(FLAIR)]}, "of the study itself"),
        ({"notice": "a\x07"}, "control character"),
        ({"derived": [replace(VOLUME, unit=Code("cc", "UCUM", "cc"))]}, "UCUM"),
        ({"evaluations": [Evaluation(Code("1", "", "x"), LESION)]}, "designator"),
    ],
)
def test_what_concerns_the_whole_report_is_checked_too(write: Write, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        write(group(), **options)


def test_nothing_of_another_patient_is_referred_to(write: Write) -> None:
    other = make_volume(identity=patient(PatientID="P-1", StudyInstanceUID=uid_from_text("x")), number=9)
    with pytest.raises(ValueError, match="another patient"):
        write(group(), priors=[as_series(other)])
    with pytest.raises(ValueError, match="another patient"):
        write(group(), predecessors=[other.instances[0].header])
    with pytest.raises(ValueError, match="another patient"):
        write(group(regions=(ImageRegion(other.instances[0].header, "POINT", ((1, 1),)),)))


def test_a_reference_that_leads_nowhere_is_an_error(write: Write) -> None:
    header = deepcopy(FLAIR.instances[0].header)
    del header.SeriesInstanceUID
    with pytest.raises(ValueError, match="no SeriesInstanceUID"):
        write(group(), predecessors=[header])


def test_a_frame_of_another_segment_is_an_error(analysis: Analysis) -> None:
    labels = SEGMENTED.copy()
    labels[:, 5:] = 2
    segments = [segment(1, "a"), segment(2, "b")]
    lesions = write_segmentation("lesions", LESIONS, FLAIR, labels, segments, analysis)
    wrong = group(segment=SegmentReference("lesions", 1, (1, 7)))
    with pytest.raises(ValueError, match=r"frame 7 of .* is not of segment 1"):
        write_measurement_report(
            "report", REPORT, as_study(FLAIR), [wrong], {"lesions": lesions}, [as_series(FLAIR)], analysis
        )


SCRIPTS = {
    "Japanese": ("山田^太郎", "白質病変", Code("ja", "RFC5646", "Japanese")),
    "Korean": ("김^희중", "백질 병변", Code("ko", "RFC5646", "Korean")),
    "Chinese": ("王^小东", "脑白质病变", Code("zh", "RFC5646", "Chinese")),
    "Greek": ("Διονυσιος", "βλάβη λευκής ουσίας", Code("el", "RFC5646", "Greek")),
    "Cyrillic": ("Люкceмбypг", "очаги белого вещества", Code("ru", "RFC5646", "Russian")),
    "French": ("Buc^Jérôme", "lésions de la substance blanche", Code("fr", "RFC5646", "French")),
}


@pytest.mark.peer
@pytest.mark.parametrize("script", SCRIPTS)
def test_texts_and_persons_of_every_script_come_back(write: Write, tmp_path: Path, script: str) -> None:
    person, text, language = SCRIPTS[script]
    told = group(tracking_identifier=text, comment=f"{text}\r\n2", evaluations=(Evaluation(codes.DCM.Finding, text),))
    path = save(write(told, language=language, person=PersonObserver(person), notice=text, limits=[text]), tmp_path)
    report = dcmread(path)
    assert str(report.PatientName) == "Müller^Jürgen"
    assert said(report, "Person Observer Name") == [person]
    assert said(report, "Tracking Identifier") == [text]
    assert said(report, "Comment") == [f"{text}\r\n2"]
    assert said(report, "Notice") == said(report, "Limitation") == [text]
    assert (
        named(report, "Language of Content Item and Descendants")[0].ConceptCodeSequence[0].CodeValue == language.value
    )
    assert report.SpecificCharacterSet == ("ISO_IR 100" if script == "French" else "ISO_IR 192")
    dump = dsrdump(path, "-q", "+U8", "+Pl")
    assert dump.count(text) >= 5
    assert person in dump
    assert "Müller^Jürgen" in dump


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1).filter(str.strip)
NUMBER = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=25)
@given(TEXT, TEXT, NUMBER, st.lists(st.tuples(st.floats(0, 12), st.floats(0, 10)), min_size=2, max_size=6))
def test_texts_numbers_and_points_come_back(
    write: Write, tmp_path_factory: pytest.TempPathFactory, identifier: str, comment: str, number: float, points: Any
) -> None:
    told = group(
        tracking_identifier=identifier,
        comment=comment,
        measurements=(replace(VOLUME, value=number),),
        finding_site=WHITE_MATTER,
        regions=(region(tuple(points)),),
    )
    report = dcmread(save(write(told), tmp_path_factory.mktemp("report")))
    # Trailing spaces of UT are not significant (PS3.5 table 6.2-1).
    assert [text.rstrip(" ") for text in map(str, said(report, "Tracking Identifier"))] == [identifier.rstrip(" ")]
    assert [text.rstrip(" ") for text in map(str, said(report, "Comment"))] == [comment.rstrip(" ")]
    assert said(report, "Volume") == [number]
    (graphic,) = named(report, "Image Region")
    np.testing.assert_array_equal(
        np.array(graphic.GraphicData, np.float32), np.array(points, np.float64).astype(np.float32).ravel()
    )


def test_the_callers_data_stay_as_they_were(analysis: Analysis) -> None:
    volume = make_volume()
    before = [deepcopy(instance.header) for instance in volume.instances]
    groups = [group(regions=(ImageRegion(volume.slices[0].header, "POINT", ((1, 1),)),))]
    write_measurement_report("report", REPORT, as_study(volume), groups, {}, [as_series(volume)], analysis)
    after: list[Dataset] = [instance.header for instance in volume.instances]
    assert after == before
