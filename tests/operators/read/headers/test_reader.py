from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom import dcmread
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from operators.read.headers.reader import HeaderReader
from operators.read.headers.reference import LARGEST_INFLATED_HEADER, MediaStorageDirectoryError, NotAnInstanceError
from tests.operators.read.slices import AXIAL, instance_of, ramp, save, slice_header

pytestmark = pytest.mark.filterwarnings("ignore")

PYDICOMS_FILES = Path(pydicom.__file__).parent / "data" / "test_files"

NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian)
REFERENCED_IMAGES, SCAN_OPTIONS = Tag("ReferencedImageSequence"), Tag("ScanOptions")


def assert_equal(ours: FileDataset, reference: FileDataset) -> None:
    """Element by element: order, tags, undecoded bytes and positions, values, encodings."""
    assert type(ours) is type(reference)
    assert ours.original_encoding == reference.original_encoding
    assert ours.original_character_set == reference.original_character_set
    assert (ours.preamble, ours.timestamp) == (reference.preamble, reference.timestamp)
    for mine, theirs in ((ours, reference), (ours.file_meta, reference.file_meta)):
        assert list(mine.keys()) == list(theirs.keys())
        for tag in list(theirs.keys()):
            one, other = (dataset.get_item(tag, keep_deferred=True) for dataset in (mine, theirs))
            if isinstance(one, RawDataElement) and isinstance(other, RawDataElement):
                assert one == other
            assert converted(mine, tag) == converted(theirs, tag)


def converted(dataset: Dataset, tag: int) -> tuple[Any, ...]:
    try:
        element = dataset[tag]
        # Not the text of the whole element: pydicom names a private sequence only when it converts it late.
        return str(element.VR), str(element.value), element.is_undefined_length, element.file_tell, items(element)
    except Exception as error:
        return type(error), str(error)


def items(element: DataElement) -> list[Any]:
    found: Any = element.value
    if not isinstance(found, Sequence):
        return []
    return [
        (item.is_undefined_length_sequence_item, item.original_encoding, character_sets(item), str(item))
        for item in found
    ]


def character_sets(dataset: Dataset) -> list[str]:
    # pydicom itself writes one character set sometimes as a text and sometimes as a list.
    found = dataset.original_character_set
    return [found] if isinstance(found, str) else list(found)


def compare(reader: HeaderReader, path: Path) -> None:
    """Either both read the file and find the same, or neither reads it."""
    reference: FileDataset | None = None
    with warnings.catch_warnings(), path.open("rb") as file:
        warnings.simplefilter("ignore")
        try:
            reference = dcmread(file, stop_before_pixels=True)
            stopped_at, tag = file.tell(), file.read(4)
        except Exception:
            with pytest.raises(Exception):  # noqa: B017, PT011 - a damaged file makes pydicom raise nearly anything
                reader.read(path)
            return
    ours, offset = reader.read(path)
    assert_equal(ours, reference)
    deflated = ours.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian
    groups = {struct.pack(order, 0x7FE0, element) for order in ("<HH", ">HH") for element in (0x8, 0x9, 0x10)}
    assert offset == (stopped_at if tag in groups and not deflated else None)


def instance(number: int = 0, **attributes: Any) -> Dataset:
    """An instance with sequences, private elements, empty values and every kind of length."""
    result = instance_of(slice_header(AXIAL, number, 6, 5), ramp("u2")[0])
    result.SOPInstanceUID = f"1.2.3.{number}"
    result.SpecificCharacterSet = "ISO_IR 192"
    result.PatientName = "Wang^XiaoDong=王^小东"
    result.SliceLocation, result.InstanceNumber = number * 9, number
    result.AccessionNumber, result.EchoTime = "", None
    result.ScanOptions = ["FS", "SAT1"]
    references = [Dataset() for _ in range(3)]
    for index, reference in enumerate(references):
        reference.ReferencedSOPInstanceUID = f"1.2.3.{number}.{index}"
        reference.PurposeOfReferenceCodeSequence = [Dataset()]
        reference.PurposeOfReferenceCodeSequence[0].CodeMeaning = "局部化 image"
    result.ReferencedImageSequence = references
    block = result.private_block(0x0019, "GANTRY TEST", create=True)
    block.add_new(0x01, "LO", "private")
    block.add_new(0x02, "OB", bytes(range(number % 7 * 2)))
    block.add_new(0x03, "SQ", [Dataset()])
    block[0x03].value[0].StudyDescription = "inside"
    for keyword, value in attributes.items():
        setattr(result, keyword, value)
    return result


def with_undefined_lengths(dataset: Dataset, items_too: bool) -> Dataset:
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = items_too
                with_undefined_lengths(item, items_too)
    return dataset


def test_every_file_of_pydicoms_own_tests_reads_as_with_pydicom() -> None:
    paths = [path for path in PYDICOMS_FILES.rglob("*") if path.is_file()]
    assert len(paths) > 50
    reader = HeaderReader()
    for path in [*paths, *reversed(paths)]:
        content = path.read_bytes()
        if content.startswith(b"DICM", 128) and MediaStorageDirectoryStorage.encode() not in content[:400]:
            compare(reader, path)


@pytest.mark.parametrize("syntax", [*NATIVE, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("undefined", [None, False, True])
def test_neighbouring_headers_read_as_with_pydicom(tmp_path: Path, syntax: str, undefined: bool | None) -> None:
    reader = HeaderReader()
    for number in (3, 4, 4, 10, 100, 4, 5):
        dataset = instance(number)
        if undefined is not None:
            with_undefined_lengths(dataset, undefined)
        compare(reader, save(dataset, tmp_path / f"{number}.dcm", syntax))


@pytest.mark.parametrize("syntax", NATIVE)
def test_equal_elements_are_shared_and_nothing_is_converted(tmp_path: Path, syntax: str) -> None:
    reader = HeaderReader()
    first, second, third, fourth = (
        reader.read(save(with_undefined_lengths(instance(number), True), tmp_path / f"{number}.dcm", syntax))[0]
        for number in (1, 2, 3, 4)
    )
    assert all(isinstance(third.get_item(tag, keep_deferred=True), RawDataElement) for tag in list(third.keys()))
    assert second.get_item(SCAN_OPTIONS).value is third.get_item(SCAN_OPTIONS).value
    assert third.get_item(SCAN_OPTIONS) is fourth.get_item(SCAN_OPTIONS)
    assert third.get_item(REFERENCED_IMAGES) != fourth.get_item(REFERENCED_IMAGES)
    third.ScanOptions = "changed"
    second.ScanOptions.append("changed")
    assert first.ScanOptions == ["FS", "SAT1"]


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "InstanceNumber": st.integers(0, 10_000),
    "SeriesInstanceUID": st.sampled_from(["1.2.1", "1.2.22"]),
    "SpecificCharacterSet": st.sampled_from(["ISO_IR 192", "ISO_IR 100", ["", "ISO 2022 IR 87"], ""]),
    "ImageComments": st.text("ab ", max_size=6),
    "EchoTime": st.sampled_from([None, 1, "2.50"]),
    "WindowCenter": st.lists(st.integers(-99, 99), min_size=1, max_size=3),
    "SmallestImagePixelValue": st.integers(0, 9),
    "AnatomicRegionSequence": st.integers(0, 2).map(lambda count: [slice_header(AXIAL, 0, 1, 1)] * count),
}


@settings(max_examples=60, deadline=None)
@given(
    headers=st.lists(
        st.tuples(st.sampled_from(NATIVE), st.booleans(), st.fixed_dictionaries({}, optional=VALUES)),
        min_size=2,
        max_size=6,
    )
)
def test_headers_in_any_order_read_as_with_pydicom(
    headers: list[tuple[str, bool, dict[str, Any]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("headers")
    reader = HeaderReader()
    for index, (syntax, undefined, attributes) in enumerate(headers):
        dataset = instance(**attributes)
        if undefined:
            with_undefined_lengths(dataset, True)
        compare(reader, save(dataset, folder / f"{index}.dcm", syntax))


@pytest.fixture(scope="module")
def bases(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bases")
    return [
        save(with_undefined_lengths(instance(7), undefined), folder / f"{syntax}{undefined}.dcm", syntax)
        for syntax in NATIVE
        for undefined in (False, True)
    ]


@settings(max_examples=300, deadline=None)
@given(
    base=st.integers(0, 3),
    changes=st.lists(
        st.tuples(
            st.floats(0, 1, exclude_max=True),
            st.integers(0, 6),
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from([b"\xff\xff\xff\xff", b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"SQ", b"UN", b"OB"]),
            ),
        ),
        min_size=1,
        max_size=3,
    ),
    cut=st.integers(0, 9),
)
def test_changed_bytes_read_as_with_pydicom(
    base: int,
    changes: list[tuple[float, int, bytes]],
    cut: int,
    bases: list[Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    content = bytearray(bases[base].read_bytes())
    for place, removed, inserted in changes:
        at = 132 + int(place * (len(content) - 132))
        content[at : at + removed] = inserted
    if cut == 0:
        del content[int(changes[0][0] * len(content)) :]
    path = tmp_path_factory.mktemp("changed") / "changed.dcm"
    path.write_bytes(content)
    if not content.startswith(b"DICM", 128):
        return
    reader = HeaderReader()
    reader.read(bases[base])
    compare(reader, path)
    compare(HeaderReader(), path)


@pytest.mark.parametrize("keyword", ["FloatPixelData", "DoubleFloatPixelData"])
@pytest.mark.parametrize("syntax", [*NATIVE, ExplicitVRBigEndian])
def test_floating_point_pixel_data_ends_the_header(tmp_path: Path, keyword: str, syntax: str) -> None:
    dataset = instance()
    del dataset.PixelData
    setattr(dataset, keyword, bytes(240))
    path = save(dataset, tmp_path / "float.dcm", syntax)
    reader = HeaderReader()
    for _ in range(3):
        compare(reader, path)
        header, offset = reader.read(path)
        assert offset is not None
        assert keyword not in header


def test_a_header_longer_than_any_block_is_read_whole(tmp_path: Path) -> None:
    reader = HeaderReader()
    for number, length in enumerate((10, 3_000_000, 20_000, 40_000, 40_002, 10)):
        dataset = instance(number)
        dataset.private_block(0x0019, "GANTRY TEST").add_new(0x10, "OB", bytes(length))
        compare(reader, save(dataset, tmp_path / f"{number}.dcm"))


def test_deflated_headers_are_inflated_no_further_than_needed(tmp_path: Path) -> None:
    dataset = instance(ImageComments="x" * 10)
    dataset.private_block(0x0019, "GANTRY TEST").add_new(0x10, "OB", bytes(1_000_000))
    path = save(dataset, tmp_path / "deflated.dcm", DeflatedExplicitVRLittleEndian)
    compare(HeaderReader(), path)


@pytest.mark.parametrize("of_many_elements", [False, True])
def test_a_header_that_inflates_without_end_is_not_read(tmp_path: Path, of_many_elements: bool) -> None:
    path = save(instance(), tmp_path / "bomb.dcm", DeflatedExplicitVRLittleEndian)
    content = path.read_bytes()
    start = content.index(b"1.2.840.10008.1.2.1.99") + len("1.2.840.10008.1.2.1.99")
    start = 132 + 12 + struct.unpack_from("<L", content, 140)[0]
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    length = 1 << 20 if of_many_elements else 0x7FFFFFF0
    zeros, bomb = bytes(1 << 20), [content[:start]]
    for element in range(200):
        if element == 0 or of_many_elements:
            bomb.append(compressor.compress(struct.pack("<HH2sHL", 0x0009, 0x1000 + element, b"OB", 0, length)))
        bomb.append(compressor.compress(zeros))
    path.write_bytes(b"".join([*bomb, compressor.flush()]))
    assert path.stat().st_size < LARGEST_INFLATED_HEADER // 100
    with pytest.raises(NotAnInstanceError, match="longer than"):
        HeaderReader().read(path)


def test_lengths_beyond_the_file_reserve_no_memory(tmp_path: Path) -> None:
    path = save(instance(), tmp_path / "length.dcm")
    content = path.read_bytes()
    at = content.index(b"\x19\x00\x02\x10OB")
    path.write_bytes(content[: at + 8] + b"\xf0\xff\xff\xff" + content[at + 12 :])
    compare(HeaderReader(), path)


def nested(depth: int, undefined: bool) -> bytes:
    inner = b""
    for _ in range(depth):
        head = struct.pack("<HH2sHL", 0x0008, 0x1115, b"SQ", 0, 0xFFFFFFFF if undefined else len(inner) + 8)
        item = struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF if undefined else len(inner))
        end = struct.pack("<HHLHHL", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0) if undefined else b""
        inner = head + item + inner + end
    return inner


@pytest.mark.parametrize("undefined", [False, True])
@pytest.mark.parametrize("depth", [1, 15, 17, 60, 20_000])
def test_sequences_in_sequences_read_as_with_pydicom(tmp_path: Path, depth: int, undefined: bool) -> None:
    path = save(instance(), tmp_path / "nested.dcm")
    content = path.read_bytes()
    at = content.index(b"\x08\x00\x40\x11SQ")
    path.write_bytes(content[:at] + nested(depth, undefined) + content[at:])
    if depth < 100:
        compare(HeaderReader(), path)
    elif undefined:
        with pytest.raises(RecursionError):
            HeaderReader().read(path)
    else:
        assert HeaderReader().read(path)[0].Modality == "MR"


@pytest.mark.parametrize("syntax", NATIVE)
@pytest.mark.parametrize("with_file_meta", [False, True])
def test_a_data_set_without_preamble_is_read(tmp_path: Path, syntax: str, with_file_meta: bool) -> None:
    path = save(instance(5), tmp_path / "5.dcm", syntax)
    start = 132 if with_file_meta else path.read_bytes().index(b"\x08\x00\x05\x00")
    path.write_bytes(path.read_bytes()[start:])
    header, offset = HeaderReader().read(path)
    assert header.file_meta.TransferSyntaxUID == syntax
    assert header == dcmread(path, force=True, stop_before_pixels=True)
    assert offset is not None
    assert path.read_bytes()[offset : offset + 4] == b"\xe0\x7f\x10\x00"


@pytest.mark.parametrize(
    "damage",
    [lambda content: content[:-70], lambda content: content[:40] + content[41:], lambda content: b"\x08\x00" * 900],
)
def test_a_damaged_data_set_without_preamble_is_no_instance(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    dataset = instance(5)
    del dataset.PixelData
    path = save(dataset, tmp_path / "5.dcm")
    content = path.read_bytes()
    path.write_bytes(damage(content[content.index(b"\x08\x00\x05\x00") :]))
    with pytest.raises(NotAnInstanceError, match="not a DICOM file"):
        HeaderReader().read(path)


def test_a_directory_of_a_medium_is_told_from_an_instance(tmp_path: Path) -> None:
    dataset = instance()
    dataset.SOPClassUID = MediaStorageDirectoryStorage
    path = save(dataset, tmp_path / "index")
    with pytest.raises(MediaStorageDirectoryError):
        HeaderReader().read(path)
