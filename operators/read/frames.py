"""Read pictures and clips: US, XA, RF, MG, DX, CR, ophthalmic, endoscopic, photographic and dermoscopic images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, text, values
from operators.read.geometry import functional_groups
from operators.read.geometry.slices import Slice
from operators.read.instance import Instance
from operators.read.pictures.frame_pixels import read_frame_pixels
from operators.read.pictures.frame_times import frame_times
from operators.read.pictures.frame_values import FrameValues, frame_values
from operators.read.pictures.projection import PixelSpacing, pixel_spacing
from operators.read.pictures.ultrasound import UltrasoundRegion, ultrasound_regions
from operators.read.pixels.pixel_format import PixelFormat, pixel_format
from operators.read.pixels.stored_values import require_room
from operators.read.study import Series
from operators.read.values.display import Voi, is_inverted, shown
from operators.refused import Reason, Refused


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of one instance and what is known of them.

    ``array`` is (frame, row, column) in the modality's ``units``, or (frame, row, column, 3) RGB;
    ``photometric_interpretation`` is MONOCHROME1, MONOCHROME2 or RGB. MONOCHROME1 concerns display only and changes no
    value: with ``inverted``, the smallest value is meant to be white. ``bits_stored`` are the bits of a stored value,
    ``value_range`` the least and most that they can mean (of floats, that occur).

    ``frame_numbers`` are the places of the frames in the instance, from 0; ``frame_times`` their times in ms since the
    instance's first frame, None where nothing tells. ``voi`` are, for each frame, the ways to show it that the instance
    offers, the preferred one first. ``pixel_spacing`` is in mm, with what it is the spacing of. ``regions`` are those
    of ultrasound. ``has_burned_in_annotation`` is None where the instance does not tell.
    """

    instance: Instance
    array: NDArray[Any]
    photometric_interpretation: str
    bits_stored: int
    units: str
    value_range: tuple[float, float]
    inverted: bool
    frame_numbers: tuple[int, ...]
    frame_times: NDArray[np.float64] | None
    voi: tuple[tuple[Voi, ...], ...]
    pixel_spacing: PixelSpacing | None
    regions: tuple[UltrasoundRegion, ...]
    has_burned_in_annotation: bool | None
    laterality: str | None
    view: str | None

    @property
    def is_colour(self) -> bool:
        """Whether the frames are RGB."""
        return self.photometric_interpretation == "RGB"

    @property
    def slices(self) -> tuple[Slice, ...]:
        """The frames as planes, in array order, as results refer to them."""
        is_frame = (integer(self.instance.header, "NumberOfFrames") or 1) > 1
        return tuple(
            Slice(self.instance, self.instance.header, number, is_frame=is_frame) for number in self.frame_numbers
        )

    def as_monochrome2(self) -> NDArray[Any]:
        """Return the array so that larger is brighter: with ``inverted``, the ends of ``value_range`` change places."""
        if not self.inverted:
            return self.array
        total = sum(self.value_range)
        return np.subtract(total if self.array.dtype.kind == "f" else int(total), self.array, dtype=self.array.dtype)

    def shown(self, index: int, voi: Voi | None = None) -> NDArray[np.uint8]:
        """Return one frame of the array as it is meant to be seen: brightness, or RGB of 8 bits.

        Monochrome is shown by ``voi``, else by the first way that the instance offers, else from its least to its most.
        """
        frame = self.array[index]
        if self.is_colour:
            return np.asarray(frame >> max(0, self.bits_stored - 8)).astype(np.uint8)
        offered = self.voi[index]
        return shown(frame, voi or (offered[0] if offered else None), inverted=self.inverted)


def read_frames(instance: Instance, frames: Sequence[int] | None = None) -> Frames:
    """Read an instance's frames, or only those given (0-based, increasing): no other is decoded or kept.

    Values are in the modality's units, by Modality LUT or Rescale Slope and Intercept; colour of every kind is RGB.

    Raises :class:`Refused` with ``UNSUPPORTED_PIXEL_FORMAT``, ``TRUNCATED_PIXEL_DATA``, or ``MISSING_GEOMETRY`` for
    malformed spacing, times or regions, and ``ValueError`` for frames that the instance does not have.
    """
    form = pixel_format(instance)
    require_room(instance, form)
    chosen = tuple(range(form.frames)) if frames is None else tuple(frames)
    if not chosen or chosen[0] < 0 or chosen[-1] >= form.frames or list(chosen) != sorted(set(chosen)):
        raise ValueError(f"{instance.name} has {form.frames} frames, asked for are {chosen}")
    try:
        headers = _headers(instance, form)
        regions = ultrasound_regions(instance.header)
        spacing = pixel_spacing(headers[chosen[0]], regions)
        times = frame_times(instance.header, form.frames, headers if len(set(map(id, headers))) > 1 else ())
    except MalformedAttributeError as error:
        raise Refused(Reason.MISSING_GEOMETRY, f"{instance.name}: {error}") from error
    pixels = read_frame_pixels(instance, form, chosen)
    first = headers[chosen[0]]
    try:
        if pixels.is_colour:
            values_read = FrameValues(pixels.array, "", (0.0, float((1 << pixels.bits) - 1)), ((),) * len(chosen))
        else:
            items = [Slice(instance, headers[frame], frame, is_frame=form.frames > 1) for frame in chosen]
            values_read = frame_values(items, form, pixels.array)
        return Frames(
            instance=instance,
            array=values_read.array,
            photometric_interpretation="RGB" if pixels.is_colour else form.photometric_interpretation,
            bits_stored=pixels.bits,
            units=values_read.units,
            value_range=values_read.range,
            inverted=not pixels.is_colour and is_inverted(instance.header),
            frame_numbers=chosen,
            frame_times=None if times is None else times[list(chosen)],
            voi=values_read.voi,
            pixel_spacing=spacing,
            regions=regions,
            has_burned_in_annotation={"YES": True, "NO": False}.get(text(first, "BurnedInAnnotation") or ""),
            laterality=_first_text(first, "ImageLaterality", "FrameLaterality", "Laterality"),
            view=_first_text(first, "ViewPosition") or _view_code(first),
        )
    except MalformedAttributeError as error:
        raise Refused(Reason.UNSUPPORTED_PIXEL_FORMAT, f"{instance.name}: {error}") from error


def read_series_frames(series: Series) -> tuple[Frames, ...]:
    """Read every instance of a series, in their order, as :func:`read_frames` does."""
    return tuple(read_frames(instance) for instance in series.instances)


def _headers(instance: Instance, form: PixelFormat) -> list[Dataset]:
    """The header of each frame: flat ones of an enhanced instance, else the instance's own every time."""
    if not functional_groups.is_enhanced(instance.header):
        return [instance.header] * form.frames
    headers = list(functional_groups.frame_headers(instance.header))
    if len(headers) != form.frames:
        raise MalformedAttributeError(f"{len(headers)} functional groups describe {form.frames} frames")
    return headers


def _first_text(header: Dataset, *keywords: str) -> str | None:
    return next((found for found in (text(header, keyword) for keyword in keywords) if found), None)


def _view_code(header: Dataset) -> str | None:
    codes = values(header, "ViewCodeSequence")
    return text(codes[0], "CodeMeaning") if codes else None
