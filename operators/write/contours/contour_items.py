"""Polygons → items of the Contour Sequence (3006,0040), as bytes: a Structure Set can have very many of them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from operators.read.geometry.slices import Slice
from operators.write.base.element_bytes import element, encoded, item
from operators.write.base.references import referenced_instance
from operators.write.contours.borders import Vertex
from operators.write.contours.polygons import InnerContours

_GEOMETRIC_TYPES = {"keyhole": b"CLOSED_PLANAR", "xor": b"CLOSEDPLANAR_XOR"}


def contour_items(
    source: Slice, polygons: Sequence[Sequence[Vertex]], inner: InnerContours, first_number: int
) -> list[bytes]:
    """Return the items of polygons on one source slice, numbered from ``first_number``.

    The points are in LPS mm by the slice's own position, orientation and spacing, rounded to 1e-5 mm.
    """
    image = _contour_image(source)
    to_patient = _corner_to_patient(source.header)
    kind = _GEOMETRIC_TYPES[inner]
    items = []
    for number, polygon in enumerate(polygons, start=first_number):
        corners = np.array([(column, row, 1) for row, column in polygon], dtype=np.float64)
        # Adding 0 turns -0 into 0.
        points = np.round(corners @ to_patient.T, 5) + 0.0
        text = "\\".join(["%.5f"] * points.size) % tuple(points.ravel().tolist())
        items.append(
            item(
                image,
                element("ContourGeometricType", "CS", kind),
                element("NumberOfContourPoints", "IS", b"%d" % len(polygon)),
                element("ContourNumber", "IS", b"%d" % number),
                element("ContourData", "DS", text.encode()),
            )
        )
    return items


def _corner_to_patient(header: Dataset) -> NDArray[np.float64]:
    """Return the (3, 3) matrix from (column, row, 1) of a pixel's upper left corner to LPS mm (PS3.3 C.7.6.2.1.1)."""
    row_spacing, column_spacing = (float(spacing) for spacing in header.PixelSpacing)
    orientation = np.array(header.ImageOrientationPatient, dtype=np.float64)
    along_row, along_column = orientation[:3] * column_spacing, orientation[3:] * row_spacing
    centre = np.array(header.ImagePositionPatient, dtype=np.float64)
    return np.stack([along_row, along_column, centre - (along_row + along_column) / 2], axis=1)


def _contour_image(source: Slice) -> bytes:
    """Return the Contour Image Sequence (3006,0016) of a slice; none for a tile: its image lies elsewhere."""
    if source.tile is not None:
        return b""
    image = referenced_instance(source.header.SOPClassUID, source.header.SOPInstanceUID)
    if source.is_frame:
        image.ReferencedFrameNumber = source.frame + 1
    holder = Dataset()
    holder.ContourImageSequence = DicomSequence([image])
    return encoded(holder)
