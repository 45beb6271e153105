"""Derived signals, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from operators.read.waveform import Waveform
from operators.write.base.texts import require_text
from operators.write.base.units import require_unit


class SourceChannel(NamedTuple):
    """A channel that a derived one comes from: places, from 0, of the source, its multiplex group and the channel."""

    source: int
    group: int
    channel: int


@dataclass(frozen=True, eq=False)
class DerivedChannel:
    """One derived signal.

    ``values`` (sample) are in ``unit`` (UCUM), NaN where there is none; a sound without a defined unit (None) is from
    -1 to 1, full scale. ``source`` is what the signal is (a lead, a site, a quantity: PS3.16 CID 3001 and following),
    ``sources`` the channels that it comes from, ``derivation`` how (at most 64 characters), ``label`` at most 16.
    ``sensitivity`` fixes the units for one step of a stored sample, else the finest that holds all values is chosen.
    Filters are in Hz, ``skew`` in s after the group's first sample.
    """

    values: NDArray[np.floating[Any]]
    source: Code
    unit: Code | None
    sources: tuple[SourceChannel, ...]
    derivation: str
    label: str = ""
    modifiers: tuple[Code, ...] = ()
    sensitivity: float | None = None
    low_filter: float | None = None
    high_filter: float | None = None
    notch_filter: float | None = None
    skew: float = 0.0


@dataclass(frozen=True, eq=False)
class DerivedGroup:
    """Channels with the same number of samples at ``sampling_frequency`` (Hz).

    ``time_offset`` is the time of the first sample in s after the start of the acquisition of the first source.
    """

    channels: tuple[DerivedChannel, ...]
    sampling_frequency: float
    label: str = ""
    time_offset: float = 0.0


def check_groups(groups: Sequence[DerivedGroup], sources: Sequence[Waveform]) -> None:
    """Raise :class:`ValueError` for groups that cannot be written.

    That is: no group, channel or sample, channels of different lengths, a frequency or filter that is none, a value
    that is infinite, a unit that UCUM does not have, a text that does not fit, or a source channel that is not there.
    """
    if not groups or not all(group.channels for group in groups):
        raise ValueError("a waveform needs a multiplex group, and each group a channel")
    for number, group in enumerate(groups, start=1):
        if not np.isfinite(group.sampling_frequency) or group.sampling_frequency <= 0:
            raise ValueError(f"group {number} has the sampling frequency {group.sampling_frequency} Hz")
        if not np.isfinite(group.time_offset):
            raise ValueError(f"group {number} begins at {group.time_offset} s")
        if group.label:
            require_text(f"the label of group {number}", group.label, "SH")
        shapes = {channel.values.shape for channel in group.channels}
        (shape, *others) = shapes
        if others or len(shape) != 1 or 0 in shape:
            raise ValueError(f"the channels of group {number} are {sorted(shapes)}, not of one number of samples")
        for channel in group.channels:
            _check_channel(channel, sources)


def _check_channel(channel: DerivedChannel, sources: Sequence[Waveform]) -> None:
    name = channel.label or channel.source.meaning
    require_text(f"the derivation of {name!r}", channel.derivation, "LO")
    if channel.label:
        require_text("the label of a channel", channel.label, "SH")
    if channel.values.dtype.kind != "f" or np.isinf(channel.values).any():
        raise ValueError(f"{name!r} has samples that are infinite or no floating point numbers")
    if channel.unit is not None:
        require_unit(repr(name), channel.unit)
    elif channel.sensitivity is not None:
        raise ValueError(f"{name!r} has a sensitivity but no unit")
    if channel.sensitivity is not None and not (np.isfinite(channel.sensitivity) and channel.sensitivity > 0):
        raise ValueError(f"{name!r} has the sensitivity {channel.sensitivity}")
    for value in (channel.low_filter, channel.high_filter, channel.notch_filter):
        if value is not None and not (np.isfinite(value) and value >= 0):
            raise ValueError(f"{name!r} has a filter of {value} Hz")
    if not np.isfinite(channel.skew):
        raise ValueError(f"{name!r} is skewed by {channel.skew} s")
    if not channel.sources:
        raise ValueError(f"{name!r} names no channel that it comes from")
    for source, group, place in channel.sources:
        is_there = (
            0 <= source < len(sources)
            and 0 <= group < len(sources[source].groups)
            and 0 <= place < len(sources[source].groups[group].channels)
        )
        if not is_there:
            raise ValueError(f"{name!r} comes from channel {place} of group {group} of source {source}: there is none")
