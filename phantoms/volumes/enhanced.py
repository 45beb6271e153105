"""Enhanced multi-frame objects: functional groups and dimensions that CT, MR and PET have alike (PS3.3 C.7.6.16)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.sr.coding import Code
from pydicom.tag import Tag

from phantoms.identity import derived_uid, save, set_instance_uid
from phantoms.volumes.common import (
    Affine,
    Array,
    decimals,
    new_series,
    orientation_of,
    position_of,
    set_attributes,
    set_pixels,
    slice_distance,
    spacing_of,
)

FrameGroups = Callable[[int, int], Dataset]
"""Further functional groups of a frame, from the numbers of its volume and its slice."""


def new_object(sop_class_uid: Any, modality: str, seed: int, number: int, description: str) -> Dataset:
    """An enhanced object with what all its frames share, but neither frames nor functional groups."""
    instance = new_series(sop_class_uid, modality, seed, number, description)
    set_instance_uid(instance, derived_uid(instance.SeriesInstanceUID, 1))
    instance.InstanceNumber = 1
    instance.AcquisitionDateTime = "20260203100000"
    instance.AcquisitionDuration = 10000.0
    instance.ContentQualification = "RESEARCH"
    instance.PresentationLUTShape = "IDENTITY"
    instance.AcquisitionContextSequence = DicomSequence()
    for keyword in ("AcquisitionDate", "AcquisitionTime"):
        del instance[keyword]
    return instance


def shared_groups(affine: Affine) -> Dataset:
    """The functional groups that are the same in every frame of a phantom."""
    spacing = spacing_of(affine)
    groups = Dataset()
    groups.PixelMeasuresSequence = one_item(
        PixelSpacing=decimals([spacing[1], spacing[0]]), SliceThickness=decimals([slice_distance(affine)])[0]
    )
    groups.PlaneOrientationSequence = one_item(ImageOrientationPatient=orientation_of(affine))
    groups.FrameAnatomySequence = one_item(
        FrameLaterality="U", AnatomicRegionSequence=coded(Code("51185008", "SCT", "Chest"))
    )
    groups.FrameVOILUTSequence = one_item(WindowCenter=40, WindowWidth=400)
    return groups


def write_frames(
    instance: Dataset,
    shared: Dataset,
    volumes: Array,
    affine: Affine,
    folder: Path,
    bits_stored: int,
    order: Sequence[int] | None,
    further: FrameGroups | None,
    attributes: dict[str, Any],
) -> Path:
    """Write each slice of `volumes` (volume, slice, row, column) as one frame and return the file.

    Slices come in the given `order` in every volume; `further` gives functional groups beside those of place and time.
    """
    slices = volumes.shape[1]
    order = range(slices) if order is None else order
    places = [(volume, index) for volume in range(len(volumes)) for index in order]
    instance.NumberOfFrames = len(places)
    instance.SharedFunctionalGroupsSequence = DicomSequence([shared])
    frames = []
    for volume, index in places:
        groups = further(volume, index) if further is not None else Dataset()
        groups.FrameContentSequence = one_item(
            FrameAcquisitionNumber=volume + 1,
            FrameReferenceDateTime="20260203100000",
            FrameAcquisitionDateTime="20260203100000",
            FrameAcquisitionDuration=1000.0,
            StackID="1",
            InStackPositionNumber=index + 1,
            TemporalPositionIndex=1,
            DimensionIndexValues=[volume + 1, index + 1],
        )
        groups.PlanePositionSequence = one_item(ImagePositionPatient=position_of(affine, index))
        frames.append(groups)
    instance.PerFrameFunctionalGroupsSequence = DicomSequence(frames)
    _set_dimensions(instance)
    set_pixels(instance, np.stack([volumes[volume, index] for volume, index in places]), bits_stored)
    set_attributes(instance, attributes)
    path = folder / "enhanced.dcm"
    save(instance, path)
    return path


def _set_dimensions(instance: Dataset) -> None:
    """The Multi-frame Dimension module (PS3.3 C.7.6.17): acquisition, then place in the stack."""
    uid = derived_uid(instance.SOPInstanceUID, "dimensions")
    instance.DimensionOrganizationSequence = one_item(DimensionOrganizationUID=uid)
    instance.DimensionIndexSequence = DicomSequence(
        [
            item_of(
                DimensionOrganizationUID=uid,
                DimensionIndexPointer=Tag(keyword),
                FunctionalGroupPointer=Tag("FrameContentSequence"),
            )
            for keyword in ("FrameAcquisitionNumber", "InStackPositionNumber")
        ]
    )


def item_of(**attributes: Any) -> Dataset:
    """One sequence item."""
    item = Dataset()
    set_attributes(item, attributes)
    return item


def one_item(**attributes: Any) -> DicomSequence:
    """A sequence of one item."""
    return DicomSequence([item_of(**attributes)])


def coded(code: Code) -> DicomSequence:
    """A code sequence of one item (PS3.3 section 8)."""
    return one_item(CodeValue=code.value, CodingSchemeDesignator=code.scheme_designator, CodeMeaning=code.meaning)
