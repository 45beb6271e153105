"""Colour of every kind of component → RGB (PS3.3 section C.7.6.3.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from operators.read.pixels.codestream import parse_jpeg
from operators.read.pixels.pixel_format import PixelFormat

RGB, YBR_FULL, YBR_PARTIAL = "RGB", "YBR_FULL", "YBR_PARTIAL"

# Fixed point of 16 bits, as libjpeg calculates: R from CR, G from CB and CR, B from CB.
_SHIFT = 16
_RED, _GREEN_BLUE, _GREEN_RED, _BLUE = 91881, -22554, -46802, 116130

_LABELS = {
    "RGB": RGB,
    "YBR_FULL": YBR_FULL,
    "YBR_FULL_422": YBR_FULL,
    "YBR_PARTIAL_422": YBR_PARTIAL,
}


class ColourError(ValueError):
    """Photometric Interpretation and transfer syntax do not go together."""


def components_of(form: PixelFormat, frame: bytes | None = None) -> str:
    """Return what the three components of a frame are once decoded: RGB, YBR_FULL or YBR_PARTIAL.

    Photometric Interpretation (0028,0004) tells, except where the JPEG stream itself knows better: a JFIF or Adobe
    segment, component identifiers "RGB" and coarser chrominance come from the encoder, the attribute often from
    another program. JPEG 2000 components are RGB after the inverse of YBR_ICT and YBR_RCT (PS3.5 section 8.2.4).

    Raises :class:`ColourError`, or :class:`CodestreamError` for a JPEG stream that breaks its standard.
    """
    label, syntax = form.photometric_interpretation, form.transfer_syntax_uid
    if syntax in uid.JPEG2000TransferSyntaxes:
        return RGB if label in ("YBR_ICT", "YBR_RCT") else _of_label(form)
    if frame is not None and syntax in uid.JPEGTransferSyntaxes:
        stream = parse_jpeg(frame)
        # Some encoders mark lossless components, whatever they are, as not transformed.
        if stream.colour == "YBR" or (stream.colour == "RGB" and not stream.is_lossless):
            return YBR_FULL if stream.colour == "YBR" else RGB
    return _of_label(form)


def _of_label(form: PixelFormat) -> str:
    label = form.photometric_interpretation
    if label not in _LABELS:
        raise ColourError(f"{label} pixels in the transfer syntax {form.transfer_syntax_uid.name}")
    return _LABELS[label]


def to_rgb(values: NDArray[Any], components: str, bits: int) -> NDArray[Any]:
    """Return colour of unsigned ``bits`` (row, column, 3) as RGB of the same type, rounded to the nearest."""
    if components == RGB:
        return values
    # 16 bit components times a 17 bit factor need more than 32 bits.
    wide: type[Any] = np.int64 if bits > 12 else np.int32
    luminance: NDArray[Any]
    blue: NDArray[Any]
    red: NDArray[Any]
    luminance, blue, red = (values[..., index].astype(wide) for index in range(3))
    blue -= wide(1 << (bits - 1))
    red -= wide(1 << (bits - 1))
    if components == YBR_PARTIAL:
        # Luminance 16 to 235 and chrominance 16 to 240 of 8 bits stretched to the full range.
        step = 1 << (bits - 8)
        luminance = ((luminance - 16 * step) * 255 * 2 + 219) // (219 * 2)
        blue, red = (((part * 255) * 2 + 224) // (224 * 2) for part in (blue, red))
    half = 1 << (_SHIFT - 1)
    out = np.empty(values.shape, values.dtype)
    highest = (1 << bits) - 1
    green = (_GREEN_BLUE * blue + _GREEN_RED * red + half) >> _SHIFT
    for index, change in enumerate(((_RED * red + half) >> _SHIFT, green, (_BLUE * blue + half) >> _SHIFT)):
        out[..., index] = np.clip(luminance + change, 0, highest)
    return out
