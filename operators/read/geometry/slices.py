"""The slices of a series: instances, frames of multi-frame instances, tiles of mosaics, all alike to their reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer
from operators.read.geometry import functional_groups, nuclear
from operators.read.geometry.mosaic import Tile, is_mosaic, tiles
from operators.read.headers.remembered import Remembered
from operators.read.study import Instance, Series
from operators.refused import Reason, Refused


@dataclass(frozen=True, eq=False)
class Slice:
    """One plane of a series: an instance, one frame (0-based) of a multi-frame instance, or one tile of a mosaic.

    ``header`` is the instance's own if the plane is the whole instance, else a flat header as if the plane were an
    instance of its own: SOP Instance UID and Instance Number remain those of the instance.
    """

    instance: Instance
    header: Dataset = field(repr=False)
    frame: int = 0
    tile: Tile | None = None
    is_frame: bool = False

    @property
    def name(self) -> str:
        """The slice as a person would name it in a message."""
        if self.is_frame:
            return f"{self.instance.name} frame {self.frame + 1}"
        if self.tile is not None:
            return f"{self.instance.name} tile at row {self.tile.row}, column {self.tile.column}"
        return self.instance.name


def slices_of(series: Series) -> tuple[Slice, ...]:
    """Return the slices of a series, in the order of its instances and of the frames or tiles in them.

    Raises :class:`Refused` with ``MISSING_GEOMETRY`` when the functional groups, vectors or mosaic do not tell where
    frames lie, and with ``UNSUPPORTED_PIXEL_FORMAT`` for several frames in an instance without any of these.
    """
    found: list[Slice] = []
    is_plain = Remembered(_is_plain, _PLAIN_KEYWORDS)
    for instance in series.instances:
        try:
            if is_plain(instance.header):
                found.append(Slice(instance, instance.header))
            else:
                found += _slices(instance)
        except MalformedAttributeError as error:
            raise Refused(Reason.MISSING_GEOMETRY, f"{instance.name}: {error}") from error
    return tuple(found)


def first_header(instance: Instance) -> Dataset:
    """Return the header of an instance's first slice; its own if it has no slices.

    For attributes that are the same in all of them. Never raises.
    """
    try:
        return next(_slices(instance, 1)).header
    # What is no slice still has attributes, and a selection expression may ask for them.
    except (MalformedAttributeError, Refused, StopIteration):
        return instance.header


_PLAIN_KEYWORDS = ("NumberOfFrames", "PerFrameFunctionalGroupsSequence", "SOPClassUID", "ImageType")


def _is_plain(header: Dataset) -> bool:
    """Whether an instance is one slice."""
    return not (
        (integer(header, "NumberOfFrames") or 1) > 1
        or functional_groups.is_enhanced(header)
        or nuclear.is_nuclear(header)
        or is_mosaic(header)
    )


def _slices(instance: Instance, limit: int | None = None) -> Iterator[Slice]:
    header = instance.header
    frames = integer(header, "NumberOfFrames") or 1
    if functional_groups.is_enhanced(header):
        yield from _enhanced(instance, frames, limit)
    elif nuclear.is_nuclear(header):
        for index, flat in enumerate(nuclear.frame_headers(header)):
            yield Slice(instance, flat, index, is_frame=True)
    elif frames > 1:
        raise Refused(
            Reason.UNSUPPORTED_PIXEL_FORMAT,
            f"{instance.name} has {frames} frames in one instance without functional groups",
        )
    elif is_mosaic(header):
        for tile, flat in tiles(header):
            yield Slice(instance, flat, tile=tile)
    else:
        yield Slice(instance, header)


def _enhanced(instance: Instance, frames: int, limit: int | None) -> Iterator[Slice]:
    described = functional_groups.frame_count(instance.header)
    if described != frames:
        raise MalformedAttributeError(f"{described} functional groups describe {frames} frames")
    for index, flat in enumerate(functional_groups.frame_headers(instance.header, limit)):
        yield Slice(instance, flat, index, is_frame=True)
