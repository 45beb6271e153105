"""The walk over a result's bytes: all that is legal is read, all that is not is told."""

from __future__ import annotations

import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset

from deploy.node.verify.elements import EncodingError, Item, tag_of
from deploy.node.verify.encoding import read_data_set
from deploy.node.verify.result_file import read_result
from operators.provenance import Analysis
from operators.write.base.result import save
from tests.operators.write.every_object import EVERY_OBJECT


def encoded(dataset: Dataset) -> bytes:
    file = DicomBytesIO()
    file.is_implicit_VR, file.is_little_endian = False, True
    write_dataset(file, dataset)
    return file.getvalue()


def nested(*, undefined_length: bool) -> Dataset:
    code = Dataset()
    code.CodeMeaning = "Größe"
    item = Dataset()
    item.ConceptCodeSequence = [code, Dataset()]
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 100"
    dataset.ContentSequence = [item, item]
    dataset.Rows = 7
    for holder in (dataset["ContentSequence"], item["ConceptCodeSequence"]):
        holder.is_undefined_length = undefined_length
        for each in holder.value:
            each.is_undefined_length_sequence_item = undefined_length
    return dataset


@pytest.mark.parametrize("undefined_length", [False, True])
def test_sequences_of_either_length_are_read(undefined_length: bool) -> None:
    root = read_data_set(encoded(nested(undefined_length=undefined_length)), 0, encapsulated=False)
    items = root.items("ContentSequence")
    assert len(items) == 2
    first, second = items[0].items("ConceptCodeSequence")
    assert first.text("CodeMeaning") == "Größe"
    assert not second.elements
    assert list(root.elements) == [tag_of("SpecificCharacterSet"), tag_of("Rows"), tag_of("ContentSequence")]
    assert root.integer("Rows") == 7


def flat(item: Item) -> list[tuple[int, str, bytes]]:
    found = []
    for tag, element in item.elements.items():
        found.append((tag, element.vr, element.value))
        for child in element.items:
            found += flat(child)
    return found


@pytest.mark.parametrize("name", EVERY_OBJECT)
def test_what_is_read_is_what_pydicom_reads(name: str, analysis: Analysis, tmp_path: Path) -> None:
    path = save(EVERY_OBJECT[name](analysis).object, tmp_path)
    by_pydicom = [(int(element.tag), element.VR) for element in dcmread(path).iterall()]
    assert [(tag, vr) for tag, vr, _ in flat(read_result(path).root)] == by_pydicom


BROKEN = [
    (b"\x08\0\x60\0CS\x03\0SEG", "has the odd length 3"),
    (b"\x08\0\x60\0CS\x04\0SE", "has 2 bytes of 4"),
    (b"\x08\0\x60\0CS", "less than an element"),
    (b"\x08\0\x60\0??\x02\0SR", "has no value representation"),
    (b"\x08\0\x60\0CS\x02\0SR\x08\0\x20\0DA\0\0", "is out of order"),
    (b"\x08\0\x60\0CS\x02\0SR\x08\0\x60\0CS\x02\0SR", "is out of order"),
    (b"\x08\0\x60\0UT\0\0\xff\xff\xff\xffSR", "has no length"),
    (b"\x08\0\x60\0UT\0\0", "is cut off"),
    (b"\x08\0\x15\x11SQ\0\0\x08\0\0\0\x08\0\x60\0\0\0\0\0", "instead of an item"),
    (b"\x08\0\x15\x11SQ\0\0\x08\0\0\0\xfe\xff\x00\xe0\x02\0\0\0", "goes beyond its sequence"),
    (b"\x08\0\x15\x11SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\0\0\0\0", "ends early"),
    (b"\x08\0\x05\0CS\x06\0ISO_XX", "there is no character set 'ISO_XX'"),
    (b"\x08\0\x05\0CS\x16\0ISO_IR 100\\ISO_IR 192 ", "cannot be combined without code extensions"),
]


@pytest.mark.parametrize(("data", "said"), BROKEN)
def test_what_is_broken_is_told(data: bytes, said: str) -> None:
    with pytest.raises(EncodingError, match=said):
        read_data_set(data, 0, encapsulated=False)


PIXELS = b"\xe0\x7f\x10\0OB\0\0\xff\xff\xff\xff"
ITEM, END = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def test_fragments_are_read() -> None:
    data = PIXELS + ITEM + b"\0\0\0\0" + ITEM + b"\x02\0\0\0ab" + END
    element = read_data_set(data, 0, encapsulated=True).get("PixelData")
    assert element is not None
    assert element.fragments == (b"", b"ab")


@pytest.mark.parametrize("data", [ITEM + b"\x03\0\0\0abc" + END, ITEM + b"\x09\0\0\0ab", b"\x08\0\x60\0" + END])
def test_broken_fragments_are_told(data: bytes) -> None:
    with pytest.raises(EncodingError, match="fragment"):
        read_data_set(PIXELS + data, 0, encapsulated=True)


def test_native_pixels_in_a_compressed_syntax_are_told() -> None:
    with pytest.raises(EncodingError, match="not encapsulated"):
        read_data_set(b"\xe0\x7f\x10\0OB\0\0\x02\0\0\0ab", 0, encapsulated=True)


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
@settings(deadline=None, max_examples=60)
@given(st.data())
def test_damage_is_told_or_harmless(
    analysis: Analysis, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever byte is changed, the walk ends with an object or a complaint."""
    folder = tmp_path_factory.getbasetemp()
    path = folder / "report.dcm"
    if not path.exists():
        save(EVERY_OBJECT["refusal report"](analysis).object, folder)
    content = bytearray(path.read_bytes())
    at = data.draw(st.integers(144, len(content) - 1))
    content[at] = data.draw(st.integers(0, 255))
    broken = folder / "broken.dcm"
    broken.write_bytes(content)
    with suppress(ValueError):
        read_result(broken)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda content: b"\1" + content[1:], "does not begin with an empty preamble"),
        (lambda content: content[:140], "has 0 bytes of 4"),
        (lambda content: content[:150], "File Meta Information is cut off"),
        (lambda content: content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"), "is none that results"),
        (lambda content: content.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.9\0"), "is none that results"),
        (lambda content: content + b"\0\0", "less than an element"),
    ],
)
def test_a_file_of_another_form_is_told(change, said: str, analysis: Analysis, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = save(EVERY_OBJECT["refusal report"](analysis).object, tmp_path)
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(EncodingError, match=said):
        read_result(path)


def test_a_deflated_data_set_has_to_end_with_the_file(analysis: Analysis, tmp_path: Path) -> None:
    path = save(EVERY_OBJECT["segmentation, deflated"](analysis).object, tmp_path)
    good = path.read_bytes()
    read_result(path)
    path.write_bytes(good + b"\0\0")
    with pytest.raises(EncodingError, match="does not end with the file"):
        read_result(path)
    path.write_bytes(good[:-40])
    with pytest.raises((EncodingError, zlib.error)):
        read_result(path)
