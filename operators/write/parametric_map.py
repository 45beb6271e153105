"""Quantities in space → Parametric Map (PS3.3 A.75), in floating point or quantised."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.uid import UID, ExplicitVRLittleEndian, ParametricMapStorage

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.frames import Frames
from operators.read.study import Series
from operators.read.volume import Volume
from operators.write.base.codes import code_sequence
from operators.write.base.content_identification import write_content_identification
from operators.write.base.encode import LOSSLESS, write_pixels
from operators.write.base.identity import copy_attributes
from operators.write.base.planes import (
    Grid,
    check_grid,
    check_on_source,
    derivation_images,
    grid_groups,
    grid_plane,
    picture_groups,
    picture_plane,
    source_groups,
    source_plane,
    write_dimensions,
)
from operators.write.base.references import referenced_series, source_image
from operators.write.base.result import copy_series_context, finish, new_result
from operators.write.maps.display_range import frame_voi_lut
from operators.write.maps.quantity import Quantity, check_quantities
from operators.write.maps.real_world_value_mapping import real_world_value_mapping
from operators.write.maps.stored_values import NO_VALUE, StoredType, StoredValues, stored_values

TISSUE = Code("85756007", "SCT", "Tissue")
"""The anatomic region of a map that may lie anywhere."""

_LONGEST_PIXEL_DATA = 0xFFFFFFFE

_SLICES = ("ImagePositionPatient", "PlanePositionSequence", "Slice")
_PICTURES = ("InStackPositionNumber", "FrameContentSequence", "Frame")


def write_parametric_map(
    output_name: str,
    output: OutputPart,
    place: Volume | Frames | Grid,
    quantities: Sequence[Quantity],
    analysis: Analysis,
    *,
    derivation: Code,
    source: Sequence[Series] = (),
    anatomic_region: Code = TISSUE,
    laterality: Literal["L", "R", "B", "U"] = "U",
    stored: StoredType = "float32",
    transfer_syntax: UID = ExplicitVRLittleEndian,
) -> FileDataset:
    """Return a Parametric Map of ``quantities``, whose values lie on ``place``, (slice, row, column).

    ``place`` is the volume on whose source slices the values lie (then each frame has its slice's position and
    orientation text and a reference to it), frames of pictures (the same without a place in the patient), or a grid of
    its own (then ``source`` are the series that the values come from, all referenced by every frame). ``derivation`` is
    a code of PS3.16 CID 7203, e.g. (113043, DCM, "Diffusion image analysis"); ``laterality`` is that of
    ``anatomic_region`` (PS3.3 C.7.6.16.2.8: U for unpaired). Frames are all slices of the first quantity, then of the
    second, and so on, in the direction of row x column.

    ``stored`` is how the values are stored. NaN, "no value here", stays NaN in float32 and float64; in uint16 it is
    stored as 0, the Pixel Padding Value, outside the range that the Real World Value Mapping maps, so a strict reader
    (highdicom) gives no value for it but an error. Integers may be compressed (RLE, JPEG-LS, JPEG 2000 Lossless).

    Raises :class:`ValueError` for what :func:`check_quantities`, :func:`stored_values`, :func:`check_on_source` or
    :func:`check_grid` find wrong, for a compressed transfer syntax of floats, for a grid without source or of another
    shape, and for more pixels than one object can hold.
    """
    shape = check_quantities(quantities)
    references = _references(place, shape, source)
    if transfer_syntax not in LOSSLESS or (stored != "uint16" and transfer_syntax != ExplicitVRLittleEndian):
        raise ValueError(f"{stored} is not written in transfer syntax {UID(transfer_syntax).name}")
    if len(quantities) * int(np.prod(shape)) * np.dtype(stored).itemsize > _LONGEST_PIXEL_DATA:
        raise ValueError(f"{len(quantities)} quantities of {shape} do not fit into one object as {stored}")
    mapped = [stored_values(quantity.values, stored, quantity.label) for quantity in quantities]

    header = references[0]
    result = new_result(ParametricMapStorage, "OT", output_name, output, header, analysis)
    copy_series_context(header, result)
    _write_image(result, place, header, analysis.uid(f"{output_name}/frame of reference"))
    write_content_identification(result, output_name, output, analysis)
    result.ReferencedSeriesSequence = referenced_series(references, "ReferencedInstanceSequence")
    planes = _write_frames(result, place, quantities, mapped, references, derivation)
    anatomy = Dataset()
    anatomy.AnatomicRegionSequence = code_sequence(anatomic_region)
    anatomy.FrameLaterality = laterality
    result.SharedFunctionalGroupsSequence[0].FrameAnatomySequence = DicomSequence([anatomy])
    several = [("LUTLabel", "RealWorldValueMappingSequence", "Quantity")] if len(quantities) > 1 else []
    slices = _PICTURES if isinstance(place, Frames) else _SLICES
    write_dimensions(result, analysis.uid(f"{output_name}/dimensions"), [*several, slices])
    result.Rows, result.Columns = shape[1:]
    finish(result)
    _write_pixels(result, [values.pixels[index] for values in mapped for index in planes], transfer_syntax)
    return result


def _references(place: Volume | Frames | Grid, shape: tuple[int, int, int], source: Sequence[Series]) -> list[Dataset]:
    """Check that the values lie where they are said to; return the headers of the source instances."""
    if not isinstance(place, Grid):
        if source:
            raise ValueError("a map on source slices comes from these: name other series only with a grid of its own")
        check_on_source(place, shape)
        return [place.instance.header] if isinstance(place, Frames) else [item.header for item in place.instances]
    check_grid(place)
    if shape != tuple(place.shape):
        raise ValueError(f"values {shape} are not on the grid of {place.shape}")
    references = [instance.header for series in source for instance in series.instances]
    if not references:
        raise ValueError("a map on a grid of its own needs the series that it comes from")
    return references


def _write_image(result: Dataset, place: Volume | Frames | Grid, source: Dataset, own_frame_of_reference: str) -> None:
    if isinstance(place, Frames):
        # The module is mandatory (table A.75-1), pictures need not have one: then the map is the first to name it.
        result.FrameOfReferenceUID = own_frame_of_reference
        copy_attributes(source, result, ("FrameOfReferenceUID",))
        result.PatientOrientation = None
        copy_attributes(source, result, ("PatientOrientation",))
    else:
        result.FrameOfReferenceUID = place.frame_of_reference_uid
    result.PositionReferenceIndicator = None
    copy_attributes(source, result, ("PositionReferenceIndicator",))
    result.ImageType = ["DERIVED", "PRIMARY", _image_flavor(place), "QUANTITY"]
    result.ContentQualification = "RESEARCH"
    result.BurnedInAnnotation = "NO"
    # Whether a face can be made of it, nobody has looked, unless the source tells (type 1).
    result.RecognizableVisualFeatures = "NO" if source.get("RecognizableVisualFeatures") == "NO" else "YES"
    result.SamplesPerPixel = 1
    result.PhotometricInterpretation = "MONOCHROME2"
    result.PresentationLUTShape = "IDENTITY"
    result.AcquisitionContextSequence = DicomSequence()


def _image_flavor(place: Volume | Frames | Grid) -> str:
    """Return the third value of Image Type (PS3.3 C.8.16.1.3): a clip moves, a picture does not."""
    if not isinstance(place, Frames):
        return "VOLUME"
    return "MOTION" if len(place.frame_numbers) > 1 else "STATIC"


def _write_frames(
    result: Dataset,
    place: Volume | Frames | Grid,
    quantities: Sequence[Quantity],
    mapped: Sequence[StoredValues],
    references: Sequence[Dataset],
    derivation: Code,
) -> list[int]:
    """Write the functional groups (PS3.3 table A.75-2), shared where equal; return the order of the slices."""
    shared = _shared_groups(place)
    frame_type = Dataset()
    frame_type.FrameType = list(result.ImageType)
    shared.ParametricMapFrameTypeSequence = DicomSequence([frame_type])
    identity = Dataset()
    identity.RescaleIntercept, identity.RescaleSlope, identity.RescaleType = 0, 1, "US"
    shared.PixelValueTransformationSequence = DicomSequence([identity])
    if isinstance(place, Grid):
        planes = [grid_plane(place, index) for index in range(place.shape[0])]
        images = [source_image(header) for header in references]
        shared.DerivationImageSequence = derivation_images(images, derivation)
    else:
        lies_on = picture_plane if isinstance(place, Frames) else source_plane
        planes = [lies_on(item, derivation) for item in place.slices]
    order = list(range(len(planes)))
    # Readers that do not sort frames take the direction of row x column for granted.
    if not isinstance(place, Frames) and np.linalg.det(place.affine[:3, :3]) < 0:
        order.reverse()
    meanings = [_meaning(quantity, stored) for quantity, stored in zip(quantities, mapped, strict=True)]
    if len(meanings) == 1:
        shared.update(meanings[0])
    result.SharedFunctionalGroupsSequence = DicomSequence([shared])
    frames = []
    for number, meaning in enumerate(meanings, start=1):
        for index, plane in enumerate((planes[at] for at in order), start=1):
            content = Dataset()
            content.DimensionIndexValues = [number, index] if len(meanings) > 1 else index
            if isinstance(place, Frames):
                content.StackID, content.InStackPositionNumber = "1", index
            groups = Dataset()
            groups.update(plane)
            groups.FrameContentSequence = DicomSequence([content])
            if len(meanings) > 1:
                groups.update(meaning)
            frames.append(groups)
    result.NumberOfFrames = len(frames)
    result.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    return order


def _shared_groups(place: Volume | Frames | Grid) -> Dataset:
    """Return what is known of all planes; Pixel Measures stand there in any case (table A.75-2)."""
    if isinstance(place, Volume):
        return source_groups(place)
    if isinstance(place, Grid):
        return grid_groups(place)
    groups = picture_groups(place)
    if "PixelMeasuresSequence" not in groups:
        groups.PixelMeasuresSequence = DicomSequence([Dataset()])
    return groups


def _meaning(quantity: Quantity, stored: StoredValues) -> Dataset:
    """Return the functional groups that tell what the pixels of a quantity mean and how they are shown."""
    groups = Dataset()
    groups.FrameVOILUTSequence = frame_voi_lut(stored)
    groups.RealWorldValueMappingSequence = real_world_value_mapping(quantity, stored)
    return groups


def _write_pixels(result: FileDataset, frames: Sequence[NDArray[Any]], transfer_syntax: UID) -> None:
    result.BitsAllocated = 8 * frames[0].itemsize
    if frames[0].dtype.kind == "f":
        keyword = "FloatPixelData" if result.BitsAllocated == 32 else "DoubleFloatPixelData"
        little_endian = frames[0].dtype.newbyteorder("<")
        setattr(result, keyword, b"".join(frame.astype(little_endian, copy=False).tobytes() for frame in frames))
        return
    result.BitsStored, result.HighBit = result.BitsAllocated, result.BitsAllocated - 1
    result.PixelRepresentation = 0
    result.add_new("PixelPaddingValue", "US", NO_VALUE)
    write_pixels(result, frames, transfer_syntax)
