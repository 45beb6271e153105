"""Each value representation, multiplicity and term has its rule (PS3.5 section 6.2)."""

from __future__ import annotations

import struct

import pytest

from deploy.node.verify.elements import Element, tag_of
from deploy.node.verify.values import element_problems

GOOD = {
    ("AE", "RetrieveAETitle"): [b"GANTRY"],
    ("AS", "PatientAge"): [b"072Y", b"001W"],
    ("CS", "BurnedInAnnotation"): [b"NO", b"YES "],
    ("DA", "ContentDate"): [b"20240229"],
    ("DS", "SliceThickness"): [b"1.5 ", b"-1.25E-05 ", b".5", b"+3."],
    ("DT", "ContributionDateTime"): [b"20230714110506.789000+0200", b"2023", b"202307141105"],
    ("IS", "InstanceNumber"): [b"1 ", b"-2147483648 "],
    ("LO", "SeriesDescription"): [b"x" * 64, "ä".encode("latin-1") * 64],
    ("LT", "PatientComments"): [b"two\r\nlines", b"back\\slash"],
    ("PN", "ContentCreatorName"): [b"A^B^C^D^E", b"=" + b"y" * 64],
    ("SH", "StationName"): [b"0123456789abcdef"],
    ("ST", "InstitutionAddress"): [b"a\\b" + b"x" * 900],
    ("TM", "ContentTime"): [b"235960.123456", b"12", b"1203"],
    ("UI", "SOPInstanceUID"): [b"1.2.840.10008.1\0", b"2." + b"1" * 62],
    ("UT", "TextValue"): [b"x" * 5000],
    ("US", "Rows"): [b"\1\0"],
    ("FD", "FloatingPointValue"): [struct.pack("<d", 1.5)],
    ("FL", "GraphicData"): [struct.pack("<4f", 1, 2, 3, 4)],
    ("OB", "PixelData"): [b"\0\1\2\3"],
    ("OW", "PixelData"): [b"\0\1\2\3"],
    ("AT", "DimensionIndexPointer"): [b"\x20\0\x32\0"],
}
BAD = [
    ("AE", "RetrieveAETitle", b"x" * 17, "has 17 characters"),
    ("AS", "PatientAge", b"72Y ", "is no AS"),
    ("CS", "PresentationLUTShape", b"identity", "is no CS"),
    ("CS", "ConceptNameCodeSequence", b"x", "has the value representation CS, not SQ"),
    ("DA", "ContentDate", b"20241301", "is no DA"),
    ("DA", "ContentDate", b"2024.02.", "is no DA"),
    ("DS", "SliceThickness", b"1,5 ", "is no DS"),
    ("DS", "SliceThickness", b"nan ", "is no DS"),
    ("DS", "SliceThickness", b"3.14159265358979323 ", "DS allows 16"),
    ("DT", "ContributionDateTime", b"20230714 1105", "is no DT"),
    ("IS", "InstanceNumber", b"1.0 ", "is no IS"),
    ("IS", "InstanceNumber", b"2147483648", "is too large for IS"),
    ("LO", "SeriesDescription", b"x" * 65, "has 65 characters, LO allows 64"),
    ("LO", "SeriesDescription", b"a\nb ", "holds a control character"),
    ("LO", "SeriesDescription", b"a\\b ", "has 2 values, not 1"),
    ("LO", "SeriesDescription", "漢".encode(), "is not in the character set"),
    ("PN", "ContentCreatorName", b"A^B^C^D^E^F", "has 6 components"),
    ("PN", "ContentCreatorName", b"a=b=c=d ", "has 4 component groups"),
    ("PN", "ContentCreatorName", b"x" * 65, "PN allows 64 in a group"),
    ("SH", "StationName", b"0123456789abcdefg", "SH allows 16"),
    ("TM", "ContentTime", b"2400", "is no TM"),
    ("TM", "ContentTime", b"12:03 ", "is no TM"),
    ("UI", "SOPInstanceUID", b"1.02.3", "is no UI"),
    ("UI", "SOPInstanceUID", b"2." + b"1" * 63, "has 65 characters"),
    ("US", "Rows", b"\1\0\2\0", "has 2 values, not 1"),
    ("US", "Rows", b"\1\0\2", "which are no values of 2"),
    ("UL", "Rows", b"\1\0\0\0", "has the value representation UL, not US"),
    ("FL", "PixelSpacing", b"\0\0\0\0", "not DS"),
    ("DS", "PixelSpacing", b"1.0 ", "has 1 values, not 2"),
    ("DS", "ImageOrientationPatient", b"1\\0\\0\\0\\1 ", "has 5 values, not 6"),
    ("DS", "ContourData", b"1\\2\\3\\4 ", "has 4 values, not 3-3n"),
    ("CS", "SegmentationType", b"BINARRY ", "none of BINARY, FRACTIONAL, LABELMAP"),
    ("CS", "ImageType", b"DERIVED\\TERTIARY", r"begins with DERIVED\\TERTIARY"),
    ("SH", "TimezoneOffsetFromUTC", b"+2:00 ", "is no offset from UTC"),
]


@pytest.mark.parametrize(("vr", "keyword", "value"), [(*key, value) for key, found in GOOD.items() for value in found])
def test_what_the_standard_allows_passes(vr: str, keyword: str, value: bytes) -> None:
    assert list(element_problems(tag_of(keyword), Element(vr, value), ("latin-1",))) == []


@pytest.mark.parametrize(("vr", "keyword", "value", "said"), BAD)
def test_what_it_forbids_is_found(vr: str, keyword: str, value: bytes, said: str) -> None:
    problems = list(element_problems(tag_of(keyword), Element(vr, value), ("ascii",)))
    assert any(said.replace(r"\\", "\\") in problem for problem in problems), problems


def test_an_empty_value_breaks_no_rule() -> None:
    assert list(element_problems(tag_of("ContentDate"), Element("DA"), ("ascii",))) == []


@pytest.mark.filterwarnings("ignore:Failed to decode")
def test_several_character_sets_may_be_mixed() -> None:
    value = b"Yamada^Tarou=" + b"\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B"
    assert list(element_problems(tag_of("ContentCreatorName"), Element("PN", value), ("ascii", "iso2022_jp"))) == []
    broken = b"\x1b$B\xff\xff\x1b(B "
    problems = list(element_problems(tag_of("ContentCreatorName"), Element("PN", broken), ("ascii", "iso2022_jp")))
    assert "is not in the character set" in problems[0]
