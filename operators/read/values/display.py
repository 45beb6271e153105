"""How values are meant to be shown: windows, VOI lookup tables, and inversion (PS3.3 sections C.11.2 and C.11.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import UID, ExplicitVRBigEndian

from operators.read.attributes import MalformedAttributeError, numbers, text, values
from operators.read.values.lookup_table import lookup_table
from operators.read.values.rescale import LookupTable

LINEAR, LINEAR_EXACT, SIGMOID = "LINEAR", "LINEAR_EXACT", "SIGMOID"


@dataclass(frozen=True)
class Window:
    """A range of values in the modality's units and the function that spreads it over the display (C.11.2.1.2, .3)."""

    center: float
    width: float
    function: str = LINEAR
    explanation: str = ""

    def __call__(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Return values as brightness from 0 to 1."""
        values = array.astype(np.float64)
        if self.function == SIGMOID:
            # 1 / (1 + exp(-4 x)), in the form that does not overflow.
            return np.asarray(0.5 + 0.5 * np.tanh(2.0 * (values - self.center) / self.width))
        if self.function == LINEAR:
            if self.width == 1.0:
                # A step: at or below center - 0.5 is black.
                return (values > self.center - 0.5).astype(np.float64)
            return np.clip((values - (self.center - 0.5)) / (self.width - 1.0) + 0.5, 0.0, 1.0)
        return np.clip((values - self.center) / self.width + 0.5, 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class VoiTable:
    """A VOI lookup table (C.11.2.1.1); its largest possible entry is white."""

    table: LookupTable
    bits: int
    explanation: str = ""

    def __call__(self, array: NDArray[Any]) -> NDArray[np.float64]:
        """Return values as brightness from 0 to 1."""
        at = np.clip(np.round(array).astype(np.int64) - self.table.first, 0, len(self.table.table) - 1)
        return self.table.table[at].astype(np.float64) / ((1 << self.bits) - 1)


Voi = Window | VoiTable
"""One way to show the values."""


def values_of_interest(header: Dataset, syntax: UID, *, is_signed: bool) -> tuple[Voi, ...]:
    """Return the ways to show an image that its header offers: lookup tables, then windows; empty if none.

    ``is_signed`` is whether values in the modality's units may be negative. Windows too narrow for their function are
    left out.

    Raises :class:`MalformedAttributeError`.
    """
    big_endian = syntax == ExplicitVRBigEndian
    tables = []
    for item in values(header, "VOILUTSequence"):
        table = lookup_table(item, "LUTDescriptor", "LUTData", is_signed=is_signed, is_big_endian=big_endian)
        bits = int(numbers(item, "LUTDescriptor", count=3)[2])
        tables.append(VoiTable(table, bits, text(item, "LUTExplanation") or ""))
    return (*tables, *_windows(header))


def _windows(header: Dataset) -> list[Window]:
    centers, widths = numbers(header, "WindowCenter"), numbers(header, "WindowWidth")
    if len(centers) != len(widths):
        raise MalformedAttributeError(f"{len(centers)} window centers, {len(widths)} widths")
    function = text(header, "VOILUTFunction") or LINEAR
    if function not in (LINEAR, LINEAR_EXACT, SIGMOID):
        raise MalformedAttributeError(f"VOILUTFunction is {function}")
    # LINEAR spreads center ± (width - 1) / 2, so only there a width below 1 means nothing.
    smallest = 1.0 if function == LINEAR else 0.0
    explanations = values(header, "WindowCenterWidthExplanation")
    windows = []
    for index, (center, width) in enumerate(zip(centers, widths, strict=True)):
        # Some modalities write 0 for "no window".
        if width < smallest or width == 0.0:
            continue
        explanation = str(explanations[index]).strip() if index < len(explanations) else ""
        windows.append(Window(center, width, function, explanation))
    return windows


def is_inverted(header: Dataset) -> bool:
    """Return whether the smallest value is meant to be white: MONOCHROME1 or Presentation LUT Shape INVERSE.

    Both together say the same once (PS3.3 table C.8-73). Raises :class:`MalformedAttributeError`.
    """
    shape = text(header, "PresentationLUTShape")
    return text(header, "PhotometricInterpretation") == "MONOCHROME1" or shape == "INVERSE"


def shown(array: NDArray[Any], voi: Voi | None, *, inverted: bool) -> NDArray[np.uint8]:
    """Return a monochrome frame (row, column) as brightness 0 to 255; without ``voi`` from its own least to most."""
    if voi is None:
        low, high = float(array.min()), float(array.max())
        voi = Window((low + high) / 2.0, max(high - low, 1.0), LINEAR_EXACT)
    brightness = voi(array)
    if inverted:
        brightness = 1.0 - brightness
    return np.round(brightness * 255.0).astype(np.uint8)
