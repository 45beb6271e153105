"""Read a waveform instance: multiplex groups, channels in physical units, times and annotations, or refuse."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, values
from operators.read.study import Instance
from operators.read.waveform_annotation import Annotation, read_annotation
from operators.read.waveform_channel import Channel, read_channel
from operators.read.waveform_data import SampleBytes, multiplex_groups
from operators.read.waveform_samples import SampleFormat
from operators.refused import Reason, Refused

# A long record is read in pieces of this size, so that one channel of it needs no more memory than its result.
_BLOCK_BYTES = 1 << 22

_DATE_TIME = re.compile(r"(\d{8})(\d{4}|\d{6})(?:\.(\d{1,6}))?([+-]\d{4})?")


@dataclass(frozen=True)
class MultiplexGroup:
    """Channels that were sampled together (one item of Waveform Sequence, PS3.3 section C.10.9).

    ``sampling_frequency`` is in Hz; ``sample_count`` samples for each of ``channels``. ``time_offset`` is the time of
    the first sample after the start of the acquisition, ``trigger_time_offset`` after the trigger, both in s;
    ``trigger_sample_position`` is the header's. ``padding`` is the stored value of samples that hold nothing.
    ``originality`` is ORIGINAL or DERIVED. The samples stay in the file until they are asked for.
    """

    name: str
    label: str
    originality: str
    uid: str | None
    sampling_frequency: float
    sample_count: int
    time_offset: float
    trigger_time_offset: float | None
    trigger_sample_position: int | None
    powerline_frequency: float | None
    channels: tuple[Channel, ...]
    format: SampleFormat
    padding: int | None
    data: SampleBytes

    @property
    def duration(self) -> float:
        """Length of the record in s: samples by sampling frequency."""
        return self.sample_count / self.sampling_frequency

    def start(self, channel: int) -> float:
        """Return the time of a channel's first sample in s after the start of the acquisition."""
        return self.time_offset + self.channels[channel].skew + self.channels[channel].offset

    def times(self, channel: int, start: int = 0, stop: int | None = None) -> NDArray[np.float64]:
        """Return the times of a channel's samples ``start`` to ``stop`` in s after the start of the acquisition."""
        first, last, _ = slice(start, stop).indices(self.sample_count)
        return self.start(channel) + np.arange(first, last, dtype=np.float64) / self.sampling_frequency


@dataclass(frozen=True)
class Waveform:
    """One waveform instance.

    ``acquired`` is the start of the acquisition (Acquisition DateTime, with its time zone where that is known);
    ``synchronization_trigger`` and ``is_time_synchronized`` tell how its clock relates to other recordings (PS3.3
    section C.7.4.2), None where the header does not.
    """

    instance: Instance
    groups: tuple[MultiplexGroup, ...]
    annotations: tuple[Annotation, ...]
    acquired: datetime | None
    synchronization_trigger: str | None
    is_time_synchronized: bool | None


def read_waveform(instance: Instance) -> Waveform:
    """Read the description of a waveform of any SOP class, and make sure that all its samples are there.

    Raises :class:`Refused` with ``UNSUPPORTED_WAVEFORM`` for a header that is absent, contradicts itself or names a
    sample interpretation that the standard does not define, with ``TRUNCATED_WAVEFORM_DATA`` when there are fewer
    samples than it says.
    """
    items = multiplex_groups(instance)
    header = instance.header
    try:
        groups = tuple(_group(item, data, f"{instance.name}, group {n + 1}") for n, (item, data) in enumerate(items))
        synchronized = text(header, "AcquisitionTimeSynchronized")
        return Waveform(
            instance=instance,
            groups=groups,
            annotations=tuple(read_annotation(item) for item in values(header, "WaveformAnnotationSequence")),
            acquired=_acquired(header),
            synchronization_trigger=text(header, "SynchronizationTrigger"),
            is_time_synchronized=None if synchronized is None else synchronized == "Y",
        )
    except MalformedAttributeError as error:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{instance.name}: {error}") from error


def stored_samples(
    group: MultiplexGroup, channels: Sequence[int] | None = None, start: int = 0, stop: int | None = None
) -> NDArray[np.generic]:
    """Return stored values, (channel, sample): of the given channels, or all; samples ``start`` to ``stop``.

    They are linear: mu-law and A-law codes are expanded (ITU-T G.711). Only the part asked for is read. Raises
    :class:`Refused` with ``TRUNCATED_WAVEFORM_DATA``, or with ``UNSUPPORTED_WAVEFORM`` when a value needs more bits
    than the header says, as its sign then cannot be told.
    """
    chosen, first, last = _chosen(group, channels, start, stop)
    result = np.empty((len(chosen), last - first), dtype=group.format.dtype)
    for at, block in _blocks(group, first, last):
        result[:, at : at + len(block)] = group.format.linear(block[:, chosen]).T
    _refuse_overfull(group, chosen, result)
    return result


def physical_samples(
    group: MultiplexGroup, channels: Sequence[int] | None = None, start: int = 0, stop: int | None = None
) -> NDArray[np.float64]:
    """Return values in each channel's unit, float64 (channel, sample), with NaN where there is only padding.

    Of the given channels, or all; samples ``start`` to ``stop``; only the part asked for is read. Raises
    :class:`Refused` with ``MISSING_SENSITIVITY`` when a channel has no defined unit, and like
    :func:`stored_samples`.
    """
    chosen, first, last = _chosen(group, channels, start, stop)
    scales = []
    for index in chosen:
        channel = group.channels[index]
        if channel.scale is None:
            absent = "Channel Sensitivity" if channel.sensitivity is None else "Channel Sensitivity Units"
            raise Refused(Reason.MISSING_SENSITIVITY, f"{group.name}, {channel.name} has no {absent}")
        scales.append(channel.scale)
    baselines = [group.channels[index].baseline for index in chosen]
    result = np.empty((len(chosen), last - first))
    for at, block in _blocks(group, first, last):
        stored = block[:, chosen].T
        linear = group.format.linear(stored)
        _refuse_overfull(group, chosen, linear)
        part = result[:, at : at + len(block)]
        part[...] = linear
        part *= np.array(scales)[:, None]
        part += np.array(baselines)[:, None]
        if group.padding is not None:
            part[stored == group.padding] = np.nan
    return result


def _group(item: Dataset, data: SampleBytes | None, name: str) -> MultiplexGroup:
    count, samples = integer(item, "NumberOfWaveformChannels"), integer(item, "NumberOfWaveformSamples")
    frequency, allocated = numbers(item, "SamplingFrequency", count=1), integer(item, "WaveformBitsAllocated")
    definitions = values(item, "ChannelDefinitionSequence")
    form = SampleFormat(allocated or 0, text(item, "WaveformSampleInterpretation") or "")
    problem = None
    if not count or count < 0 or not samples or samples < 0:
        problem = f"{count} channels of {samples} samples"
    elif not frequency or frequency[0] <= 0:
        problem = f"the sampling frequency {frequency}"
    elif len(definitions) != count:
        problem = f"{len(definitions)} definitions of {count} channels"
    elif not form.is_known:
        problem = f"{allocated} bits of the sample interpretation {form.interpretation!r}"
    elif data is None:
        problem = "no Waveform Data"
    if problem is not None or data is None or not count or not samples:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{name} has {problem}")
    expected = count * samples * form.stored_dtype.itemsize
    if data.length < expected:
        raise Refused(
            Reason.TRUNCATED_WAVEFORM_DATA,
            f"{name} holds {data.length} bytes of waveform data, its header announces {expected}",
        )
    return MultiplexGroup(
        name=name,
        label=text(item, "MultiplexGroupLabel") or "",
        originality=text(item, "WaveformOriginality") or "",
        uid=text(item, "MultiplexGroupUID"),
        sampling_frequency=frequency[0],
        sample_count=samples,
        time_offset=(_number(item, "MultiplexGroupTimeOffset") or 0.0) / 1000,
        trigger_time_offset=_seconds(_number(item, "TriggerTimeOffset")),
        trigger_sample_position=integer(item, "TriggerSamplePosition"),
        powerline_frequency=_number(item, "PowerlineFrequency"),
        channels=tuple(read_channel(definition, frequency[0]) for definition in definitions),
        format=form,
        padding=_padding(item, form, data.words_swapped),
        data=data,
    )


def _padding(item: Dataset, form: SampleFormat, words_swapped: bool) -> int | None:
    """Waveform Padding Value (5400,100A), which has the VR of the data."""
    found = values(item, "WaveformPaddingValue")
    if not found or found[0] == b"":
        return None
    # A writer's own VR, such as US, has been converted already.
    if not isinstance(found[0], bytes):
        return integer(item, "WaveformPaddingValue")
    value = found[0]
    if words_swapped:
        value = np.frombuffer(value[: len(value) & ~1], ">u2").astype("<u2").tobytes()
    padding = form.integer(value)
    if padding is None:
        raise MalformedAttributeError(f"WaveformPaddingValue has {len(value)} bytes for {form.bits_allocated} bits")
    return padding


def _chosen(
    group: MultiplexGroup, channels: Sequence[int] | None, start: int, stop: int | None
) -> tuple[list[int], int, int]:
    chosen = list(range(len(group.channels))) if channels is None else list(channels)
    if any(not 0 <= channel < len(group.channels) for channel in chosen):
        raise IndexError(f"{group.name} has the channels 0 to {len(group.channels) - 1}, not {chosen}")
    first, last, _ = slice(start, stop).indices(group.sample_count)
    return chosen, first, max(first, last)


def _blocks(group: MultiplexGroup, first: int, last: int) -> Iterator[tuple[int, NDArray[np.generic]]]:
    """Pieces (sample, channel) of the stored codes, each with its place in the result."""
    dtype, channels = group.format.stored_dtype, len(group.channels)
    row = channels * dtype.itemsize
    step = max(1, _BLOCK_BYTES // row)
    for start in range(first, last, step):
        stop = min(start + step, last)
        block = np.frombuffer(group.data.read(start * row, stop * row), dtype)
        yield start - first, block.reshape(stop - start, channels)


def _refuse_overfull(group: MultiplexGroup, chosen: Sequence[int], linear: NDArray[np.generic]) -> None:
    """The sign is extended to the highest bit allocated (PS3.3 table C.10-9): who did not has written other values."""
    if group.format.is_companded or not linear.size:
        return
    for index, row in zip(chosen, linear, strict=True):
        bits = group.channels[index].bits_stored
        if bits is None or not 0 < bits < group.format.bits_allocated:
            continue
        signed = linear.dtype.kind == "i"
        lowest, highest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)
        if int(row.min()) >= lowest and int(row.max()) <= highest:
            continue
        beyond = row[(row < lowest) | (row > highest)]
        if group.padding is None or (beyond != group.padding).any():
            raise Refused(
                Reason.UNSUPPORTED_WAVEFORM,
                f"{group.name}, {group.channels[index].name} has the value {beyond[0]} in {bits} bits stored",
            )


def _acquired(header: Dataset) -> datetime | None:
    match = _DATE_TIME.fullmatch(text(header, "AcquisitionDateTime") or "")
    if match is None:
        return None
    day, time, fraction, zone = match.groups()
    zone = zone or text(header, "TimezoneOffsetFromUTC")
    try:
        moment = datetime.strptime(day + time.ljust(6, "0"), "%Y%m%d%H%M%S")
        moment = moment.replace(microsecond=int((fraction or "0").ljust(6, "0")))
        if zone is not None:
            minutes = int(zone[1:3]) * 60 + int(zone[3:5])
            moment = moment.replace(tzinfo=timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes)))
    # A date that is none, such as those that de-identification leaves, tells nothing.
    except ValueError:
        return None
    return moment


def _number(item: Dataset, keyword: str) -> float | None:
    found = numbers(item, keyword, count=1)
    return found[0] if found else None


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
