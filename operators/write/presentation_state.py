"""Outlines, boxes and texts over images → Grayscale or Color Softcopy Presentation State (PS3.3 A.33.1, A.33.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import ColorSoftcopyPresentationStateStorage, GrayscaleSoftcopyPresentationStateStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.geometry.slices import Slice
from operators.read.values.display import Window
from operators.read.volume import Volume
from operators.write.base.body_part import write_body_part
from operators.write.base.content_identification import write_content_identification
from operators.write.base.identity import copy_attributes
from operators.write.base.references import referenced_instance
from operators.write.base.result import finish, new_result
from operators.write.base.srgb import srgb_profile
from operators.write.presentation.area import AS_STORED, Area, Turn, check_area, displayed_area, write_turn
from operators.write.presentation.graphic_checks import check_annotations
from operators.write.presentation.graphic_items import annotation_item, layer_items
from operators.write.presentation.graphics import Annotation, GraphicLayer
from operators.write.presentation.grey_scale import are_colour, grey_scale, window_items, write_grey_scale


def write_presentation_state(
    output_name: str,
    output: OutputPart,
    images: Sequence[Slice],
    layers: Sequence[GraphicLayer],
    annotations: Sequence[Annotation],
    analysis: Analysis,
    *,
    window: Window | None = None,
    area: Area | None = None,
    turn: Turn = AS_STORED,
) -> FileDataset:
    """Return one presentation state for all ``images``: instances, or frames of multi-frame ones, of one study.

    It is one for grey scale, or for colour if the images are in colour. ``annotations`` lie on ``layers``, the later
    ones over the earlier. ``window`` is in the modality's units; without it each image is shown by its own first
    window. ``area`` and ``turn`` hold for all images; graphics are placed on the image as it is stored.

    Raises :class:`ValueError` for images of several studies, of grey and of colour, or shown by lookup tables, for a
    window over colour, and for graphics or texts that leave their image or that a state cannot hold.
    """
    _check_images(images)
    check_annotations(images, layers, annotations)
    check_area(images, area, turn)
    scale = None if are_colour(images) else grey_scale(images, window)
    if scale is None and window is not None:
        raise ValueError("colour is shown as it is: there is no window over it")
    source = images[0].instance.header
    sop_class_uid = GrayscaleSoftcopyPresentationStateStorage if scale else ColorSoftcopyPresentationStateStorage
    state = new_result(sop_class_uid, "PR", output_name, output, source, analysis)
    write_body_part(source, state)
    copy_attributes(source, state, ("RequestAttributesSequence",))
    state.PresentationCreationDate, state.PresentationCreationTime = state.ContentDate, state.ContentTime
    del state.ContentDate, state.ContentTime
    write_content_identification(state, output_name, output, analysis)
    state.ReferencedSeriesSequence = _referenced_series(images)
    state.DisplayedAreaSelectionSequence = DicomSequence(
        _told([(displayed_area(image, area, turn), (index,)) for index, image in enumerate(images)], images)
    )
    write_turn(turn, state)
    if scale is None:
        state.ICCProfile = srgb_profile()
        state.ColorSpace = "SRGB"
    else:
        write_grey_scale(scale, state)
        if found := window_items(scale):
            state.SoftcopyVOILUTSequence = DicomSequence(_told(found, images))
    if annotations:
        state.GraphicLayerSequence = layer_items(layers)
        everywhere = tuple(range(len(images)))
        items = [
            (annotation_item(item, analysis), everywhere if item.image is None else (item.image,))
            for item in annotations
        ]
        state.GraphicAnnotationSequence = DicomSequence(_told(items, images, merge=False))
    return finish(state)


def volume_images(volume: Volume) -> tuple[Slice, ...]:
    """Return the images that a volume's slices are, in its order.

    Raises :class:`ValueError` for a volume whose slices are not whole images: resampled ones and tiles of mosaics.
    """
    if volume.is_resampled:
        raise ValueError("the volume was resampled: its slices are not the source images")
    _check_images(volume.slices)
    return volume.slices


def _check_images(images: Sequence[Slice]) -> None:
    if not images:
        raise ValueError("a presentation state shows at least one image")
    if len({image.instance.header.StudyInstanceUID for image in images}) != 1:
        raise ValueError("the images are of several studies: each study has its own state")
    if any(image.tile is not None for image in images):
        raise ValueError("tiles of a mosaic are no images of their own: a state shows the whole mosaic")
    if len({(image.instance.sop_instance_uid, image.frame) for image in images}) != len(images):
        raise ValueError("an image is named twice")


def _told(
    items: Iterable[tuple[Dataset, tuple[int, ...]]], images: Sequence[Slice], *, merge: bool = True
) -> list[Dataset]:
    """Return items that say which images they are for, unless that is all of them; equal ones once if ``merge``."""
    merged: list[tuple[Dataset, list[int]]] = []
    for item, places in items:
        known = next((found for other, found in merged if other == item), None) if merge else None
        if known is None:
            merged.append((item, list(places)))
        else:
            known += places
    for item, found in merged:
        if len(found) < len(images):
            item.ReferencedImageSequence = _references([images[index] for index in found])
    return [item for item, _ in merged]


def _referenced_series(images: Sequence[Slice]) -> DicomSequence:
    """Return the Presentation State Relationship module's series (C.11.11)."""
    by_series: dict[str, list[Slice]] = {}
    for image in images:
        by_series.setdefault(image.instance.header.SeriesInstanceUID, []).append(image)
    items = []
    for series_instance_uid, found in by_series.items():
        item = Dataset()
        item.SeriesInstanceUID = series_instance_uid
        item.ReferencedImageSequence = _references(found)
        items.append(item)
    return DicomSequence(items)


def _references(images: Sequence[Slice]) -> DicomSequence:
    """Return one reference for each instance; its frames are named if these are not all that it has."""
    frames: dict[str, list[Slice]] = {}
    for image in images:
        frames.setdefault(image.instance.sop_instance_uid, []).append(image)
    items = []
    for found in frames.values():
        header = found[0].instance.header
        item = referenced_instance(header.SOPClassUID, header.SOPInstanceUID)
        if found[0].is_frame and len(found) < int(header.get("NumberOfFrames") or 1):
            item.ReferencedFrameNumber = sorted(image.frame + 1 for image in found)
        items.append(item)
    return DicomSequence(items)
