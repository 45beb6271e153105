"""Small pictures of a series, in a window in which something can be seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from operators.check.foreground import foreground_threshold, sampled_slices
from operators.read.attributes import MalformedAttributeError
from operators.read.frames import read_frames
from operators.read.geometry.dimensions import DIMENSIONS, shown
from operators.read.geometry.stacks import Label
from operators.read.pixels.pixel_format import pixel_format
from operators.read.study import Series
from operators.read.values.display import LINEAR_EXACT, Window, is_inverted, values_of_interest
from operators.read.volume import Volume
from operators.read.waveforms.group import MultiplexGroup
from operators.read.waveforms.values import stored_samples

TILE = 200
"""Largest width and height of a picture in pixels."""

COUNT = 6
"""Pictures of one series."""

# What a person can see of a waveform at once.
_PLOTTED_SECONDS = 10.0
_PLOTTED_CHANNELS = 12


@dataclass(frozen=True, eq=False)
class Tile:
    """One picture, (row, column) grey or (row, column, 3) RGB of uint8, with square pixels; ``name`` says which."""

    image: NDArray[np.uint8]
    name: str


@dataclass(frozen=True, eq=False)
class Trace:
    """A piece of one channel: stored values, drawn from their least to their most."""

    values: NDArray[np.float64]
    name: str


@dataclass(frozen=True)
class Pictures:
    """What a contact sheet shows of a series: tiles, or the traces of a waveform."""

    tiles: tuple[Tile, ...] = ()
    traces: tuple[Trace, ...] = ()
    seconds: float = 0.0


def volume_pictures(volumes: Sequence[Volume]) -> Pictures:
    """Return evenly spaced slices of a volume, or the middle slices of several volumes with their labels."""
    first = volumes[0]
    rows, columns = (float(length) for length in np.linalg.norm(first.affine[:3, [1, 0]], axis=0))
    if len(volumes) == 1:
        window = _window(first)
        planes = [(first.array[index], f"slice {index + 1}") for index in evenly(len(first.array), COUNT)]
    else:
        chosen = [volumes[index] for index in evenly(len(volumes), COUNT)]
        window = _window(chosen[len(chosen) // 2])
        planes = [(volume.array[len(volume.array) // 2], label_text(volume.label)) for volume in chosen]
    inverted = _is_inverted(first)
    return Pictures(tuple(Tile(_grey(plane, window, rows, columns, inverted), name) for plane, name in planes))


def frame_pictures(series: Series) -> tuple[Pictures, int]:
    """Return evenly spaced frames of a series as they are meant to be seen, and how many frames it has.

    Raises :class:`Refused` if those cannot be read.
    """
    counts = [pixel_format(instance).frames for instance in series.instances]
    starts = np.cumsum([0, *counts])
    tiles = []
    for place in evenly(int(starts[-1]), COUNT):
        number = int(np.searchsorted(starts, place, side="right")) - 1
        instance, frame = series.instances[number], place - int(starts[number])
        frames = read_frames(instance, [frame])
        spacing = frames.pixel_spacing
        rows, columns = (spacing.row, spacing.column) if spacing is not None else (1.0, 1.0)
        name = f"frame {frame + 1}" if counts[number] > 1 else instance.name
        tiles.append(Tile(_sized(frames.shown(0), rows, columns), name))
    return Pictures(tuple(tiles)), int(starts[-1])


def waveform_pictures(group: MultiplexGroup) -> Pictures:
    """Return the channels of a group for the ten seconds in the middle of the record."""
    count = min(group.sample_count, max(2, round(_PLOTTED_SECONDS * group.sampling_frequency)))
    start = (group.sample_count - count) // 2
    channels = list(range(min(len(group.channels), _PLOTTED_CHANNELS)))
    stored = stored_samples(group, channels, start, start + count).astype(np.float64)
    if group.padding is not None:
        stored[stored == group.padding] = np.nan
    traces = tuple(Trace(row, group.channels[channel].name) for channel, row in zip(channels, stored, strict=True))
    return Pictures(traces=traces, seconds=count / group.sampling_frequency)


def label_text(label: Label) -> str:
    """Return what a volume of several is, for people: ``b-value 1000 s/mm²``."""
    return ", ".join(
        f"{DIMENSIONS[name].title} {shown(value)} {DIMENSIONS[name].unit}".strip() for name, value in label.items()
    )


def evenly(length: int, count: int) -> list[int]:
    """Return up to ``count`` places of a list, evenly spaced; the ends only if all are returned."""
    if length <= count:
        return list(range(length))
    return [int((index + 0.5) * length / count) for index in range(count)]


def _window(volume: Volume) -> Window:
    """The header's window for CT, whose values mean the same everywhere; else what holds nearly all of the patient."""
    if volume.units == "HU" and volume.slices:
        middle = volume.slices[len(volume.slices) // 2]
        try:
            offered = values_of_interest(middle.header, middle.instance.file_meta.TransferSyntaxUID, is_signed=True)
        # A window that cannot be read is one that is not there.
        except MalformedAttributeError:
            offered = ()
        for voi in offered:
            if isinstance(voi, Window):
                return voi
    values = sampled_slices(volume.array)
    values = values[np.isfinite(values)]
    threshold = foreground_threshold(values) if values.size else None
    if threshold is None:
        return Window(0.0, 1.0, LINEAR_EXACT)
    low, high = float(np.percentile(values, 1)), float(np.percentile(values[values > threshold], 99.5))
    return Window((low + high) / 2, max(high - low, 1e-6), LINEAR_EXACT)


def _is_inverted(volume: Volume) -> bool:
    try:
        return bool(volume.slices) and is_inverted(volume.slices[0].header)
    except MalformedAttributeError:
        return False


def _grey(plane: NDArray[np.generic], window: Window, rows: float, columns: float, inverted: bool) -> NDArray[np.uint8]:
    brightness = np.nan_to_num(window(plane))
    image = np.rint(255 * (1 - brightness if inverted else brightness)).astype(np.uint8)
    return _sized(image, rows, columns)


def _sized(image: NDArray[np.uint8], rows: float, columns: float) -> NDArray[np.uint8]:
    """The picture with square pixels, at most :data:`TILE` wide and high; ``rows`` and ``columns`` are spacings."""
    height, width = image.shape[0] * rows, image.shape[1] * columns
    scale = TILE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0))
