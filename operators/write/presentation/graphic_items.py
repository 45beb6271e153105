"""Layers, graphics and texts as items of their sequences (PS3.3 C.10.5 and C.10.7)."""

from __future__ import annotations

from collections.abc import Sequence

from highdicom.color import CIELabColor
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from operators.provenance import Analysis
from operators.write.presentation.graphics import Annotation, Graphic, GraphicLayer, TextLabel


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
