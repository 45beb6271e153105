from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from operators.read.expression import ExpressionError, compile_condition, compile_expression, compile_preference
from operators.read.study import Instance, Series
from operators.read.variables import SeriesVariables
from tests.operators.read.slices import AXIAL, SERIES_UID, headers_of

# pydicom warns of what these tests put in on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:Invalid value for VR", "ignore:The value length")


def variables_of(slices: int = 4, **attributes: Any) -> SeriesVariables:
    headers = headers_of(AXIAL, slices)
    for keyword, value in attributes.items():
        for header in headers:
            setattr(header, keyword, value)
    instances = tuple(Instance(Path("absent"), header, FileMetaDataset()) for header in headers)
    return SeriesVariables(Series(UID(SERIES_UID), instances))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('Modality == "MR"', True),
        ('Modality in ["CT", "PT"]', False),
        ("EchoTime < 12.0 && EchoTime >= 2", True),
        ("EchoTime == 3.0", True),
        ("InstanceNumber == 1", True),
        ("Rows == 6 && Columns == 5", True),
        ('"PRIMARY" in ImageType', True),
        ('!("LOCALIZER" in ImageType)', True),
        ('ImageType[0] == "ORIGINAL" && size(ImageType) == 3', True),
        ('ImageType.exists(value, value.startsWith("PRIM"))', True),
        ("PixelSpacing[0] == 1.2 && PixelSpacing[1] == 0.9", True),
        ('SeriesDescription.matches("(?i)T1|MPRAGE")', True),
        ('PatientName == "Doe^Jane"', True),
        ("has(EchoTime) && !has(InversionTime)", True),
        ("has(ContrastBolusAgent)", False),
        ("!has(ContrastBolusAgent) || ContrastBolusAgent == 'x'", True),
        ("InversionTime > 3.0", None),
        ("!(InversionTime > 3.0)", None),
        ("InversionTime > 3.0 && EchoTime > 5.0", False),
        ("InversionTime > 3.0 || EchoTime > 1.0", True),
        ("has(SliceThickness) ? SliceThickness < 2.0 : EchoTime < 5.0", True),
        ("instances == 4", True),
        ("acquisition_time > 36000.0 && acquisition_time < 36061.0", True),
        ("voxel_volume > 3.23 && voxel_volume < 3.25", True),
        ("double(instances) * voxel_volume > 12.0", True),
    ],
)
def test_expressions_over_the_attributes_of_a_series(text: str, expected: bool | None) -> None:
    variables = variables_of(
        EchoTime="3", SeriesDescription="Sag t1 3D", ContrastBolusAgent="", AcquisitionTime="100100.5"
    )
    assert compile_condition(text).truth(variables) is expected


@pytest.mark.parametrize(
    ("attributes", "seconds"),
    [
        ({"AcquisitionDateTime": "20260105093001.25+0100"}, 34201.25),
        ({"AcquisitionTime": "093001"}, 34201.0),
        ({"SeriesTime": "09:30:01"}, 34201.0),
        ({"AcquisitionTime": "", "SeriesTime": "093001"}, 34201.0),
        ({"AcquisitionDateTime": "20260105"}, None),
        ({}, None),
    ],
)
def test_acquisition_time_is_in_seconds_of_the_day(attributes: dict[str, Any], seconds: float | None) -> None:
    assert compile_preference("acquisition_time").rank(variables_of(**attributes)) == seconds


def test_a_time_made_illegible_by_deidentification_gives_way_to_the_next() -> None:
    variables = variables_of(AcquisitionDateTime="***", AcquisitionTime="093001")
    assert compile_preference("acquisition_time").rank(variables) == 34201.0


def test_a_series_without_geometry_has_no_voxel_volume() -> None:
    assert compile_preference("voxel_volume").rank(variables_of(PixelSpacing=None)) is None
    assert compile_preference("voxel_volume").rank(variables_of(slices=1)) is None
    assert compile_preference("-voxel_volume").rank(variables_of()) == pytest.approx(-3.24)
    assert compile_preference('MRAcquisitionType == "3D"').rank(variables_of(MRAcquisitionType="3D")) == 1.0


def test_one_value_where_several_are_allowed_is_a_list_and_a_backslash_in_a_text_is_not() -> None:
    variables = variables_of(ImageType="ORIGINAL", SeriesDescription=["T1", "post"])
    assert compile_condition('"ORIGINAL" in ImageType').truth(variables)
    assert compile_condition('SeriesDescription == "T1\\\\post"').truth(variables)


def test_a_number_that_cannot_be_read_is_neither_absent_nor_small() -> None:
    header = headers_of(AXIAL, 1)[0]
    header.EchoTime = ["2.1", "4.3"]
    variables = SeriesVariables(Series(UID(SERIES_UID), (Instance(Path("absent"), header, FileMetaDataset()),)))
    for text in ("!has(EchoTime)", "has(EchoTime)", "EchoTime < 12.0"):
        assert compile_condition(text).truth(variables) is None
    assert "EchoTime has 2 values instead of one" in compile_condition("EchoTime < 12.0").seen(variables)


def test_what_was_seen_is_told() -> None:
    seen = compile_condition(
        'has(EchoTime) && EchoTime < 12.0 && "M" in ImageType && instances > 3 || !has(Laterality)'
    )
    assert seen.seen(variables_of(EchoTime="98.50")) == (
        "EchoTime 98.5, ImageType ORIGINAL\\PRIMARY\\M, instances 4, Laterality absent"
    )
    long = compile_condition('SeriesDescription == "x"').seen(variables_of(SeriesDescription="y" * 90))
    assert long == f"SeriesDescription {'y' * 80}…"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("EchoTime >", "is not CEL: wrong at line 1, column 10"),
        ("", "is not CEL"),
        ("EchoTme > 3.0", "'EchoTme', which is no DICOM keyword .* did you mean 'EchoTime'?"),
        ("voxel_volum > 3.0", "did you mean 'voxel_volume'?"),
        ("has(Xyzzy)", "'Xyzzy', which is no DICOM keyword"),
        ("ReferencedImageSequence == 'x'", "'ReferencedImageSequence', which is no DICOM keyword of text or numbers"),
        ("PixelData == 'x'", "no DICOM keyword of text or numbers"),
        ("SeriesDescription.match('x')", "calls 'match', which is no function .* did you mean 'matches'?"),
        ("hasnt(EchoTime)", "calls 'hasnt', which is no function of CEL"),
        ("EchoTime == 3", "wrong type .*EchoTime is double; 3 is int"),
        ("Modality > 3", "Modality is string"),
        ("ImageType == 'M'", "ImageType is list"),
        ("'M' in Modality", "Modality is string"),
        ("true || EchoTime == 'x'", "EchoTime is double"),
        ("has(EchoTime) ? true : EchoTime == 'x'", "EchoTime is double"),
        ("SeriesDescription.matches('(')", "wrong regular expression"),
        ("EchoTime", "gives double, not true or false"),
        ("Modality", "gives string, not true or false"),
    ],
)
def test_a_wrong_expression_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ExpressionError, match=said):
        compile_condition(text)


def test_a_preference_is_a_number_or_a_truth() -> None:
    compile_preference("-EchoTime + 2.0")
    compile_preference("has(EchoTime)")
    with pytest.raises(ExpressionError, match="gives string, not a number"):
        compile_preference("Modality")


def test_an_expression_is_compiled_once() -> None:
    assert compile_expression("EchoTime < 12.0") is compile_expression("EchoTime < 12.0")
    assert compile_expression('has(EchoTime) && ImageType.exists(x, x == "M")').names == ("EchoTime", "ImageType")


def test_an_empty_header_has_nothing() -> None:
    variables = SeriesVariables(Series(UID("1.2"), (Instance(Path("absent"), Dataset(), FileMetaDataset()),)))
    assert compile_condition("!has(Modality) && instances == 1").truth(variables)
    assert compile_condition('Modality == "MR"').truth(variables) is None
