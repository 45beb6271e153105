"""Names as the standard itself encodes them: PS3.5 annexes H, I, J and K."""

from __future__ import annotations

import pytest
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import Tag

import operators.read.headers.reader  # noqa: F401 - importing it corrects pydicom

NAME, CHARACTER_SET = Tag("PatientName"), Tag("SpecificCharacterSet")


def encoded(character_set: bytes, name: bytes) -> Dataset:
    header = Dataset(
        {
            CHARACTER_SET: RawDataElement(CHARACTER_SET, "CS", len(character_set), character_set, 0, False, True),
            NAME: RawDataElement(NAME, "PN", len(name), name, 0, False, True),
        }
    )
    header.set_original_encoding(False, True, header._character_set)
    return header


@pytest.mark.parametrize(
    ("character_set", "name", "expected"),
    [
        (
            rb"\ISO 2022 IR 87",
            b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B=\x1b$B$d$^$@\x1b(B^\x1b$B$?$m$&\x1b(B",
            "Yamada^Tarou=山田^太郎=やまだ^たろう",
        ),
        (
            rb"\ISO 2022 IR 149",
            b"Hong^Gildong=\x1b$)C\xfb\xf3^\x1b$)C\xd1\xce\xd4\xd7=\x1b$)C\xc8\xab^\x1b$)C\xb1\xe6\xb5\xbf",
            "Hong^Gildong=洪^吉洞=홍^길동",
        ),
        (
            rb"\ISO 2022 IR 58",
            b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab=",
            "Zhang^XiaoDong=张^小东",
        ),
        (b"GB18030", b"Wang^XiaoDong=\xcd\xf5^\xd0\xa1\xb6\xab=", "Wang^XiaoDong=王^小东"),
        (b"ISO_IR 192", "Wang^XiaoDong=王^小東=".encode(), "Wang^XiaoDong=王^小東"),
    ],
)
def test_the_standards_examples_are_read_and_written_again(character_set: bytes, name: bytes, expected: str) -> None:
    header = encoded(character_set, name)
    assert str(header.PatientName).rstrip("=") == expected
    # Decoded and encoded anew, as the patient of a result is.
    header.PatientName = str(header.PatientName)
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, False
    write_dataset(written, header)
    assert name.rstrip(b"=") in written.getvalue()
