"""How one sample of a waveform is stored, and its value (PS3.3 section C.10.9.1)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_DTYPES = {
    (8, "SB"): "i1",
    (8, "UB"): "u1",
    (8, "MB"): "u1",
    (8, "AB"): "u1",
    (16, "SS"): "<i2",
    (16, "US"): "<u2",
    (32, "SL"): "<i4",
    (32, "UL"): "<u4",
    (64, "SV"): "<i8",
    (64, "UV"): "<u8",
}


@dataclass(frozen=True)
class SampleFormat:
    """Waveform Bits Allocated (5400,1004) and Waveform Sample Interpretation (5400,1006)."""

    bits_allocated: int
    interpretation: str

    @property
    def is_known(self) -> bool:
        """Whether the standard defines it."""
        return (self.bits_allocated, self.interpretation) in _DTYPES

    @property
    def stored_dtype(self) -> np.dtype[np.generic]:
        """The type of a sample as it lies in the file, little endian."""
        return np.dtype(_DTYPES[self.bits_allocated, self.interpretation])

    @property
    def dtype(self) -> np.dtype[np.generic]:
        """The type of a linear sample: int16 for the companded mu-law and A-law, else the stored one."""
        return np.dtype(np.int16) if self.is_companded else self.stored_dtype.newbyteorder("=")

    @property
    def is_companded(self) -> bool:
        """Whether the samples are mu-law (MB) or A-law (AB) codes of ITU-T G.711."""
        return self.interpretation in ("MB", "AB")

    def linear(self, stored: NDArray[np.generic]) -> NDArray[np.generic]:
        """Return stored samples as linear values; those that are linear are returned as they are."""
        if not self.is_companded:
            return stored
        return (_MU_LAW if self.interpretation == "MB" else _A_LAW)[stored]

    def integer(self, value: bytes) -> int | None:
        """Return a single sample that is encoded like the data (little endian), or None if it is too short."""
        size = self.stored_dtype.itemsize
        return int(np.frombuffer(value[:size], self.stored_dtype)[0]) if len(value) >= size else None


def _mu_law() -> NDArray[np.int16]:
    """ITU-T G.711 table 2: 14 bit decoder output values, -8031 to 8031."""
    codes = np.arange(256, dtype=np.int32) ^ 0xFF
    magnitude = ((2 * (codes & 0x0F) + 33) << ((codes >> 4) & 0x07)) - 33
    return np.where(codes & 0x80, -magnitude, magnitude).astype(np.int16)


def _a_law() -> NDArray[np.int16]:
    """ITU-T G.711 table 1: 13 bit decoder output values, -4032 to 4032."""
    codes = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = (codes >> 4) & 0x07, codes & 0x0F
    magnitude = np.where(segment == 0, 2 * step + 1, (2 * step + 33) << np.maximum(segment - 1, 0))
    return np.where(codes & 0x80, magnitude, -magnitude).astype(np.int16)


_MU_LAW, _A_LAW = _mu_law(), _a_law()
