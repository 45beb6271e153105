"""How a map is shown at first: its whole range (PS3.3 C.7.6.16.2.10b)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from operators.write.base.decimals import decimal
from operators.write.maps.stored_values import StoredValues


def frame_voi_lut(stored: StoredValues) -> Sequence:
    """Return a Frame VOI LUT Sequence that shows all values, from black for the least to white for the largest.

    A window is in stored values, as the pixel value transformation is the identity; its width must not be 0.
    """
    item = Dataset()
    item.WindowCenter = decimal((stored.first + stored.last) / 2)
    item.WindowWidth = decimal((stored.last - stored.first) or 1.0)
    # Unlike LINEAR it allows widths below 1 (C.11.2.1.3.2).
    item.VOILUTFunction = "LINEAR_EXACT"
    return Sequence([item])
