"""How the pixels of an instance are stored: its Image Pixel module, checked once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from operators.read.attributes import MalformedAttributeError, integer, text
from operators.read.instance import Instance
from operators.refused import Reason, Refused

MONOCHROME = ("MONOCHROME1", "MONOCHROME2")
COLOUR = ("RGB", "YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")

_BITS_ALLOCATED = (1, 8, 16, 32)


@dataclass(frozen=True)
class PixelFormat:
    """How the pixels of one instance are stored (PS3.3 section C.7.6.3, PS3.5 section 8).

    ``dtype`` is the type of one stored value in memory (native byte order; uint8 where one bit is stored);
    ``samples`` is 1 (monochrome and palette colour) or 3.
    """

    rows: int
    columns: int
    dtype: np.dtype[np.generic]
    bits_stored: int
    transfer_syntax_uid: UID
    frames: int = 1
    samples: int = 1
    photometric_interpretation: str = "MONOCHROME2"
    bits_allocated: int = 16
    high_bit: int = 15
    is_planar: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one frame: (row, column), with colour (row, column, sample)."""
        return (self.rows, self.columns) if self.samples == 1 else (self.rows, self.columns, self.samples)

    @property
    def has_unused_bits(self) -> bool:
        """Whether bits outside Bits Stored exist: they may hold anything, e.g. a retired overlay."""
        return self.dtype.kind != "f" and 1 < self.bits_allocated != self.bits_stored

    @property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value that Bits Stored and Pixel Representation allow, of integers."""
        if self.dtype.kind == "i":
            return -(1 << (self.bits_stored - 1)), (1 << (self.bits_stored - 1)) - 1
        return 0, (1 << self.bits_stored) - 1


def pixel_format(instance: Instance) -> PixelFormat:
    """Return how an instance's pixels are stored, from its header.

    Read are monochrome and palette colour integers of 1, 8, 16 or 32 bits, floats of 32 or 64 bits, and colour of
    three samples of 8 to 32 bits; any number of frames.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` for anything else, and with ``TRUNCATED_PIXEL_DATA`` when
    the file ends before its pixel data.
    """
    header = instance.header
    syntax = UID(instance.file_meta.TransferSyntaxUID)
    if not syntax.is_transfer_syntax:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has the unknown transfer syntax {syntax}")
    if instance.pixel_data_offset is None and syntax != DeflatedExplicitVRLittleEndian:
        raise Refused(
            Reason.TRUNCATED_PIXEL_DATA,
            f"{instance.name} has no pixel data: there is none in its file, or the file ends before it",
        )
    try:
        return _format(header, syntax)
    except (MalformedAttributeError, ValueError) as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name} has {error}") from error


def require_monochrome(instance: Instance, form: PixelFormat) -> PixelFormat:
    """Return the format again if its values are measurements, not colours.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT`` for colour, also of a palette.
    """
    if form.photometric_interpretation not in MONOCHROME:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} has {form.samples} samples per pixel, {form.photometric_interpretation}",
        )
    return form


def _format(header: Dataset, syntax: UID) -> PixelFormat:
    rows, columns = integer(header, "Rows"), integer(header, "Columns")
    if not rows or not columns or rows < 0 or columns < 0:
        raise ValueError("no Rows and Columns")
    frames = integer(header, "NumberOfFrames")
    if frames is not None and frames < 1:
        raise ValueError(f"{frames} frames")
    samples, photometric = integer(header, "SamplesPerPixel"), text(header, "PhotometricInterpretation") or "none"
    if (samples, photometric in (*MONOCHROME, "PALETTE COLOR")) != (1, True) and (samples, photometric in COLOUR) != (
        3,
        True,
    ):
        raise ValueError(f"{samples} samples per pixel, {photometric}")
    allocated, stored = integer(header, "BitsAllocated"), integer(header, "BitsStored")
    high_bit, representation = integer(header, "HighBit"), integer(header, "PixelRepresentation")
    # Float Pixel Data and Double Float Pixel Data have neither Bits Stored nor Pixel Representation.
    if stored is None and representation is None and allocated in (32, 64) and samples == 1:
        dtype, stored, high_bit = np.dtype(f"f{allocated // 8}"), allocated, allocated - 1
    elif allocated not in _BITS_ALLOCATED or stored is None or not 1 <= stored <= allocated:
        raise ValueError(f"{stored} bits stored in {allocated}")
    # A single bit has no sign.
    elif representation not in (0, 1) or (allocated, representation) == (1, 1):
        raise ValueError(f"pixel representation {representation} of {allocated} bits")
    else:
        dtype = np.dtype(f"{'i' if representation else 'u'}{max(allocated, 8) // 8}")
        high_bit = stored - 1 if high_bit is None else high_bit
    # The chrominance of no colour is the middle of the whole range.
    if photometric.startswith("YBR") and stored != allocated:
        raise ValueError(f"{photometric} of {stored} bits stored in {allocated}")
    # A codestream holds its samples in an order of its own.
    planar = integer(header, "PlanarConfiguration") if samples == 3 else 0
    if planar not in (0, 1) and not (planar is None and syntax.is_encapsulated):
        raise ValueError(f"{samples} samples per pixel, {photometric}, in the planar configuration {planar}")
    if planar == 1 and photometric in ("YBR_FULL_422", "YBR_PARTIAL_422") and not syntax.is_encapsulated:
        raise ValueError(f"{photometric} in planes, which do not share their chrominance")
    # A codestream holds values, not cells with other bits below them.
    highest = stored if syntax.is_encapsulated else allocated
    if not stored - 1 <= high_bit < highest:
        raise ValueError(f"high bit {high_bit} of {stored}, pixel representation {representation}")
    return PixelFormat(
        rows=rows,
        columns=columns,
        dtype=dtype,
        bits_stored=stored,
        transfer_syntax_uid=syntax,
        frames=frames or 1,
        samples=samples or 1,
        photometric_interpretation=photometric,
        bits_allocated=allocated,
        high_bit=high_bit,
        is_planar=planar == 1,
    )
