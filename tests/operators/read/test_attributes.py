from __future__ import annotations

import struct
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.charset import python_encoding
from pydicom.datadict import tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, uid, values
from tests.operators.read.slices import AXIAL, instance_of, ramp, save, slice_header

pytestmark = pytest.mark.filterwarnings("ignore")

KEYWORDS = (
    "SliceThickness",
    "InstanceNumber",
    "Rows",
    "WindowCenter",
    "ImagePositionPatient",
    "Modality",
    "ImageType",
    "SOPInstanceUID",
    "SeriesDescription",
    "StudyDate",
    "PatientName",
    "PixelPaddingValue",
    "LUTDescriptor",
    "RedPaletteColorLookupTableDescriptor",
    "SpecificCharacterSet",
)
VRS = ("DS", "IS", "US", "SS", "UL", "SL", "FL", "FD", "CS", "UI", "LO", "SH", "DA", "TM", "DT", "AS", "AE", "LT", "UN")


def read_from_file(
    keyword: str, vr: str | None, value: bytes, little_endian: bool = True, character_set: str = ""
) -> Dataset:
    """A header as it comes from a file: not converted yet."""
    number = tag_for_keyword(keyword)
    assert number is not None
    header = Dataset({Tag(number): RawDataElement(Tag(number), vr, len(value), value, 0, vr is None, little_endian)})
    if character_set and keyword != "SpecificCharacterSet":
        header.SpecificCharacterSet = character_set
        header.set_original_encoding(vr is None, little_endian, python_encoding[character_set])
    return header


def outcome(function: Callable[[Dataset, str], Any], header: Dataset, keyword: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return repr(function(header, keyword))
        except MalformedAttributeError as error:
            return str(error)


def three_numbers(header: Dataset, keyword: str) -> tuple[float, ...]:
    return numbers(header, keyword, count=3)


def assert_same_as_converted(header: Callable[[], Dataset], keyword: str) -> None:
    for function in (numbers, integer, text, uid, values, three_numbers):
        converted = header()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                converted[keyword]
            # What pydicom cannot convert it leaves half converted: nothing to compare with.
            except Exception:
                return
        assert outcome(function, header(), keyword) == outcome(function, converted, keyword)


@settings(max_examples=1500, deadline=None)
@given(
    keyword=st.sampled_from(KEYWORDS),
    vr=st.sampled_from((None, *VRS)),
    value=st.one_of(
        st.text("0123456789+-.eE \\", max_size=24).map(str.encode),
        st.lists(st.floats(width=32), min_size=1, max_size=4).map(
            lambda found: "\\".join(map(str, found))[:60].encode()
        ),
        st.lists(st.sampled_from(["A", " b", "c ", "", " ", "\0", "Z\0"]), max_size=4).map(
            lambda parts: "\\".join(parts).encode()
        ),
        st.binary(max_size=16),
    ),
    little_endian=st.booleans(),
    character_set=st.sampled_from(["", *sorted(python_encoding)]),
)
def test_the_short_way_finds_what_pydicom_finds(
    keyword: str, vr: str | None, value: bytes, little_endian: bool, character_set: str
) -> None:
    assert_same_as_converted(lambda: read_from_file(keyword, vr, value, little_endian, character_set), keyword)


@settings(max_examples=200, deadline=None)
@given(
    value=st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
    vr=st.sampled_from(["LO", "SH", "CS", "UI", "DA", "TM", "AS", "DT"]),
    character_set=st.sampled_from(sorted(python_encoding)),
)
def test_ascii_is_ascii_in_every_character_set(value: str, vr: str, character_set: str) -> None:
    keyword = "SeriesDescription"
    assert_same_as_converted(lambda: read_from_file(keyword, vr, value.encode(), character_set=character_set), keyword)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), vr=st.sampled_from(["US", "SS", "UL", "SL", "FL", "FD"]))
def test_binary_numbers(data: st.DataObject, vr: str) -> None:
    form = {"US": "H", "SS": "h", "UL": "L", "SL": "l", "FL": "f", "FD": "d"}[vr]
    size = struct.calcsize(f"<{form}")
    value = data.draw(st.integers(0, 4).flatmap(lambda count: st.binary(min_size=count * size, max_size=count * size)))
    for keyword in ("Rows", "LUTDescriptor", "PixelPaddingValue"):
        assert_same_as_converted(lambda keyword=keyword: read_from_file(keyword, vr, value), keyword)  # type: ignore[misc]


def test_absent_empty_and_malformed_are_told_apart() -> None:
    header = Dataset()
    header.EchoTime = None
    header.ImageType = ["ORIGINAL", "", "M"]
    header.ReferencedImageSequence = Sequence([Dataset()])
    assert values(header, "SliceThickness") == numbers(header, "EchoTime") == ()
    assert integer(header, "Rows") is None
    assert text(header, "Modality") is None
    assert uid(header, "SOPInstanceUID") is None
    assert values(header, "ImageType") == ("ORIGINAL", "M")
    assert text(header, "ImageType") == "ORIGINAL\\M"
    assert len(values(header, "ReferencedImageSequence")) == 1
    with pytest.raises(MalformedAttributeError, match="not a number"):
        numbers(header, "ImageType")
    with pytest.raises(MalformedAttributeError, match="not one unique identifier"):
        uid(header, "ImageType")


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (b"1.5", "InstanceNumber is not an integer"),
        (b"1\\2", "InstanceNumber has 2 values instead of 1: 1.2"),
        (b"1e999", "InstanceNumber is not finite"),
        (b"one ", "InstanceNumber"),
        (b"9" * 400, "InstanceNumber is not finite"),
    ],
)
def test_what_is_wrong_is_said(value: bytes, message: str) -> None:
    vr = "DS" if b"." in value or b"e9" in value else "IS"
    with pytest.raises(MalformedAttributeError, match=message):
        integer(read_from_file("InstanceNumber", vr, value), "InstanceNumber")


def test_reading_an_attribute_leaves_the_header_as_it_was() -> None:
    header = read_from_file("ImagePositionPatient", "DS", b"1\\-2.50\\3e1 ")
    before = header.get_item("ImagePositionPatient")
    assert numbers(header, "ImagePositionPatient", count=3) == (1.0, -2.5, 30.0)
    assert header.get_item("ImagePositionPatient") is before


def test_a_value_left_in_its_file_is_fetched(tmp_path: Path) -> None:
    path = save(instance_of(slice_header(AXIAL, 0, 6, 5), ramp("u2")[0]), tmp_path / "deferred.dcm")
    header = dcmread(path, defer_size=2)
    assert numbers(header, "ImageOrientationPatient", count=6) == (1, 0, 0, 0, 1, 0)
