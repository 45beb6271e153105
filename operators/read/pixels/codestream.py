"""What a JPEG, JPEG-LS or JPEG 2000 codestream says of itself: its size, its precision, its colour."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_SOI, _EOI, _SOS = 0xD8, 0xD9, 0xDA
_RESTARTS = range(0xD0, 0xD8)
_APP0, _APP14 = 0xE0, 0xEE
# Start of frame: all of C0 to CF but Huffman tables, extensions and arithmetic conditioning; F7 is that of JPEG-LS.
_SOF = frozenset({*range(0xC0, 0xD0), 0xF7} - {0xC4, 0xC8, 0xCC})
_SOF_LOSSLESS = 0xC3


class CodestreamError(ValueError):
    """A codestream breaks its standard before its first pixel."""


@dataclass(frozen=True)
class Codestream:
    """Rows, columns, components and bits of each, as the codestream itself has them.

    ``colour`` is what it says that its three components are: RGB, YBR, or None where it does not tell.
    ``is_lossless`` is whether it is a lossless JPEG (process 14). ``scan`` is where the first scan begins (JPEG only).
    """

    rows: int
    columns: int
    samples: int
    precision: int
    colour: str | None = None
    is_lossless: bool = False
    scan: int = 0


def parse_jpeg(data: bytes) -> Codestream:
    """Read the segments before the first scan of a JPEG (ITU-T T.81) or JPEG-LS (T.87) codestream.

    Raises :class:`CodestreamError`.
    """
    if data[:2] != bytes((0xFF, _SOI)):
        raise CodestreamError("it does not begin with SOI")
    frame: tuple[int, bytes] | None = None
    colour: str | None = None
    for marker, content, end in _segments(data, 2):
        if marker == _APP0 and content[:5] == b"JFIF\0":
            colour = colour or "YBR"
        elif marker == _APP14 and content[:5] == b"Adobe" and len(content) >= 12:
            # Transform 0: as stored, 1: YCbCr (ITU-T T.872 section 6.5.3). It stands above JFIF.
            colour = {0: "RGB", 1: "YBR"}.get(content[11], colour)
        elif marker in _SOF:
            frame = marker, content
        elif marker == _SOS:
            if frame is None:
                break
            return _jpeg(*frame, colour, end)
    raise CodestreamError("it ends before its first scan")


def _jpeg(marker: int, content: bytes, colour: str | None, scan: int) -> Codestream:
    if len(content) < 6 or len(content) < 6 + 3 * content[5]:
        raise CodestreamError("its start of frame is cut")
    precision, rows, columns, samples = struct.unpack(">BHHB", content[:6])
    components = [content[6 + 3 * index : 9 + 3 * index] for index in range(samples)]
    if colour is None and bytes(component[0] for component in components) == b"RGB":
        colour = "RGB"
    if colour is None and len({component[1] for component in components}) > 1:
        # Only chrominance is ever sampled more coarsely than the rest.
        colour = "YBR"
    return Codestream(rows, columns, samples, precision, colour, marker == _SOF_LOSSLESS, scan)


def _segments(data: bytes, position: int) -> Iterator[tuple[int, bytes, int]]:
    """Marker, content and end of each segment from ``position`` on, to the first start of scan."""
    while True:
        while data[position : position + 2] == b"\xff\xff":
            position += 1
        head = data[position : position + 4]
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0, _EOI):
            raise CodestreamError("its segments do not follow each other")
        end = position + 2 + int.from_bytes(head[2:], "big")
        yield head[1], data[position + 4 : end], end
        position = end


def entropy_ends(data: bytes, scan: int) -> tuple[list[int], bool]:
    """Return where runs of entropy-coded data end in a JPEG codestream, and whether it ends with EOI.

    A run lies between markers; ``scan`` is where the first begins.
    """
    ends: list[int] = []
    position, within_scan = scan, True
    for start, end in _markers(data, scan):
        if start < position:
            continue  # within a segment
        if within_scan:
            ends.append(start)
        marker = data[end - 1]
        if marker == _EOI:
            return ends, True
        position = end
        if marker not in _RESTARTS:
            position += int.from_bytes(data[end : end + 2], "big")
            within_scan = marker == _SOS
    return ends, False


def _markers(data: bytes, start: int) -> Iterator[tuple[int, int]]:
    """Beginning and end of each marker from ``start`` on, with the 0xFF that may fill before it.

    Within entropy-coded data 0xFF is stuffed with 0 (ITU-T T.81 section B.1.1).
    """
    content = np.frombuffer(data, np.uint8, offset=start)
    following = content[1:]
    for found in np.flatnonzero((content[:-1] == 0xFF) & (following != 0) & (following != 0xFF)).tolist():
        begin = start + found
        while begin > start and data[begin - 1] == 0xFF:
            begin -= 1
        yield begin, start + found + 2


def parse_jpeg_2000(data: bytes) -> Codestream:
    """Read the image and tile size segment of a JPEG 2000 codestream (ITU-T T.800 section A.5.1), also within a JP2.

    Raises :class:`CodestreamError`.
    """
    start = data.find(b"\xff\x4f\xff\x51", 0, 4096)
    if start < 0 or len(data) < start + 42:
        raise CodestreamError("it does not begin with SOC and SIZ")
    width, height, left, top = struct.unpack_from(">4I", data, start + 8)
    (samples,) = struct.unpack_from(">H", data, start + 40)
    components = data[start + 42 : start + 42 + 3 * samples]
    if len(components) < 3 or len(components) < 3 * samples or 0 in (components[1], components[2]):
        raise CodestreamError("its image and tile size segment is cut")
    depth, horizontal, vertical = components[:3]
    return Codestream(
        rows=-(-height // vertical) - -(-top // vertical),
        columns=-(-width // horizontal) - -(-left // horizontal),
        samples=samples,
        precision=(depth & 0x7F) + 1,
    )
