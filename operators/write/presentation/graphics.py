"""Graphics and texts on layers over images (PS3.3 C.10.5 Graphic Annotation, C.10.7 Graphic Layer)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from highdicom.color import CIELabColor
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from scipy import ndimage

from operators.provenance import Analysis
from operators.read.geometry.slices import Slice
from operators.write.base.texts import require_text
from operators.write.presentation.outlines import mask_outlines

LONGEST_GRAPHIC = 0xFFFE // 8
"""Points that one graphic object can hold: Graphic Data (0070,0022) is FL, whose length is 16 bits (PS3.5 7.1.2)."""


class GraphicType(str, Enum):
    """What the points of a graphic mean (Graphic Type (0070,0023), PS3.3 C.10.5.1.2)."""

    POINT = "POINT"
    POLYLINE = "POLYLINE"
    """Straight lines from point to point; closed where the last point repeats the first."""
    INTERPOLATED = "INTERPOLATED"
    """A curve through the points."""
    CIRCLE = "CIRCLE"
    """Centre, then a point of the circle."""
    ELLIPSE = "ELLIPSE"
    """The ends of the major axis, then those of the minor axis."""


@dataclass(frozen=True)
class GraphicLayer:
    """A layer that a viewer shows or hides as one; ``name`` is capital letters, ``colour`` sRGB of 0 to 255."""

    name: str
    description: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class Graphic:
    """One shape: ``points`` is (point, 2) of (column, row) in pixels, the corner of the image's first pixel is (0, 0).

    The centre of pixel ``array[row, column]`` is (column + 0.5, row + 0.5). ``tracking_identifier`` is that of the
    finding that is drawn, as in the other results of the analysis.
    """

    type: GraphicType
    points: NDArray[np.float64]
    filled: bool = False
    tracking_identifier: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether the shape encloses something, so that it can be filled."""
        if self.type in (GraphicType.CIRCLE, GraphicType.ELLIPSE):
            return True
        return (
            self.type != GraphicType.POINT and len(self.points) > 2 and bool((self.points[0] == self.points[-1]).all())
        )


@dataclass(frozen=True)
class TextLabel:
    """A text at ``anchor``, (column, row) in pixels as of a :class:`Graphic`, or in ``box``, or both.

    ``box`` is (left, top, right, bottom) as shares of the displayed area, so it stays in its corner while the image is
    zoomed. ``mark_anchor`` asks viewers to draw a line to the anchor.
    """

    text: str
    anchor: tuple[float, float] | None = None
    box: tuple[float, float, float, float] | None = None
    mark_anchor: bool = True


@dataclass(frozen=True, eq=False)
class Annotation:
    """What is drawn on one layer over one image; ``image`` is its place among the state's images, None for all."""

    layer: str
    image: int | None = None
    graphics: Sequence[Graphic] = field(default=())
    texts: Sequence[TextLabel] = field(default=())


def box(left: float, top: float, right: float, bottom: float, *, tracking_identifier: str = "") -> Graphic:
    """Return a rectangle with these edges, in pixels as of a :class:`Graphic`."""
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)], dtype=np.float64)
    return Graphic(GraphicType.POLYLINE, corners, tracking_identifier=tracking_identifier)


def mask_annotations(
    images: Sequence[Slice],
    labels: NDArray[np.integer],
    layers: Mapping[int, str],
    *,
    tracking_identifiers: Mapping[int, str] | None = None,
) -> list[Annotation]:
    """Return the outlines of a label map, (slice, row, column) on the pixels of ``images``; 0 is background.

    ``layers`` names the layer of each label, ``tracking_identifiers`` the finding that it is. Raises
    :class:`ValueError` for labels of another grid, below 0 or without a layer.
    """
    grid = (len(images), *((images[0].header.Rows, images[0].header.Columns) if images else ()))
    if labels.shape != grid:
        raise ValueError(f"labels {labels.shape} do not lie on the {grid} pixels of the images")
    if labels.dtype.kind not in "iu" or labels.min(initial=0) < 0:
        raise ValueError(f"labels are whole numbers from 0, not {labels.dtype} from {labels.min(initial=0)}")
    found = [
        (index, label, place)
        for index, plane in enumerate(labels)
        for label, place in enumerate(ndimage.find_objects(plane), 1)
        if place is not None
    ]
    if unknown := {label for _, label, _ in found} - set(layers):
        raise ValueError(f"labels {sorted(unknown)} have no layer")
    annotations = []
    for index, label, place in found:
        corner = (place[1].start, place[0].start)
        name = (tracking_identifiers or {}).get(label, "")
        shapes = [
            Graphic(GraphicType.POLYLINE, part + corner, tracking_identifier=name)
            for outline in mask_outlines(labels[index][place] == label)
            for part in _parts(outline)
        ]
        annotations.append(Annotation(layers[label], index, shapes))
    return annotations


def _parts(outline: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return an outline as lines that a graphic object can hold, each beginning where the one before ends."""
    step = LONGEST_GRAPHIC - 1
    return [outline[start : start + LONGEST_GRAPHIC] for start in range(0, len(outline) - 1, step)]


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


def layer_items(layers: Sequence[GraphicLayer]) -> DicomSequence:
    """Return the Graphic Layer Sequence; later layers lie over earlier ones."""
    items = []
    for order, layer in enumerate(layers, 1):
        item = Dataset()
        item.GraphicLayer = layer.name
        item.GraphicLayerOrder = order
        item.GraphicLayerRecommendedDisplayCIELabValue = list(CIELabColor.from_rgb(*layer.colour).value)
        item.GraphicLayerDescription = layer.description
        items.append(item)
    return DicomSequence(items)


def annotation_item(annotation: Annotation, analysis: Analysis) -> Dataset:
    """Return an item of the Graphic Annotation Sequence, without the image that it is about."""
    item = Dataset()
    item.GraphicLayer = annotation.layer
    if annotation.texts:
        item.TextObjectSequence = DicomSequence([_text_item(label) for label in annotation.texts])
    if annotation.graphics:
        item.GraphicObjectSequence = DicomSequence(
            [_graphic_item(graphic, analysis) for graphic in annotation.graphics]
        )
    return item


def _text_item(label: TextLabel) -> Dataset:
    item = Dataset()
    item.UnformattedTextValue = label.text
    if label.box is not None:
        item.BoundingBoxAnnotationUnits = "DISPLAY"
        item.BoundingBoxTopLeftHandCorner = list(label.box[:2])
        item.BoundingBoxBottomRightHandCorner = list(label.box[2:])
        item.BoundingBoxTextHorizontalJustification = "LEFT"
    if label.anchor is not None:
        item.AnchorPointAnnotationUnits = "PIXEL"
        item.AnchorPoint = list(label.anchor)
        item.AnchorPointVisibility = "Y" if label.mark_anchor else "N"
    return item


def _graphic_item(graphic: Graphic, analysis: Analysis) -> Dataset:
    item = Dataset()
    item.GraphicAnnotationUnits = "PIXEL"
    item.GraphicDimensions = 2
    item.NumberOfGraphicPoints = len(graphic.points)
    item.GraphicData = graphic.points.ravel().tolist()
    item.GraphicType = graphic.type.value
    if graphic.is_closed:
        item.GraphicFilled = "Y" if graphic.filled else "N"
    if graphic.tracking_identifier:
        item.TrackingID = graphic.tracking_identifier
        item.TrackingUID = analysis.uid(f"tracking/{graphic.tracking_identifier}")
    return item
