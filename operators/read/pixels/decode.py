"""One compressed frame → its stored values: a decoder for each family of transfer syntaxes, and what it must hold.

The decoders are those of imagecodecs (libjpeg-turbo, CharLS, OpenJPEG): they release Python's global lock, so that
frames decode in parallel. What they would fill up in silence is found here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom import uid

from operators.read.pixels.codestream import Codestream, entropy_ends, parse_jpeg, parse_jpeg_2000
from operators.read.pixels.native import arranged
from operators.read.pixels.pixel_format import PixelFormat

_RLE_HEADER_BYTES = 64
_MOST_JPEG_BITS = 16

_EOI = b"\xff\xd9"

# Put before the end of a JPEG's data: a decoder that needs more data than there are takes them for pixels. The first
# bit is not 0, which libjpeg itself would add.
_TAIL = b"\xaa" + bytes(range(1, 127)) * 2


class DamagedError(ValueError):
    """A compressed frame cannot be decoded to what its header announces."""


class CutError(DamagedError):
    """A compressed frame ends too early."""


def is_decodable(syntax: uid.UID) -> bool:
    """Return whether there is a decoder for the frames of a transfer syntax."""
    return syntax in _DECODERS


def decode(frame: bytes, form: PixelFormat, out: NDArray[np.generic] | None = None) -> NDArray[np.generic]:
    """Return the values of one frame, (row, column) or (row, column, sample), as the codestream holds them.

    They are decoded into ``out``, a contiguous array of the format's shape, and this is returned, if the decoder can do
    so and the type of ``out`` has their size: values of the other sign have the same bits.

    JPEG components come as they are coded, JPEG 2000 components after the inverse of its colour transformation. The
    type is one that holds every value of the codestream, not always that of the format.

    Raises :class:`DamagedError`, or :class:`CutError` where data are missing.
    """
    try:
        decoded = _DECODERS[form.transfer_syntax_uid](frame, form, out)
    except DamagedError:
        raise
    # Each decoder raises what it likes; whatever it is, these pixels cannot be had.
    except Exception as error:
        raise DamagedError(str(error) or type(error).__name__) from error
    if decoded.shape != form.shape:
        raise DamagedError(f"it holds {decoded.shape} values instead of {form.shape}")
    return decoded


def decode_jpeg_to_rgb(frame: bytes, form: PixelFormat) -> NDArray[np.generic]:
    """Return a JPEG frame of 8 bit YCbCr components as RGB: the decoder converts faster than anything after it.

    Raises what :func:`decode` raises.
    """
    try:
        return _jpeg_components(frame, form, "YCBCR", "RGB")
    except DamagedError:
        raise
    # Each decoder raises what it likes; whatever it is, these pixels cannot be had.
    except Exception as error:
        raise DamagedError(str(error) or type(error).__name__) from error


def _check_jpeg(stream: Codestream, form: PixelFormat) -> None:
    _check(stream, form)
    if form.bits_allocated > _MOST_JPEG_BITS:
        raise DamagedError(f"its header allocates {form.bits_allocated} bits, JPEG has {_MOST_JPEG_BITS} at most")


def _check(stream: Codestream, form: PixelFormat) -> None:
    found = (stream.rows, stream.columns, stream.samples)
    if found != (form.rows, form.columns, form.samples):
        raise DamagedError(
            "it holds {} x {} x {} values, its header announces {} x {} x {}".format(
                *found, form.rows, form.columns, form.samples
            )
        )
    if stream.precision > form.bits_allocated:
        raise DamagedError(f"it holds values of {stream.precision} bits, its header allocates {form.bits_allocated}")


def _jpeg(frame: bytes, form: PixelFormat, _out: NDArray[np.generic] | None) -> NDArray[np.generic]:
    return _jpeg_components(frame, form, "RGB", "RGB") if form.samples == 3 else _jpeg_components(frame, form)


def _jpeg_components(
    frame: bytes, form: PixelFormat, stored: str | None = None, wanted: str | None = None
) -> NDArray[np.generic]:
    stream = parse_jpeg(frame)
    _check_jpeg(stream, form)
    ends, is_ended = entropy_ends(frame, stream.scan)
    if not is_ended:
        raise CutError("the codestream ends without EOI")
    decoded = imagecodecs.jpeg8_decode(frame, colorspace=stored, outcolorspace=wanted)
    # libjpeg fills what is missing with zeros and tells nobody: with other data in their place, the pixels change.
    parts = [frame[first:last] for first, last in zip([0, *ends], [*ends, len(frame)], strict=True)]
    again = imagecodecs.jpeg8_decode(_TAIL.join(parts), colorspace=stored, outcolorspace=wanted)
    if not np.array_equal(decoded, again):
        raise CutError("the codestream holds less data than its pixels need")
    # Nor does it tell of codes that do not exist. What two decoders make of them differs.
    if stream.is_lossless and not np.array_equal(decoded, imagecodecs.jpegsof3_decode(frame)):
        raise DamagedError("its entropy-coded data are damaged")
    return decoded


def _jpeg_ls(frame: bytes, form: PixelFormat, out: NDArray[np.generic] | None) -> NDArray[np.generic]:
    stream = parse_jpeg(frame)
    _check_jpeg(stream, form)
    # Without the end marker, which entropy-coded data cannot hold, CharLS takes seconds to find that out.
    if frame.rfind(_EOI, stream.scan) < 0:
        raise CutError("the codestream ends without EOI")
    return imagecodecs.jpegls_decode(frame, out=_fitting(out, stream))


def _jpeg_2000(frame: bytes, form: PixelFormat, out: NDArray[np.generic] | None) -> NDArray[np.generic]:
    stream = parse_jpeg_2000(frame)
    _check(stream, form)
    return imagecodecs.jpeg2k_decode(frame, out=_fitting(out, stream))


def _fitting(out: NDArray[np.generic] | None, stream: Codestream) -> NDArray[np.generic] | None:
    """Return ``out`` if a decoder's values have its size in memory; components can differ in theirs."""
    size = 1 if stream.precision <= 8 else 2 if stream.precision <= 16 else 4
    return out if out is not None and stream.samples == 1 and out.dtype.itemsize == size else None


def _rle(frame: bytes, form: PixelFormat, _out: NDArray[np.generic] | None) -> NDArray[np.generic]:
    """PS3.5 annex G: a segment for each byte of each sample, the most significant byte first."""
    header = np.frombuffer(frame[:_RLE_HEADER_BYTES], "<u4")
    width = form.dtype.itemsize
    if len(header) < 16 or header[0] != form.samples * width:
        raise DamagedError(f"it has {header[0] if len(header) else 'no'} segments instead of {form.samples * width}")
    starts = [int(start) for start in header[1 : 1 + form.samples * width]]
    ends = [*starts[1:], len(frame)]
    pixels = form.rows * form.columns
    out = np.empty((pixels, form.samples, width), np.uint8)
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        if not _RLE_HEADER_BYTES <= start < end <= len(frame):
            raise DamagedError("its segments do not follow each other")
        segment = np.frombuffer(imagecodecs.packbits_decode(frame[start:end]), np.uint8)
        if len(segment) < pixels:
            raise CutError(f"a segment holds {len(segment)} bytes instead of {pixels}")
        # Little endian in memory: the last segment of a sample is its first byte.
        out[:, index // width, width - 1 - index % width] = segment[:pixels]
    return out.view(form.dtype).reshape(form.shape)


def _uncompressed(frame: bytes, form: PixelFormat, _out: NDArray[np.generic] | None) -> NDArray[np.generic]:
    return arranged(frame, form)


_JPEG = (uid.JPEGBaseline8Bit, uid.JPEGExtended12Bit, uid.JPEGLossless, uid.JPEGLosslessSV1)
_JPEG_LS = (uid.JPEGLSLossless, uid.JPEGLSNearLossless)
_JPEG_2000 = (uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K)
# "Encapsulated Uncompressed Explicit VR Little Endian" (PS3.6 annex A) has no name in pydicom.uid.
_ENCAPSULATED_UNCOMPRESSED = uid.UID("1.2.840.10008.1.2.1.98")

_DECODERS: Mapping[str, Callable[[bytes, PixelFormat, NDArray[np.generic] | None], NDArray[np.generic]]] = {
    **dict.fromkeys(_JPEG, _jpeg),
    **dict.fromkeys(_JPEG_LS, _jpeg_ls),
    **dict.fromkeys(_JPEG_2000, _jpeg_2000),
    uid.RLELossless: _rle,
    _ENCAPSULATED_UNCOMPRESSED: _uncompressed,
}
