"""Masks → outlines along the edges of their pixels: what an outline encloses is exactly the mask."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from operators.read.geometry.slices import Slice
from operators.write.contours.borders import Vertex, regions_of
from operators.write.presentation.graphics import LONGEST_GRAPHIC, Annotation, Graphic, GraphicType


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


def mask_outlines(mask: NDArray[np.bool_]) -> list[NDArray[np.float64]]:
    """Return the closed outlines of a mask, (row, column), each as (point, 2) of (column, row).

    The corner of the first pixel is (0, 0), its centre (0.5, 0.5); the last point repeats the first. Holes have
    outlines of their own; pixels that touch at a corner only are outlined apart.
    """
    return [_outline(line) for region in regions_of(mask) for line in (region.outer, *region.holes)]


def _outline(line: Sequence[Vertex]) -> NDArray[np.float64]:
    """Return the corners at which a line turns, as points, the first one again at the end."""
    points = np.array(line, dtype=np.float64)[:, ::-1]
    steps = np.diff(points, axis=0, append=points[:1])
    corners = points[(steps != np.roll(steps, 1, axis=0)).any(axis=1)]
    return np.concatenate([corners, corners[:1]])
