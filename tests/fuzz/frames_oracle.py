"""The second way to pictures and clips: pydicom's decoders, colour conversion and palettes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_color_lut, convert_color_space

from operators.read.frames import Frames
from tests.fuzz.oracle import MismatchError, decoded, frame_count, plane_values, read


def compare(frames: Frames, content: bytes) -> None:
    """Compare every frame; raises :class:`MismatchError`."""
    dataset = read(content)
    if dataset is None:
        raise MismatchError("pydicom reads no data set")
    if len(frames.array) != frame_count(content):
        raise MismatchError(f"{len(frames.array)} frames, pydicom finds {frame_count(content)}")
    for number, frame in zip(frames.frame_numbers, frames.array, strict=True):
        try:
            expected, tolerance = _frame(dataset, content, number)
        # Gantry has read this frame: what pydicom says against it decides whether it should have.
        except BaseException as error:
            raise MismatchError(f"pydicom cannot: {type(error).__name__}: {error}") from error
        difference = np.abs(frame.astype(np.float64) - expected)
        if frame.shape != expected.shape or not difference.max() <= tolerance:
            raise MismatchError(f"frame {number}: values differ by {difference.max()}\n{frame}\n{expected}")


def _with_tables_of_bytes(dataset: Dataset) -> Dataset:
    """Lookup tables may have the VR US as well (PS3.3 table C.7-22), which pydicom does not expect."""
    tables = Dataset()
    for colour in ("Red", "Green", "Blue"):
        for keyword in (f"{colour}PaletteColorLookupTableDescriptor", f"{colour}PaletteColorLookupTableData"):
            tables[keyword] = dataset[keyword]
        if not isinstance(data := tables[keyword].value, bytes):
            tables[keyword] = DataElement(tables[keyword].tag, "OW", np.array(data, dtype="<u2").tobytes())
    tables.set_original_encoding(*dataset.original_encoding)
    return tables


def _frame(dataset: Dataset, content: bytes, number: int) -> tuple[NDArray[Any], float]:
    """The frame's values, and how far conversions of colour may differ: they round differently."""
    kind = str(dataset.PhotometricInterpretation)
    if kind.startswith("MONOCHROME"):
        values = plane_values(content, number)
        return values, 1e-6 * max(1.0, float(np.abs(values).max()))
    stored = decoded(dataset, number)
    if b"JFIF\0" in dataset.PixelData[:400]:
        # The codestream says what it holds, whatever the header says (ITU-T T.871).
        kind = "YBR_FULL"
    if kind == "PALETTE COLOR":
        return apply_color_lut(stored, _with_tables_of_bytes(dataset)).astype(np.float64), 0.0
    if kind.startswith("YBR_FULL"):
        return convert_color_space(stored, "YBR_FULL", "RGB").astype(np.float64), 2.0
    return stored.astype(np.float64), 0.0
