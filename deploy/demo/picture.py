"""Turn the summary page, a Secondary Capture, into a PNG."""

from __future__ import annotations

from pathlib import Path

from PIL import Image
from pydicom import dcmread


def save_picture(source: Path, target: Path) -> Path:
    """Write the (first) frame of an RGB or MONOCHROME2 8-bit object as PNG; return ``target``."""
    pixels = dcmread(source).pixel_array
    Image.fromarray(pixels).save(target)
    return target
