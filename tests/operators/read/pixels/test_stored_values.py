"""Every transfer syntax with every pixel format that it allows, against what was encoded or a second decoder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread, uid
from pydicom.pixels.utils import pixel_array

from operators.read.pixels.stored_values import pixel_format, read_stored_values, require_monochrome
from operators.refused import Reason, Refused
from phantoms.frames.pictures import colours, greys
from tests.operators.read.encoded_pictures import (
    ENCAPSULATED_UNCOMPRESSED,
    by_dcmtk,
    compressed,
    encapsulated,
    htj2k,
    instance_at,
    picture,
    stored,
)
from tests.operators.read.slices import save

Array = NDArray[Any]

ROWS, COLUMNS = 33, 38


def grey(bits: int, signed: bool = False, frames: int = 3) -> Array:
    return greys(ROWS, COLUMNS, frames, bits=bits, signed=signed)


FORMATS = [(8, False), (10, False), (12, False), (16, False), (12, True), (16, True)]


@pytest.mark.parametrize(
    ("syntax", "bits", "signed"),
    [
        (syntax, *form)
        for syntax in (uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless)
        for form in FORMATS
        # pydicom's encoder takes no signed 12 bits.
        if (syntax, *form) != (uid.JPEGLSLossless, 12, True)
    ],
)
def test_lossless_frames_by_pydicom(tmp_path: Path, syntax: str, bits: int, signed: bool) -> None:
    array = grey(bits, signed)
    path = compressed(picture(array, bits=bits), tmp_path / "image.dcm", syntax)
    np.testing.assert_array_equal(stored(path), array)


@pytest.mark.parametrize("syntax", [uid.RLELossless, uid.JPEGLSLossless, uid.JPEG2000Lossless])
@pytest.mark.parametrize("bits", [8, 16])
def test_lossless_colour_by_pydicom(tmp_path: Path, syntax: str, bits: int) -> None:
    array = colours(ROWS, COLUMNS, 2)
    array = array if bits == 8 else array.astype("u2") * 257
    path = compressed(picture(array), tmp_path / "image.dcm", syntax)
    np.testing.assert_array_equal(stored(path), array)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_htj2k_by_openjph(tmp_path: Path, bits: int) -> None:
    array = grey(bits)
    for syntax in (uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K):
        path = encapsulated(picture(array, bits=bits), tmp_path / "image.dcm", syntax, htj2k(array))
        np.testing.assert_array_equal(stored(path), array)


def test_htj2k_in_colour_and_with_loss(tmp_path: Path) -> None:
    array = colours(ROWS, COLUMNS, 2)
    path = encapsulated(picture(array), tmp_path / "image.dcm", uid.HTJ2KLossless, htj2k(array))
    np.testing.assert_array_equal(stored(path), array)
    lossy = encapsulated(picture(grey(8)), tmp_path / "lossy.dcm", uid.HTJ2K, htj2k(grey(8), lossless=False))
    np.testing.assert_array_equal(stored(lossy), pixel_array(lossy))


@pytest.mark.peer
@pytest.mark.parametrize(("bits", "signed"), [*FORMATS, (14, False)])
@pytest.mark.parametrize("options", [("+e1",), ("+el", "+sv", "2"), ("+el", "+sv", "6"), ("+el", "+sv", "7")])
def test_jpeg_lossless_by_dcmtk(tmp_path: Path, options: tuple[str, ...], bits: int, signed: bool) -> None:
    array = grey(bits, signed, frames=2)
    path = by_dcmtk("dcmcjpeg", save(picture(array, bits=bits), tmp_path / "image.dcm"), *options)
    expected = uid.JPEGLosslessSV1 if options == ("+e1",) else uid.JPEGLossless
    assert dcmread(path).file_meta.TransferSyntaxUID == expected
    np.testing.assert_array_equal(stored(path), array)


@pytest.mark.peer
@pytest.mark.parametrize(("option", "bits"), [("+eb", 8), ("+ee", 8), ("+ee", 12)])
def test_lossy_jpeg_as_dcmtk_reads_it(tmp_path: Path, option: str, bits: int) -> None:
    path = by_dcmtk("dcmcjpeg", save(picture(grey(bits), bits=bits), tmp_path / "image.dcm"), option)
    np.testing.assert_array_equal(stored(path), pixel_array(by_dcmtk("dcmdjpeg", path), raw=True))


@pytest.mark.peer
@pytest.mark.parametrize("bits", [8, 12, 16])
def test_jpeg_ls_by_dcmtk(tmp_path: Path, bits: int) -> None:
    array = grey(bits)
    native = save(picture(array, bits=bits), tmp_path / "image.dcm")
    np.testing.assert_array_equal(stored(by_dcmtk("dcmcjpls", native, "+el")), array)
    near = by_dcmtk("dcmcjpls", native, "+en", "+md", "3")
    assert dcmread(near).file_meta.TransferSyntaxUID == uid.JPEGLSNearLossless
    np.testing.assert_array_equal(stored(near), pixel_array(by_dcmtk("dcmdjpls", near), raw=True))
    assert np.abs(stored(near).astype(int) - array).max() <= 3


@pytest.mark.peer
@pytest.mark.parametrize("option", ["+iv", "+il", "+is"])
def test_jpeg_ls_in_colour_with_every_interleave(tmp_path: Path, option: str) -> None:
    array = colours(ROWS, COLUMNS, 2)
    native = save(picture(array), tmp_path / "image.dcm")
    path = by_dcmtk("dcmcjpls", native, option)
    np.testing.assert_array_equal(stored(path), array)


def test_lossy_jpeg_2000_as_pydicom_reads_it(tmp_path: Path) -> None:
    for array, bits in ((grey(12), 12), (grey(8), 8)):
        path = compressed(picture(array, bits=bits), tmp_path / "image.dcm", uid.JPEG2000, j2k_cr=[4])
        np.testing.assert_array_equal(stored(path), pixel_array(path, raw=True))
    path = compressed(picture(colours(ROWS, COLUMNS)), tmp_path / "rgb.dcm", uid.JPEG2000, j2k_psnr=[60])
    np.testing.assert_array_equal(stored(path)[0], pixel_array(path, raw=True))


def test_jpeg_2000_within_a_jp2_file(tmp_path: Path) -> None:
    """Forbidden by PS3.5 section A.4.4 and written all the same."""
    array = grey(12, frames=1)
    boxed = bytes(imagecodecs.jpeg2k_encode(array[0], codecformat="jp2", bitspersample=12, level=0, reversible=True))
    path = encapsulated(picture(array, bits=12), tmp_path / "image.dcm", uid.JPEG2000Lossless, [boxed])
    np.testing.assert_array_equal(stored(path), array)


def test_twenty_bits(tmp_path: Path) -> None:
    array = greys(ROWS, COLUMNS, 2, bits=16).astype("u4") * 15
    frames = [
        bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", bitspersample=20, level=0, reversible=True))
        for frame in array
    ]
    path = encapsulated(picture(array, bits=20), tmp_path / "image.dcm", uid.JPEG2000Lossless, frames)
    np.testing.assert_array_equal(stored(path), array)


NATIVE = [
    uid.ImplicitVRLittleEndian,
    uid.ExplicitVRLittleEndian,
    uid.ExplicitVRBigEndian,
    uid.DeflatedExplicitVRLittleEndian,
]


@settings(max_examples=60, deadline=None)
@given(
    syntax=st.sampled_from([*NATIVE, ENCAPSULATED_UNCOMPRESSED]),
    allocated=st.sampled_from([8, 16, 32]),
    shape=st.tuples(st.integers(1, 4), st.integers(1, 7), st.integers(1, 7)),
    samples=st.sampled_from([1, 3]),
    planar=st.booleans(),
    signed=st.booleans(),
    unused=st.integers(0, 7),
    shift=st.integers(0, 7),
    seed=st.integers(0, 99),
)
def test_native_frames_of_any_format_are_those_of_pydicom(
    tmp_path_factory: pytest.TempPathFactory,
    syntax: str,
    allocated: int,
    shape: tuple[int, int, int],
    samples: int,
    planar: bool,
    signed: bool,
    unused: int,
    shift: int,
    seed: int,
) -> None:
    signed = signed and samples == 1
    bits = allocated - unused
    # Encapsulated, High Bit elsewhere is refused.
    high_bit = bits - 1 + (0 if syntax == ENCAPSULATED_UNCOMPRESSED else min(shift, unused))
    random = np.random.default_rng(seed)
    full = (*shape, 3) if samples == 3 else shape
    raw = random.integers(0, 1 << allocated, full, dtype=f"u{allocated // 8}")
    # What the header says: Bits Stored up to High Bit, everything else is rubbish.
    expected = (raw >> (high_bit + 1 - bits)) & np.array((1 << bits) - 1, raw.dtype)
    if signed:
        negative = expected >> (bits - 1) == 1
        expected = expected.astype("i8") - (negative.astype("i8") << bits)
    written = np.moveaxis(raw, -1, 1) if samples == 3 and planar else raw
    instance = picture(np.ascontiguousarray(raw), bits=bits, HighBit=high_bit, PixelRepresentation=int(signed))
    big = syntax == uid.ExplicitVRBigEndian
    content = np.ascontiguousarray(written).astype(raw.dtype.newbyteorder(">" if big else "<")).tobytes()
    instance.PixelData = content + b"\0" * (len(content) % 2)
    if samples == 3:
        instance.PlanarConfiguration = int(planar)
    path = tmp_path_factory.mktemp("native") / "image.dcm"
    if syntax == ENCAPSULATED_UNCOMPRESSED:
        size = len(content) // shape[0]
        encapsulated(instance, path, syntax, [content[start : start + size] for start in range(0, len(content), size)])
    else:
        save(instance, path, syntax)
    found = stored(path)
    np.testing.assert_array_equal(found.reshape(expected.shape), expected)
    if syntax != ENCAPSULATED_UNCOMPRESSED and high_bit == bits - 1:
        second = pixel_array(dcmread(path), raw=True).reshape(expected.shape)
        np.testing.assert_array_equal(found, second)


@pytest.mark.parametrize("syntax", NATIVE)
def test_floats(tmp_path: Path, syntax: str) -> None:
    values = np.linspace(-1e6, 1e6, 2 * 5 * 7).reshape(2, 5, 7)
    for keyword, dtype in (("FloatPixelData", "f4"), ("DoubleFloatPixelData", "f8")):
        instance = picture(
            values.astype(dtype), BitsStored=None, HighBit=None, PixelRepresentation=None, PixelData=None
        )
        order = ">" if syntax == uid.ExplicitVRBigEndian else "<"
        setattr(instance, keyword, values.astype(order + dtype).tobytes())
        path = save(instance, tmp_path / f"{dtype}.dcm", syntax)
        found = stored(path)
        assert found.dtype == np.dtype(dtype)
        np.testing.assert_array_equal(found, values.astype(dtype))


@pytest.mark.parametrize("columns", [8, 7])
def test_single_bits(tmp_path: Path, columns: int) -> None:
    random = np.random.default_rng(5)
    bits = random.integers(0, 2, (3, 5, columns), dtype=np.uint8)
    packed = np.packbits(bits.ravel(), bitorder="little").tobytes()
    instance = picture(bits, BitsAllocated=1, BitsStored=1, HighBit=0)
    instance.PixelData = packed + b"\0" * (len(packed) % 2)
    path = save(instance, tmp_path / "image.dcm")
    np.testing.assert_array_equal(stored(path), bits)
    np.testing.assert_array_equal(stored(path), pixel_array(path))


def test_bytes_as_words_in_big_endian(tmp_path: Path) -> None:
    """As OW, two pixels of 8 bits are one word (PS3.5 section 8.1.1): every second frame begins within a word."""
    array = greys(3, 3, 4)
    content = array.tobytes() + b"\0" * (array.size % 2)
    instance = picture(array)
    instance.PixelData = np.frombuffer(content, "u2").byteswap().tobytes()
    instance["PixelData"].VR = "OW"
    path = save(instance, tmp_path / "image.dcm", uid.ExplicitVRBigEndian)
    np.testing.assert_array_equal(stored(path), array)
    np.testing.assert_array_equal(pixel_array(path), array)


@pytest.mark.parametrize("syntax", [*NATIVE, uid.RLELossless])
def test_one_frame_of_many(tmp_path: Path, syntax: str) -> None:
    array = grey(12, frames=5)
    if syntax == uid.ExplicitVRBigEndian:
        instance = picture(array, bits=12, PixelData=array.astype(">u2").tobytes())
        path = save(instance, tmp_path / "image.dcm", syntax)
    elif syntax == uid.RLELossless:
        path = compressed(picture(array, bits=12), tmp_path / "image.dcm", syntax)
    else:
        path = save(picture(array, bits=12), tmp_path / "image.dcm", syntax)
    instance_read = instance_at(path)
    form = pixel_format(instance_read)
    assert (form.frames, form.shape, form.range) == (5, (ROWS, COLUMNS), (0, 4095))
    out = np.empty(form.shape, form.dtype)
    read_stored_values(instance_read, form, out, frame=3)
    np.testing.assert_array_equal(out, array[3])


def test_fewer_frames_than_announced(tmp_path: Path) -> None:
    path = save(picture(grey(8), NumberOfFrames=4), tmp_path / "image.dcm")
    with pytest.raises(Refused, match="holds 3762 bytes of pixel data, its header announces 5016") as refused:
        stored(path)
    assert refused.value.reason is Reason.TRUNCATED_PIXEL_DATA


def test_what_follows_the_pixel_data_is_not_read_as_pixels(tmp_path: Path) -> None:
    array = grey(8, frames=1)
    instance = picture(array, Rows=ROWS + 1)
    instance.DataSetTrailingPadding = b"\1" * 4096
    path = save(instance, tmp_path / "image.dcm")
    with pytest.raises(Refused) as refused:
        stored(path)
    assert refused.value.reason is Reason.TRUNCATED_PIXEL_DATA


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"SamplesPerPixel": 4}, "4 samples per pixel, RGB"),
        ({"PhotometricInterpretation": "CMYK"}, "3 samples per pixel, CMYK"),
        ({"NumberOfFrames": 0}, "0 frames"),
        ({"NumberOfFrames": -3}, "-3 frames"),
        ({"HighBit": 3}, "high bit 3 of 8"),
        ({"BitsAllocated": 12}, "8 bits stored in 12"),
        ({"PixelRepresentation": 2}, "pixel representation 2"),
    ],
)
def test_formats_that_do_not_exist_are_refused(tmp_path: Path, attributes: dict[str, Any], said: str) -> None:
    path = save(picture(colours(8, 8)), tmp_path / "image.dcm")
    instance = dcmread(path)
    for keyword, value in attributes.items():
        instance[keyword]._value = value
    instance.save_as(path)
    with pytest.raises(Refused, match=said) as refused:
        stored(path)
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_colour_is_no_measurement(tmp_path: Path) -> None:
    instance = instance_at(save(picture(colours(8, 8)), tmp_path / "image.dcm"))
    with pytest.raises(Refused, match="3 samples per pixel, RGB"):
        require_monochrome(instance, pixel_format(instance))


def test_native_and_encapsulated_are_not_taken_for_each_other(tmp_path: Path) -> None:
    array = grey(8, frames=1)
    native = save(picture(array), tmp_path / "native.dcm")
    native.write_bytes(native.read_bytes().replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.5\0"))
    with pytest.raises(Refused, match="holds native pixel data"):
        stored(native)
    rle = compressed(picture(array), tmp_path / "rle.dcm", uid.RLELossless)
    content = rle.read_bytes().replace(b"1.2.840.10008.1.2.5\0", b"1.2.840.10008.1.2.1\0")
    rle.write_bytes(content)
    with pytest.raises(Refused, match="holds encapsulated pixel data"):
        stored(rle)


ENCODERS: dict[str, Any] = {
    uid.JPEGLSLossless: imagecodecs.jpegls_encode,
    uid.JPEGLosslessSV1: lambda frame: imagecodecs.jpeg8_encode(frame, lossless=True, predictor=1),
    uid.JPEG2000Lossless: lambda frame: imagecodecs.jpeg2k_encode(
        frame, codecformat="j2k", level=0, reversible=True, resolutions=1
    ),
    uid.HTJ2KLossless: lambda frame: imagecodecs.htj2k_encode(frame, reversible=True),
}


@settings(max_examples=80, deadline=None)
@given(
    syntax=st.sampled_from([*ENCODERS, uid.RLELossless]),
    shape=st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 40)),
    bits=st.integers(2, 16),
    signed=st.booleans(),
    coloured=st.booleans(),
    seed=st.integers(0, 99),
)
def test_compressed_frames_of_any_format_are_what_was_encoded(
    tmp_path_factory: pytest.TempPathFactory,
    syntax: str,
    shape: tuple[int, int, int],
    bits: int,
    signed: bool,
    coloured: bool,
    seed: int,
) -> None:
    coloured = coloured and not signed and syntax != uid.JPEGLosslessSV1
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if signed else (0, 1 << bits)
    full = (*shape, 3) if coloured else shape
    kind = f"{'i' if signed else 'u'}{1 if bits <= 8 else 2}"
    array = np.random.default_rng(seed).integers(low, high, full).astype(kind)
    path = tmp_path_factory.getbasetemp() / "compressed.dcm"
    if syntax == uid.RLELossless:
        compressed(picture(array, bits=bits), path, syntax)
    else:
        # What is stored are bits: encoders of unsigned samples get those of the signed value.
        samples = array.view(f"u{array.dtype.itemsize}") & np.array((1 << bits) - 1, f"u{array.dtype.itemsize}")
        encapsulated(picture(array, bits=bits), path, syntax, [bytes(ENCODERS[syntax](frame)) for frame in samples])
    np.testing.assert_array_equal(stored(path), array)
