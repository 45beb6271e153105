"""Frames decoded into the caller's array are those decoded into an array of their own."""

from __future__ import annotations

from typing import Any

import imagecodecs
import numpy as np
import pytest
from pydicom import uid

from operators.read.pixels.decode import DamagedError, decode
from operators.read.pixels.pixel_format import PixelFormat

ROWS, COLUMNS = 6, 5

ENCODERS: dict[str, Any] = {
    uid.JPEG2000Lossless: lambda values: imagecodecs.jpeg2k_encode(values, reversible=True, level=0, codecformat="j2k"),
    uid.JPEGLSLossless: imagecodecs.jpegls_encode,
}


def form_of(syntax: str, dtype: str) -> PixelFormat:
    bits = 8 * np.dtype(dtype).itemsize
    return PixelFormat(ROWS, COLUMNS, np.dtype(dtype), bits, uid.UID(syntax), bits_allocated=bits, high_bit=bits - 1)


@pytest.mark.parametrize("syntax", ENCODERS)
@pytest.mark.parametrize("wanted", ["u1", "i1", "u2", "i2", "i4"])
@pytest.mark.parametrize("coded", ["u1", "u2"])
def test_values_are_decoded_in_place_where_their_size_allows_it(syntax: str, coded: str, wanted: str) -> None:
    values = np.arange(ROWS * COLUMNS, dtype=coded).reshape(ROWS, COLUMNS) + np.iinfo(coded).max // 2
    frame, form = ENCODERS[syntax](values), form_of(syntax, coded)
    out = np.full((ROWS, COLUMNS), 77, wanted)
    decoded = decode(frame, form, out)
    np.testing.assert_array_equal(decode(frame, form), values)
    np.testing.assert_array_equal(decoded.view(coded) if decoded is out else decoded, values)
    assert (decoded is out) == (np.dtype(wanted).itemsize == np.dtype(coded).itemsize)
    assert decoded is out or (out == 77).all()


@pytest.mark.parametrize("syntax", ENCODERS)
def test_a_frame_of_another_shape_is_damaged(syntax: str) -> None:
    frame = ENCODERS[syntax](np.zeros((ROWS, COLUMNS + 1), np.uint16))
    with pytest.raises(DamagedError, match="x 6 x 1"):
        decode(frame, form_of(syntax, "u2"), np.empty((ROWS, COLUMNS), np.uint16))
