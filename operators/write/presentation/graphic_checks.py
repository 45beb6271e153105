"""What graphics and texts have to be so that a presentation state can hold them (PS3.3 C.10.5)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from operators.read.geometry.slices import Slice
from operators.write.base.texts import require_text
from operators.write.presentation.graphics import (
    LONGEST_GRAPHIC,
    Annotation,
    Graphic,
    GraphicLayer,
    GraphicType,
    TextLabel,
)


def check_annotations(
    images: Sequence[Slice], layers: Sequence[GraphicLayer], annotations: Sequence[Annotation]
) -> None:
    """Raise :class:`ValueError` for layers, graphics or texts that a presentation state cannot hold."""
    names = [require_text("a layer's name", layer.name, "CS") for layer in layers]
    if len(set(names)) != len(names):
        raise ValueError(f"layers must have different names: {names}")
    for layer in layers:
        require_text("a layer's description", layer.description, "LO")
        if len(layer.colour) != 3 or not all(0 <= part <= 255 for part in layer.colour):
            raise ValueError(f"the colour of layer {layer.name} is {layer.colour}, not three numbers of 0 to 255")
    for annotation in annotations:
        if annotation.layer not in names:
            raise ValueError(f"there is no layer {annotation.layer!r} among {names}")
        if not annotation.graphics and not annotation.texts:
            raise ValueError(f"an annotation of layer {annotation.layer} has neither a graphic nor a text")
        if annotation.image is not None and not 0 <= annotation.image < len(images):
            raise ValueError(f"there is no image {annotation.image} among {len(images)}")
        over = images if annotation.image is None else [images[annotation.image]]
        rows, columns = (min(int(item.header[name].value) for item in over) for name in ("Rows", "Columns"))
        for graphic in annotation.graphics:
            _check_graphic(graphic, rows, columns)
        for label in annotation.texts:
            _check_text(label, rows, columns)


def _check_graphic(graphic: Graphic, rows: int, columns: int) -> None:
    least, most = _POINTS[graphic.type]
    points = graphic.points
    if points.ndim != 2 or points.shape[1] != 2 or not least <= len(points) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"a {graphic.type.value} has {wanted} points of (column, row), not {points.shape}")
    if not _lies_within(points, rows, columns):
        raise ValueError(f"a {graphic.type.value} leaves the image of {columns} columns and {rows} rows")
    if graphic.filled and not graphic.is_closed:
        raise ValueError(f"a {graphic.type.value} that is not closed cannot be filled")
    if graphic.tracking_identifier:
        require_text("a tracking identifier", graphic.tracking_identifier, "UT")


_POINTS = {
    GraphicType.POINT: (1, 1),
    GraphicType.POLYLINE: (2, LONGEST_GRAPHIC),
    GraphicType.INTERPOLATED: (2, LONGEST_GRAPHIC),
    GraphicType.CIRCLE: (2, 2),
    GraphicType.ELLIPSE: (4, 4),
}


def _check_text(label: TextLabel, rows: int, columns: int) -> None:
    require_text("a text", label.text, "ST")
    if label.anchor is None and label.box is None:
        raise ValueError(f"the text {label.text!r} has neither an anchor nor a box")
    if label.anchor is not None and not _lies_within(np.array([label.anchor], dtype=float), rows, columns):
        raise ValueError(f"the text {label.text!r} is anchored outside the image")
    if label.box is not None:
        left, top, right, bottom = label.box
        if not (0 <= left < right <= 1 and 0 <= top < bottom <= 1):
            raise ValueError(f"the box {label.box} of {label.text!r} is no part of the displayed area")


def _lies_within(points: NDArray[np.float64], rows: int, columns: int) -> bool:
    """Whether all points are finite and lie from the first pixel's first corner to the last one's last (C.10.5.1.1)."""
    return bool(np.isfinite(points).all() and (points >= 0).all() and (points <= (columns, rows)).all())
