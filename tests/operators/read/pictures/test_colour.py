"""Colour of every kind against the formula of the standard, pydicom and DCMTK."""

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
from pydicom.pixels.processing import convert_color_space
from pydicom.pixels.utils import pixel_array

from operators.read.frames import read_frames
from operators.read.pictures.colour import to_rgb
from operators.refused import Reason, Refused
from phantoms.frames.pictures import colours
from tests.operators.read.encoded_pictures import by_dcmtk, compressed, encapsulated, htj2k, instance_at, picture
from tests.operators.read.slices import save

Array = NDArray[Any]

RGB = colours(24, 32, 2)


def rgb(path: Path) -> Array:
    frames = read_frames(instance_at(path))
    assert frames.photometric_interpretation == "RGB"
    return frames.array


def ybr_full(picture_rgb: Array) -> Array:
    """PS3.3 section C.7.6.3.1.2, rounded."""
    matrix = np.array([[0.2990, 0.5870, 0.1140], [-0.1687, -0.3313, 0.5000], [0.5000, -0.4187, -0.0813]])
    values = picture_rgb.astype(np.float64) @ matrix.T + [0, 128, 128]
    return np.clip(np.round(values), 0, 255).astype(np.uint8)


def ybr_partial(picture_rgb: Array) -> Array:
    """ITU-R BT.601 with luminance 16 to 235 and chrominance 16 to 240."""
    full = ybr_full(picture_rgb).astype(np.float64)
    scaled = (full - [0, 128, 128]) * np.array([219, 224, 224]) / 255 + [16, 128, 128]
    return np.round(scaled).astype(np.uint8)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_ybr_is_converted_by_the_formula_of_the_standard(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    y, cb, cr = np.moveaxis(values.astype(np.float64), -1, 0)
    exact = np.stack(
        [y + 1.402 * (cr - 128), y - 0.344136 * (cb - 128) - 0.714136 * (cr - 128), y + 1.772 * (cb - 128)], axis=-1
    )
    converted = to_rgb(values, "YBR_FULL", 8)
    assert np.abs(converted - np.clip(exact, 0, 255)).max() <= 0.51
    np.testing.assert_allclose(converted, convert_color_space(values, "YBR_FULL", "RGB").astype(float), atol=2)


def test_sixteen_bit_ybr_is_as_exact() -> None:
    values = ybr_full(RGB[0])
    wide = values.astype(np.uint16) * 256
    narrow = to_rgb(values, "YBR_FULL", 8).astype(float)
    np.testing.assert_allclose(to_rgb(wide, "YBR_FULL", 16) / 256, narrow, atol=1.01)


@pytest.mark.parametrize(
    ("syntax", "planar"),
    [
        (uid.ImplicitVRLittleEndian, 0),
        (uid.ImplicitVRLittleEndian, 1),
        (uid.ExplicitVRLittleEndian, 0),
        (uid.ExplicitVRLittleEndian, 1),
        (uid.RLELossless, 0),
    ],
)
def test_native_rgb_and_ybr(tmp_path: Path, syntax: str, planar: int) -> None:
    for label, values in (("RGB", RGB), ("YBR_FULL", ybr_full(RGB))):
        instance = picture(values, photometric=label, PlanarConfiguration=planar)
        if planar:
            instance.PixelData = np.ascontiguousarray(np.moveaxis(values, -1, 1)).tobytes()
        path = tmp_path / f"{label}.dcm"
        path = compressed(instance, path, syntax) if syntax == uid.RLELossless else save(instance, path, syntax)
        np.testing.assert_allclose(rgb(path).astype(int), RGB, atol=0 if label == "RGB" else 2)


@pytest.mark.parametrize("label", ["YBR_FULL_422", "YBR_PARTIAL_422"])
def test_native_422(tmp_path: Path, label: str) -> None:
    """Y1 Y2 CB CR: two pixels share their chrominance (PS3.3 section C.7.6.3.1.2)."""
    source = RGB.copy()
    source[:, :, 1::2] = source[:, :, ::2]
    values = ybr_full(source) if label == "YBR_FULL_422" else ybr_partial(source)
    pairs = values.reshape(-1, 2, 3)
    packed = np.stack([pairs[:, 0, 0], pairs[:, 1, 0], pairs[:, 0, 1], pairs[:, 0, 2]], axis=-1)
    path = save(picture(values, photometric=label, PixelData=packed.tobytes()), tmp_path / "image.dcm")
    # Two or three roundings, and chrominance counts nearly twice.
    np.testing.assert_allclose(rgb(path).astype(int), source, atol=3 if label == "YBR_FULL_422" else 5)
    if label == "YBR_FULL_422":
        np.testing.assert_allclose(rgb(path).astype(int), pixel_array(path), atol=2)


@pytest.mark.parametrize("label", ["YBR_RCT", "RGB", "YBR_ICT"])
def test_jpeg_2000_is_rgb_after_its_own_transformation(tmp_path: Path, label: str) -> None:
    """Also where the label keeps the name that it had before compression."""
    frames = [
        bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", level=0, reversible=True, mct=label != "RGB"))
        for frame in RGB
    ]
    path = encapsulated(picture(RGB, photometric=label), tmp_path / "image.dcm", uid.JPEG2000Lossless, frames)
    np.testing.assert_array_equal(rgb(path), RGB)
    path = encapsulated(picture(RGB, photometric=label), tmp_path / "ht.dcm", uid.HTJ2KLossless, htj2k(RGB))
    np.testing.assert_array_equal(rgb(path), RGB)


def test_ybr_full_in_jpeg_2000_and_jpeg_ls(tmp_path: Path) -> None:
    values = ybr_full(RGB)
    frames = [
        bytes(imagecodecs.jpeg2k_encode(frame, codecformat="j2k", level=0, reversible=True, mct=False))
        for frame in values
    ]
    instance = picture(values, photometric="YBR_FULL")
    for syntax, streams in (
        (uid.JPEG2000Lossless, frames),
        (uid.JPEGLSLossless, [bytes(imagecodecs.jpegls_encode(frame)) for frame in values]),
    ):
        path = encapsulated(instance, tmp_path / "image.dcm", syntax, streams)
        np.testing.assert_allclose(rgb(path).astype(int), RGB, atol=2)


@pytest.mark.peer
@pytest.mark.parametrize(
    "options", [("+eb",), ("+eb", "+cr"), ("+eb", "+cy", "+s4"), ("+eb", "+cy", "+s2"), ("+e1",), ("+el", "+sv", "4")]
)
def test_jpeg_colour_is_that_of_dcmtk(tmp_path: Path, options: tuple[str, ...]) -> None:
    native = save(picture(RGB), tmp_path / "image.dcm")
    path = by_dcmtk("dcmcjpeg", native, *options)
    second = pixel_array(by_dcmtk("dcmdjpeg", path, "+cn"), raw=True)
    found = rgb(path)
    if dcmread(path).PhotometricInterpretation != "RGB":
        second = pixel_array(by_dcmtk("dcmdjpeg", path), raw=True)
    np.testing.assert_allclose(found.astype(int), second, atol=1)
    np.testing.assert_allclose(found.astype(float).mean(axis=(1, 2)), RGB.mean(axis=(1, 2)), atol=4)


def jpeg(colour: str, *, marked: bool, subsampling: str = "444") -> list[bytes]:
    """RGB or YBR components, with the segments that tell so or without any."""
    space = {"RGB": "RGB", "YBR": "YCBCR"}[colour]
    streams = [
        bytes(imagecodecs.jpeg8_encode(frame, level=98, outcolorspace=space, subsampling=subsampling)) for frame in RGB
    ]
    return streams if marked else [_without_application_segments(stream) for stream in streams]


def _without_application_segments(stream: bytes) -> bytes:
    position, kept = 2, stream[:2]
    while stream[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(stream[position + 2 : position + 4], "big")
        if not 0xE0 <= stream[position + 1] <= 0xEF:
            kept += stream[position:end]
        position = end
    # "R", "G", "B" as component identifiers would tell as well.
    scan = bytearray(stream[position:])
    if scan[5:11:2] == b"RGB":
        scan[5:11:2] = b"\1\2\3"
    return kept.replace(b"R\x11\0G\x11\0B\x11\0", b"\1\x11\0\2\x11\0\3\x11\0") + bytes(scan)


@pytest.mark.parametrize("label", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("colour", ["RGB", "YBR"])
def test_the_jpeg_stream_knows_better_than_a_wrong_label(tmp_path: Path, label: str, colour: str) -> None:
    streams = jpeg(colour, marked=True)
    path = encapsulated(picture(RGB, photometric=label), tmp_path / "image.dcm", uid.JPEGBaseline8Bit, streams)
    assert np.abs(rgb(path).astype(int) - RGB).mean() < 4


def test_shared_chrominance_is_never_rgb(tmp_path: Path) -> None:
    streams = [_without_application_segments(stream) for stream in jpeg("YBR", marked=True, subsampling="420")]
    path = encapsulated(picture(RGB, photometric="RGB"), tmp_path / "image.dcm", uid.JPEGBaseline8Bit, streams)
    assert np.abs(rgb(path).astype(int) - RGB).mean() < 12


@pytest.mark.parametrize(("colour", "label"), [("RGB", "RGB"), ("YBR", "YBR_FULL"), ("YBR", "YBR_FULL_422")])
def test_without_a_word_from_the_stream_the_label_counts(tmp_path: Path, colour: str, label: str) -> None:
    streams = jpeg(colour, marked=False)
    path = encapsulated(picture(RGB, photometric=label), tmp_path / "image.dcm", uid.JPEGBaseline8Bit, streams)
    assert np.abs(rgb(path).astype(int) - RGB).mean() < 4


def test_conversion_by_the_decoder_and_by_ourselves_are_one(tmp_path: Path) -> None:
    (stream, _) = jpeg("YBR", marked=True)
    components = imagecodecs.jpeg8_decode(stream, colorspace="RGB", outcolorspace="RGB")
    path = encapsulated(picture(RGB[:1], photometric="YBR_FULL"), tmp_path / "x.dcm", uid.JPEGBaseline8Bit, [stream])
    np.testing.assert_array_equal(rgb(path)[0], to_rgb(components, "YBR_FULL", 8))


@pytest.mark.parametrize("label", ["YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420"])
def test_labels_that_the_syntax_does_not_allow_are_refused(tmp_path: Path, label: str) -> None:
    path = save(picture(RGB, photometric=label), tmp_path / "image.dcm")
    with pytest.raises(Refused, match=f"has {label} pixels in the transfer syntax Explicit") as refused:
        rgb(path)
    assert refused.value.reason is Reason.UNSUPPORTED_PIXEL_FORMAT


def test_signed_colour_is_refused(tmp_path: Path) -> None:
    path = save(picture(RGB, PixelRepresentation=1), tmp_path / "image.dcm")
    with pytest.raises(Refused, match="3 samples of int8"):
        rgb(path)
