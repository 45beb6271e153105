"""The coordinate systems that a registration relates, and how it refers to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from operators.read.attributes import integer, text
from operators.read.geometry.functional_groups import is_enhanced
from operators.read.study import Instance, Series
from operators.write.base.references import referenced_instance


@dataclass(frozen=True)
class SeriesSpace:
    """The patient coordinates (LPS mm) of the images of one series, all in one Frame of Reference."""

    series: Series


@dataclass(frozen=True)
class AtlasSpace:
    """A Frame of Reference that is known by its UID alone, such as an atlas (PS3.6 table A-2)."""

    frame_of_reference_uid: str


@dataclass(frozen=True)
class ImageSpace:
    """The plane of one image (or ``frame``, from 1) that has no Frame of Reference (PS3.17 O.1).

    The centre of its top left pixel is (0, 0, 0); x runs along its rows and y down its columns in mm, by its own pixel
    spacing; z is 0.
    """

    instance: Instance
    frame: int | None = None


Space = SeriesSpace | AtlasSpace | ImageSpace


def headers_of(space: Space) -> list[Dataset]:
    """Return the headers of the instances whose coordinates these are; none for an atlas."""
    if isinstance(space, SeriesSpace):
        return [instance.header for instance in space.series.instances]
    return [space.instance.header] if isinstance(space, ImageSpace) else []


def check_one_patient(headers: Sequence[Dataset]) -> None:
    """Raise :class:`ValueError` unless there are images, each of them once and all of one patient."""
    if not headers:
        raise ValueError("no image is registered: nobody knows whose registration this is")
    patients = {(text(header, "PatientID"), text(header, "IssuerOfPatientID")) for header in headers}
    if len(patients) > 1:
        raise ValueError(f"images of {len(patients)} patients: {', '.join(sorted(str(one) for one, _ in patients))}")
    named = {header.SOPInstanceUID for header in headers}
    if len(named) != len(headers):
        raise ValueError("an image is registered twice, or to itself")


def frame_of_reference(space: Space) -> str | None:
    """Return the space's Frame of Reference UID; None for an image that has none.

    Raises :class:`ValueError` if the images of a series do not name one and the same, if an image has one after all
    (then its coordinates are those), or if a frame of several is meant but not named.
    """
    if isinstance(space, AtlasSpace):
        if not space.frame_of_reference_uid:
            raise ValueError("an atlas is known by its Frame of Reference UID, which is empty")
        return space.frame_of_reference_uid
    found = {text(header, "FrameOfReferenceUID") for header in headers_of(space)}
    if isinstance(space, SeriesSpace):
        if len(found) != 1 or None in found:
            named = ", ".join(sorted(str(uid) for uid in found if uid))
            raise ValueError(
                f"the images of series {space.series.description} are in no single space: {named or 'none'}"
            )
        return found.pop()
    if found != {None}:
        raise ValueError(f"{space.instance.name} has a Frame of Reference: register its series")
    frames = integer(space.instance.header, "NumberOfFrames") or 1
    if space.frame is None and (frames > 1 or is_enhanced(space.instance.header)):
        raise ValueError(f"{space.instance.name} has {frames} frames: say which one is registered")
    if space.frame is not None and not 1 <= space.frame <= frames:
        raise ValueError(f"{space.instance.name} has {frames} frames, not a frame {space.frame}")
    return None


def referenced_images(space: Space) -> list[Dataset]:
    """Return the items of the Referenced Image Sequence (0008,1140) of a space; none for an atlas."""
    items = [referenced_instance(header.SOPClassUID, header.SOPInstanceUID) for header in headers_of(space)]
    if isinstance(space, ImageSpace) and space.frame is not None:
        items[0].ReferencedFrameNumber = space.frame
    return items
