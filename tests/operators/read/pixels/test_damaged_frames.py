"""Compressed frames that are cut or changed: refused by name, or still the right pixels; never filled up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from pydicom import dcmread, uid
from pydicom.encaps import generate_frames

from operators.refused import Reason, Refused
from phantoms.frames.pictures import colours, greys
from tests.operators.read.encoded_pictures import compressed, encapsulated, htj2k, picture, stored_or_refused

Array = NDArray[Any]

random = np.random.default_rng(7)
GREY8 = greys(40, 48, bits=8) // 2 + random.integers(0, 9, (1, 40, 48), dtype=np.uint8)
GREY12 = greys(40, 48, bits=12) // 2 + random.integers(0, 99, (1, 40, 48), dtype=np.uint16)
RGB = colours(40, 48)


def jpeg(array: Array, bits: int, **options: Any) -> bytes:
    return bytes(imagecodecs.jpeg8_encode(array[0], bitspersample=bits, **options))


def jpeg_2000(array: Array) -> bytes:
    return bytes(imagecodecs.jpeg2k_encode(array[0], codecformat="j2k", bitspersample=12, level=0, reversible=True))


CODESTREAMS: dict[str, tuple[str, Array, int, Callable[[], bytes]]] = {
    "JPEG baseline": (uid.JPEGBaseline8Bit, GREY8, 8, lambda: jpeg(GREY8, 8, level=90)),
    "JPEG colour": (uid.JPEGBaseline8Bit, RGB, 8, lambda: jpeg(RGB, 8, level=90)),
    "JPEG extended": (uid.JPEGExtended12Bit, GREY12, 12, lambda: jpeg(GREY12, 12, level=90)),
    "JPEG lossless": (uid.JPEGLosslessSV1, GREY12, 12, lambda: jpeg(GREY12, 12, lossless=True)),
    "JPEG-LS": (uid.JPEGLSLossless, GREY12, 12, lambda: bytes(imagecodecs.jpegls_encode(GREY12[0]))),
    "JPEG 2000": (uid.JPEG2000Lossless, GREY12, 12, lambda: jpeg_2000(GREY12)),
    "HTJ2K": (uid.HTJ2KLossless, GREY12, 12, lambda: htj2k(GREY12)[0]),
}


def frame_file(folder: Path, name: str, codestream: bytes, array: Array | None = None) -> Path:
    syntax, original, bits, _ = CODESTREAMS[name]
    array = original if array is None else array
    return encapsulated(picture(array, bits=bits), folder / "image.dcm", syntax, [codestream])


@pytest.mark.parametrize("name", CODESTREAMS)
def test_every_cut_is_noticed(tmp_path: Path, name: str) -> None:
    whole = CODESTREAMS[name][3]()
    right = stored_or_refused(frame_file(tmp_path, name, whole))
    assert not isinstance(right, Refused)
    end = b"\xff\xd9" if whole.startswith(b"\xff\xd8") else b""
    for kept in (*range(1, len(whole) - 2, max(1, len(whole) // 40)), len(whole) - 3, len(whole) - 5):
        # Also with the end marker put back: then only the amount of data tells.
        for cut in {whole[:kept], whole[:kept] + end}:
            found = stored_or_refused(frame_file(tmp_path, name, cut))
            assert isinstance(found, Refused) or np.array_equal(found, right), f"{kept} of {len(whole)}"
            # JPEG may end in bits that are only padding; nothing else is ever complete so early.
            assert isinstance(found, Refused) or kept >= len(whole) - 5


@pytest.mark.parametrize("name", CODESTREAMS)
@pytest.mark.parametrize("change", ["rows", "columns", "both"])
def test_wrong_dimensions_are_refused(tmp_path: Path, name: str, change: str) -> None:
    original = CODESTREAMS[name][1]
    other = original[:, :-1] if change == "rows" else original[:, :, :-1]
    if change == "both":
        other = original.swapaxes(1, 2)
    found = stored_or_refused(frame_file(tmp_path, name, CODESTREAMS[name][3](), np.ascontiguousarray(other)))
    assert isinstance(found, Refused)
    assert found.reason is Reason.UNSUPPORTED_PIXEL_FORMAT
    assert "it holds 40 x 48" in found.detail


@pytest.mark.parametrize("name", ["JPEG extended", "JPEG lossless", "JPEG-LS", "JPEG 2000", "HTJ2K"])
def test_more_bits_than_allocated_are_refused(tmp_path: Path, name: str) -> None:
    syntax, array, _, codestream = CODESTREAMS[name]
    instance = picture(array.astype(np.uint8))
    found = stored_or_refused(encapsulated(instance, tmp_path / "image.dcm", syntax, [codestream()]))
    assert isinstance(found, Refused)
    assert "values of" in found.detail


@pytest.mark.parametrize("name", CODESTREAMS)
@pytest.mark.parametrize("content", [b"\0" * 300, b"\xff\xd8\xff\xd9", b"\xff" * 64, b"\xff\x4f\xff\x51" + b"\0" * 60])
def test_no_codestream_at_all_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    found = stored_or_refused(frame_file(tmp_path, name, content + b"\0" * (len(content) % 2)))
    assert isinstance(found, Refused)


@pytest.mark.parametrize("cut", range(2, 60, 4))
def test_cut_rle_is_refused(tmp_path: Path, cut: int) -> None:
    path = compressed(picture(GREY12, bits=12), tmp_path / "rle.dcm", uid.RLELossless)
    frame = next(generate_frames(dcmread(path).PixelData, number_of_frames=1))
    found = stored_or_refused(
        encapsulated(picture(GREY12, bits=12), tmp_path / "cut.dcm", uid.RLELossless, [frame[:-cut]])
    )
    assert isinstance(found, Refused)


@pytest.mark.parametrize("header", [b"", b"\1" + b"\0" * 63, b"\2\0\0\0" + b"\xff" * 60, b"\2" + b"\0" * 63])
def test_a_wrong_rle_header_is_refused(tmp_path: Path, header: bytes) -> None:
    path = compressed(picture(GREY12, bits=12), tmp_path / "rle.dcm", uid.RLELossless)
    frame = next(generate_frames(dcmread(path).PixelData, number_of_frames=1))
    content = header + frame[len(header) or 64 :]
    found = stored_or_refused(encapsulated(picture(GREY12, bits=12), tmp_path / "x.dcm", uid.RLELossless, [content]))
    assert isinstance(found, Refused)


@settings(max_examples=150, deadline=None)
@given(
    name=st.sampled_from(sorted(CODESTREAMS)),
    place=st.floats(0, 1, exclude_max=True),
    removed=st.integers(0, 8),
    inserted=st.binary(max_size=8),
)
def test_damage_is_refused_or_gives_an_array_of_the_right_kind(
    tmp_path_factory: pytest.TempPathFactory, name: str, place: float, removed: int, inserted: bytes
) -> None:
    """Changed bits within entropy-coded data are other pixels, which nothing can tell; everything else is refused."""
    whole = CODESTREAMS[name][3]()
    at = int(place * len(whole))
    folder = tmp_path_factory.getbasetemp()
    found = stored_or_refused(frame_file(folder, name, whole[:at] + inserted + whole[at + removed :]))
    assert isinstance(found, Refused) or found.shape == CODESTREAMS[name][1].shape
