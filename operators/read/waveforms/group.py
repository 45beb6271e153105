"""One multiplex group of a waveform: channels that were sampled together (PS3.3 section C.10.9)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, values
from operators.read.waveforms.channel import Channel, read_channel
from operators.read.waveforms.data import SampleBytes
from operators.read.waveforms.samples import SampleFormat
from operators.refused import Reason, Refused


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


def read_group(item: Dataset, data: SampleBytes | None, name: str) -> MultiplexGroup:
    """Return a group from its item of Waveform Sequence (5400,0100) and the place of its samples.

    Raises :class:`Refused` with ``UNSUPPORTED_WAVEFORM`` or ``TRUNCATED_WAVEFORM_DATA``, and
    :class:`MalformedAttributeError`.
    """
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


def _number(item: Dataset, keyword: str) -> float | None:
    found = numbers(item, keyword, count=1)
    return found[0] if found else None


def _seconds(milliseconds: float | None) -> float | None:
    return None if milliseconds is None else milliseconds / 1000
