"""What mutated files have shown, each in its smallest form: refused by this reason, or read as pydicom reads it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.uid import MPEG4HP41, ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1

from operators.read.study import read_study
from operators.read.volume import read_volume
from tests.fuzz.reading import read_folder
from tests.fuzz.seeds import seed_folder
from tests.fuzz.structure import PIXEL_DATA, Element, File, Item, parse, serialise
from tests.fuzz.values import tag_of

Edit = Callable[[File], None]


def outcome(folder: Path, seed: str, *edits: Edit, name: str = "0.dcm") -> str:
    """What becomes of a seed whose file ``name`` has been edited."""
    content = dict(seed_folder(seed))
    file = parse(content[name])
    for edit in edits:
        edit(file)
    content[name] = serialise(file)
    for each, written in content.items():
        (folder / each).write_bytes(written)
    return read_folder(folder, content)


def found(file: File, keyword: str) -> Element:
    """The first element of this keyword, wherever it stands."""
    tag = tag_of(keyword)
    return next(element for elements in file.walk() for element in elements if element.tag == tag)


def given(keyword: str, value: bytes, vr: bytes = b"US") -> Edit:
    """Give an attribute at the top level a value."""

    def edit(file: File) -> None:
        tag = tag_of(keyword)
        file.elements = [element for element in file.elements if element.tag != tag] + [Element(tag, vr, value)]
        file.elements.sort(key=lambda element: element.tag)

    return edit


def short(value: int) -> bytes:
    return value.to_bytes(2, "little")


def announced(syntax: str) -> Edit:
    """Announce another transfer syntax than the data set has."""
    return lambda file: setattr(found(file, "TransferSyntaxUID"), "value", syntax.encode() + b"\0" * (len(syntax) % 2))


def with_vr(keyword: str, vr: bytes) -> Edit:
    return lambda file: setattr(found(file, keyword), "vr", vr)


def fragments(file: File) -> list[Item]:
    element = file.find(PIXEL_DATA)
    assert element is not None
    assert element.items is not None
    return element.items


@pytest.mark.parametrize(
    ("seed", "syntax"),
    [("ct", ImplicitVRLittleEndian), ("mr_mosaic", ImplicitVRLittleEndian), ("mr_implicit", ExplicitVRLittleEndian)],
)
def test_a_data_set_in_another_encoding_than_announced(tmp_path: Path, seed: str, syntax: str) -> None:
    """The head of the pixel data was taken for pixels: everything was shifted by two."""
    assert outcome(tmp_path, seed, announced(syntax)) == "read"


def test_a_damaged_group_length_of_the_file_meta_information(tmp_path: Path) -> None:
    def edit(file: File) -> None:
        file.meta[0].value = b"\xce\x4c"

    assert outcome(tmp_path, "ct", edit) == "read"


@pytest.mark.parametrize("seed", ["mr_mosaic", "nm"])
def test_headers_are_not_changed_by_reading_slices(tmp_path: Path, seed: str) -> None:
    """Setting an attribute of a slice's own header changed the element that it shares with the instance's."""
    for name, content in seed_folder(seed).items():
        (tmp_path / name).write_bytes(content)
    (series,) = read_study(tmp_path).series
    header = series.header
    before = {keyword: header.get(keyword) for keyword in ("Rows", "Columns", "ImagePositionPatient", "SliceVector")}
    first = read_volume(series)
    assert {keyword: header.get(keyword) for keyword in before} == before
    assert (read_volume(series).affine == first.affine).all()


@pytest.mark.parametrize(
    ("seed", "keyword", "vr", "reason"),
    [
        ("ct_enhanced_rle", "PerFrameFunctionalGroupsSequence", b"UT", "missing-geometry"),
        ("ct_enhanced_jpeg_2000", "SharedFunctionalGroupsSequence", b"LT", "missing-geometry"),
        ("nm", "DetectorInformationSequence", b"UN", "missing-geometry"),
        ("ct", "PixelData", b"UT", "unsupported-pixel-format"),
        ("ct_deflated", "PixelData", b"UT", "unsupported-pixel-format"),
        ("ct_enhanced_jpeg_2000", "PixelData", b"UT", "unsupported-pixel-format"),
    ],
)
def test_what_should_be_something_else(tmp_path: Path, seed: str, keyword: str, vr: bytes, reason: str) -> None:
    """A parser's own exception, or pixels out of an element that holds none."""

    def edit(file: File) -> None:
        element = found(file, keyword)
        if keyword.endswith("Sequence"):
            element.items, element.value, element.undefined = None, b"AB", False
        element.vr = vr

    assert outcome(tmp_path, seed, edit) == reason


def test_a_modality_lut_that_is_none(tmp_path: Path) -> None:
    edit = given("ModalityLUTSequence", b"A\\B ", b"UV")
    assert outcome(tmp_path, "mr_8_bit", edit) == "unsupported-pixel-format"


@pytest.mark.parametrize(
    ("seed", "group"),
    [
        ("mr_enhanced", "PixelValueTransformationSequence"),
        ("pt_legacy_converted", "PixelValueTransformationSequence"),
        ("mr_enhanced", "PixelMeasuresSequence"),
        ("mr_enhanced", "PlanePositionSequence"),
    ],
)
def test_a_functional_group_of_two_items(tmp_path: Path, seed: str, group: str) -> None:
    """Two rescale slopes were none: values came as they were stored."""

    def edit(file: File) -> None:
        element = found(file, group)
        assert element.items
        element.items.append(element.items[0])

    assert outcome(tmp_path, seed, edit) == "missing-geometry"


@pytest.mark.parametrize("seed", ["mr_enhanced", "pt_legacy_converted"])
@pytest.mark.parametrize("vr", [b"LO", None])
def test_a_functional_group_that_is_none(tmp_path: Path, seed: str, vr: bytes | None) -> None:
    """Under another VR, or without its item, a rescale slope was none: values came as they were stored."""

    def edit(file: File) -> None:
        element = found(file, "PixelValueTransformationSequence")
        if vr is None:
            element.items = []
        else:
            element.vr, element.items, element.value = vr, None, b"AB"

    assert outcome(tmp_path, seed, edit) == "missing-geometry"


def test_a_position_beside_the_functional_groups(tmp_path: Path) -> None:
    """What stands outside its group was taken for the position of every frame that has none."""

    def edit(file: File) -> None:
        position = found(file, "PlanePositionSequence")
        assert position.items
        found(file, "SharedFunctionalGroupsSequence").items[0].elements.insert(0, position.items[0].elements.pop())  # type: ignore[index]

    assert outcome(tmp_path, "mr_enhanced", edit) == "missing-geometry"


def test_an_intercept_beyond_every_number_of_the_array(tmp_path: Path) -> None:
    edit = given("RescaleIntercept", b"1E+308", b"DS")
    assert outcome(tmp_path, "dx", edit, given("RescaleSlope", b"1 ", b"DS")) == "read"


@pytest.mark.parametrize("frames", [b"2147483647", b"1000000 "])
@pytest.mark.parametrize("seed", ["us_rgb", "mr_jpeg_2000"])
def test_more_frames_than_memory(tmp_path: Path, seed: str, frames: bytes) -> None:
    assert outcome(tmp_path, seed, given("NumberOfFrames", frames, b"IS")) != "read"


@pytest.mark.parametrize("seed", ["mr_jpeg_2000", "mr_jpeg_ls", "ct_jpeg_lossless"])
def test_a_codestream_under_a_high_bit_of_its_own(tmp_path: Path, seed: str) -> None:
    edits = given("BitsStored", short(2)), given("HighBit", short(11))
    assert outcome(tmp_path, seed, *edits) == "unsupported-pixel-format"


@pytest.mark.parametrize(
    ("seed", "edits"),
    [
        ("us_ybr_422", [given("BitsStored", short(2)), given("HighBit", short(1))]),
        ("us_ybr_422", [given("PlanarConfiguration", short(1))]),
        ("us_rgb", [given("PlanarConfiguration", short(32768))]),
        ("us_rgb", [given("PhotometricInterpretation", b"YBR_FULL_422", b"CS")]),
    ],
)
def test_colour_that_contradicts_itself(tmp_path: Path, seed: str, edits: list[Edit]) -> None:
    assert outcome(tmp_path, seed, *edits) == "unsupported-pixel-format"


def test_a_jpeg_that_says_what_it_is_though_the_header_does_not(tmp_path: Path) -> None:
    assert outcome(tmp_path, "xc_jpeg", given("PhotometricInterpretation", b"RGB ", b"CS")) == "read"


def test_a_jpeg_without_its_tables(tmp_path: Path) -> None:
    """The decoder's own exception."""

    def edit(file: File) -> None:
        items = fragments(file)
        # The segment that defines the quantization tables becomes a comment.
        items[1].fragment = (items[1].fragment or b"").replace(b"\xff\xdb", b"\xff\xfe")

    assert outcome(tmp_path, "xc_jpeg", edit) == "unsupported-pixel-format"


@pytest.mark.parametrize("seed", ["ct_enhanced_rle", "ct_enhanced_jpeg_2000"])
def test_a_fragment_twice_under_a_table_that_still_fits(tmp_path: Path, seed: str) -> None:
    """A frame was taken for the next one where all fragments are equally long."""

    def edit(file: File) -> None:
        items = fragments(file)
        # Equally long, so that every offset is that of an item.
        longest = max(len(item.fragment or b"") for item in items[1:])
        for item in items[1:]:
            item.fragment = (item.fragment or b"").ljust(longest, b"\0")
        offsets = [(8 + longest) * index for index in range(len(items) - 1)]
        items[0].fragment = b"".join(offset.to_bytes(4, "little") for offset in offsets)
        items.insert(2, items[2])

    assert outcome(tmp_path, seed, edit) == "unsupported-pixel-format"


def test_rle_with_more_than_a_frame_holds(tmp_path: Path) -> None:
    """What pylibjpeg raises then is no Exception, and would have ended the thread that reads."""

    def edit(file: File) -> None:
        fragment = fragments(file)[1].fragment or b""
        # The last run goes on: 128 times one byte.
        fragments(file)[1].fragment = fragment + b"\x81\x01" * 40

    assert outcome(tmp_path, "mr_rle", edit) == "read"


@pytest.mark.parametrize("kept", [30, 60, 120])
def test_a_jpeg_ls_codestream_that_ends_early(tmp_path: Path, kept: int) -> None:
    """CharLS read on behind it, and did not come back for some of what it found there."""

    def edit(file: File) -> None:
        items = fragments(file)
        items[1:] = [Item(fragment=b"".join(item.fragment or b"" for item in items[1:])[:kept])]

    assert outcome(tmp_path, "mr_jpeg_ls", edit) == "truncated-pixel-data"


def test_lossless_jpeg_with_bytes_put_in(tmp_path: Path) -> None:
    """The decoder passes over codes that do not exist and returns another image."""

    def edit(file: File) -> None:
        fragments(file).insert(2, Item(fragment=b"\xc6\x35"))

    assert outcome(tmp_path, "ct_jpeg_lossless", edit) == "unsupported-pixel-format"


def test_offset_tables_without_lengths_or_of_odd_size_are_none(tmp_path: Path) -> None:
    def without_lengths(file: File) -> None:
        file.elements.remove(found(file, "ExtendedOffsetTableLengths"))

    def odd(file: File) -> None:
        fragments(file)[0].fragment = b"\0\0\0\0\1\0"

    for name, edit in (("mr_jpeg_extended_offsets", without_lengths), ("ct_enhanced_jpeg_2000", odd)):
        (tmp_path / name).mkdir()
        assert outcome(tmp_path / name, name, edit) == "read"


def test_an_offset_table_under_another_vr_is_none(tmp_path: Path) -> None:
    """A parser's own exception."""
    assert outcome(tmp_path, "ct_enhanced_jpeg_2000", given("ExtendedOffsetTable", b"XX", b"UV")) == "read"


def test_what_lies_between_two_images_belongs_to_none(tmp_path: Path) -> None:
    """It was taken for the end of the image before, where pydicom takes it for the beginning of the next."""

    def edit(file: File) -> None:
        items = fragments(file)
        items[0].fragment = b""
        second = next(index for index, item in enumerate(items[2:], 2) if (item.fragment or b"")[:2] == b"\xff\x4f")
        items.insert(second, Item(fragment=b"Cs"))

    assert outcome(tmp_path, "ct_enhanced_jpeg_2000", edit) == "unsupported-pixel-format"


def test_encapsulated_pixel_data_of_unknown_vr(tmp_path: Path) -> None:
    """They would be a sequence."""
    assert outcome(tmp_path, "mr_rle", with_vr("PixelData", b"UN")) == "unsupported-pixel-format"


@pytest.mark.parametrize("seed", ["ct_jpeg_lossless", "mr_jpeg_ls"])
def test_more_bits_than_jpeg_has(tmp_path: Path, seed: str) -> None:
    assert outcome(tmp_path, seed, given("BitsAllocated", short(32))) == "unsupported-pixel-format"


@pytest.mark.parametrize("inserted", [b"", b"$Q4\xa7"])
def test_pixel_data_whose_vr_is_damaged(tmp_path: Path, inserted: bytes) -> None:
    """Taken for a length, it let the pixels begin within the head of the element: everything was shifted."""
    content = dict(seed_folder("ct"))
    at = content["1.dcm"].index(b"\xe0\x7f\x10\x00OW\0\0") + 5
    content["1.dcm"] = content["1.dcm"][:at] + inserted + content["1.dcm"][at + 1 :]
    for name, written in content.items():
        (tmp_path / name).write_bytes(written)
    assert read_folder(tmp_path, content) == "unsupported-pixel-format"


@pytest.mark.parametrize(
    ("seed", "edit"),
    [
        ("us_rgb", given("NumberOfFrames", b"", b"IS")),
        ("us_rgb", given("Rows", short(4))),
        ("dx", given("Columns", short(3))),
    ],
)
def test_pixel_data_of_more_frames_than_announced(tmp_path: Path, seed: str, edit: Edit) -> None:
    """The first bytes were read as if they were all, in rows of another length or of another frame."""
    assert "unsupported-pixel-format" in outcome(tmp_path, seed, edit)


def test_an_empty_number_of_frames_is_none(tmp_path: Path) -> None:
    assert outcome(tmp_path, "ct", given("NumberOfFrames", b"", b"IS")) == "read"


def test_a_still_picture_under_the_name_of_a_video(tmp_path: Path) -> None:
    """FFmpeg decodes whatever it recognises, and converts the colours of a JPEG in another way."""
    pytest.importorskip("av")
    assert outcome(tmp_path, "xc_jpeg", announced(MPEG4HP41)) == "unsupported-pixel-format"


@pytest.mark.parametrize(
    ("vr", "value", "expected"),
    [
        (b"UV", None, "unsupported-pixel-format"),
        (b"ST", None, "unsupported-pixel-format"),
        (b"OW", b"X" * 300, "unsupported-pixel-format"),
        (b"US", None, "read"),
    ],
)
def test_palettes_that_are_none(tmp_path: Path, vr: bytes, value: bytes | None, expected: str) -> None:
    """Numpy's own exceptions; and 300 bytes for 256 entries of 16 bits were read as entries of 8 bits."""

    def edit(file: File) -> None:
        element = found(file, "GreenPaletteColorLookupTableData")
        element.vr, element.value = vr, element.value if value is None else value

    assert outcome(tmp_path, "us_palette", edit) == expected


def test_a_slope_beyond_every_number(tmp_path: Path) -> None:
    """All values but those of 0 were infinite."""
    assert outcome(tmp_path, "dx", given("RescaleSlope", b"1E+308", b"DS")) == "unsupported-pixel-format"


@pytest.mark.parametrize("seed", ["us_planar", "mr_8_bit"])
def test_a_space_of_another_character_set_is_no_padding(tmp_path: Path, seed: str) -> None:
    def edit(file: File) -> None:
        element = found(file, "PhotometricInterpretation")
        element.value = element.value.rstrip() + b"\xa0"

    assert "unsupported-pixel-format" in outcome(tmp_path, seed, edit)


@pytest.mark.parametrize("keyword", ["SamplesPerPixel", "PixelRepresentation", "BitsStored"])
def test_a_whole_number_as_text(tmp_path: Path, keyword: str) -> None:
    value = {"SamplesPerPixel": b"1.0 ", "PixelRepresentation": b"0.0 ", "BitsStored": b"16.0"}[keyword]
    assert outcome(tmp_path, "ct_jpeg_lossless", given(keyword, value, b"DS")) == "read"


def test_an_intercept_beyond_whole_numbers(tmp_path: Path) -> None:
    """Beyond 2^53 an intercept is rounded already: integers would feign digits."""
    content = dict(seed_folder("ct"))
    for name in content:
        file = parse(content[name])
        given("RescaleIntercept", (2319404609811001645).to_bytes(8, "little"), b"UV")(file)
        content[name] = serialise(file)
        (tmp_path / name).write_bytes(content[name])
    assert read_folder(tmp_path, content) == "read"
    (series,) = read_study(tmp_path).series
    assert read_volume(series).array.dtype == "float32"


def test_a_tag_for_a_number(tmp_path: Path) -> None:
    edit = with_vr("SamplingFrequency", b"AT")
    assert outcome(tmp_path, "ecg", edit, lambda file: setattr(found(file, "SamplingFrequency"), "value", b"500.")) == (
        "unsupported-waveform"
    )


def test_samples_under_another_vr(tmp_path: Path) -> None:
    assert outcome(tmp_path, "ecg", with_vr("WaveformData", b"AT")) == "unsupported-waveform"


def test_an_empty_value_of_an_unknown_vr_is_not_absent(tmp_path: Path) -> None:
    def edit(file: File) -> None:
        element = found(file, "ChannelBaseline")
        element.vr, element.value = b"D\0", b""

    assert outcome(tmp_path, "ecg", edit) == "unsupported-waveform"


def test_a_single_bit_has_no_sign(tmp_path: Path) -> None:
    edit = given("PixelRepresentation", short(1))
    assert outcome(tmp_path, "us_single_bits", edit) == "unsupported-pixel-format"


def test_a_data_set_alone(tmp_path: Path) -> None:
    """Without preamble and File Meta Information, its first element tells its encoding."""
    content = dict(seed_folder("mr_implicit"))
    for name in content:
        file = parse(content[name])
        file.meta = []
        content[name] = serialise(file)[132:]
        (tmp_path / name).write_bytes(content[name])
    assert read_folder(tmp_path, content) == "read"


def test_a_stray_delimiter_in_big_endian(tmp_path: Path) -> None:
    def edit(file: File) -> None:
        file.elements.insert(-1, Element((0xFFFE, 0xE00D), b"\0\0", b""))

    assert outcome(tmp_path, "mr_big_endian", edit) == "read"


def test_a_waveform_sequence_that_cannot_be_parsed(tmp_path: Path) -> None:
    def edit(file: File) -> None:
        element = found(file, "WaveformSequence")
        assert element.items
        element.items[0].length = 6

    assert outcome(tmp_path, "ecg", edit) == "unsupported-waveform"


def test_samples_beyond_the_end_of_their_group(tmp_path: Path) -> None:
    """Another element of a group had grown: its samples lay behind its end, and were read all the same."""

    def edit(file: File) -> None:
        last = found(file, "WaveformSequence").items[-1]  # type: ignore[index]
        last.length = len(serialise(File([], last.elements, file.transfer_syntax))) - 132 - 20

    assert outcome(tmp_path, "ecg", edit) == "unsupported-waveform"


def test_a_group_beyond_the_end_of_its_sequence(tmp_path: Path) -> None:
    def edit(file: File) -> None:
        sequence = found(file, "WaveformSequence")
        whole = serialise(File([], [sequence], file.transfer_syntax))
        sequence.length = len(whole) - 132 - 12 - 20

    assert outcome(tmp_path, "ecg", edit) == "unsupported-waveform"


def test_a_stray_delimiter_before_the_pixel_data(tmp_path: Path) -> None:
    def edit(file: File) -> None:
        file.elements.insert(-1, Element((0xFFFE, 0xE00D), b"\0\0", b""))

    assert outcome(tmp_path, "mr_rle", edit) == "read"


def test_a_lossy_jpeg_under_lossless_names(tmp_path: Path) -> None:
    assert outcome(tmp_path, "mr_jpeg_baseline", announced(JPEGLosslessSV1)) == "read"
