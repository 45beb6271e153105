"""Items of the Waveform Sequence (5400,0100) and the Channel Definition Sequence (003A,0200)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence

from operators.read.waveform import Waveform
from operators.write.base.codes import code_sequence
from operators.write.base.decimals import decimal
from operators.write.base.references import referenced_instance
from operators.write.waveforms.derived import DerivedChannel, DerivedGroup
from operators.write.waveforms.stored_samples import StoredSamples, dtype_of, padding_of, stored_samples

_LONGEST_DESCRIPTION = 64


def group_item(
    group: DerivedGroup, sources: Sequence[Waveform], interpretation: str, *, is_synchronized: bool
) -> Dataset:
    """Return a multiplex group (PS3.3 C.10.9): derived samples, its channels and what they come from."""
    bits = 8 * dtype_of(interpretation).itemsize
    stored = [
        stored_samples(
            channel.values,
            interpretation,
            channel.label or channel.source.meaning,
            has_unit=channel.unit is not None,
            sensitivity=channel.sensitivity,
        )
        for channel in group.channels
    ]
    item = Dataset()
    # Required if the clock is synchronized (type 1C), in ms.
    if is_synchronized or group.time_offset:
        item.MultiplexGroupTimeOffset = decimal(group.time_offset * 1000)
    item.WaveformOriginality = "DERIVED"
    item.NumberOfWaveformChannels = len(stored)
    item.NumberOfWaveformSamples = len(stored[0].samples)
    item.SamplingFrequency = decimal(group.sampling_frequency)
    if group.label:
        item.MultiplexGroupLabel = group.label
    item.ChannelDefinitionSequence = DicomSequence(
        [
            _channel_item(number, *pair, sources, bits)
            for number, pair in enumerate(zip(group.channels, stored, strict=True), start=1)
        ]
    )
    item.WaveformBitsAllocated = bits
    item.WaveformSampleInterpretation = interpretation
    # PS3.5 section 8.3: bytes are OB where the VR is explicit, all else is OW.
    vr = "OB" if bits == 8 else "OW"
    if any(np.isnan(channel.values).any() for channel in group.channels):
        padding = np.array(padding_of(interpretation), dtype_of(interpretation))
        item.add_new("WaveformPaddingValue", vr, _even(padding.tobytes()))
    item.add_new("WaveformData", vr, _even(np.stack([one.samples for one in stored], axis=1).tobytes()))
    return item


def _channel_item(
    number: int, channel: DerivedChannel, stored: StoredSamples, sources: Sequence[Waveform], bits: int
) -> Dataset:
    """Return the definition of a channel. If there is room, its derivation also says by how much values are off."""
    item = Dataset()
    item.WaveformChannelNumber = number
    if channel.label:
        item.ChannelLabel = channel.label
    item.ChannelSourceSequence = code_sequence(channel.source)
    if channel.modifiers:
        item.ChannelSourceModifiersSequence = code_sequence(*channel.modifiers)
    item.SourceWaveformSequence = DicomSequence(_source_items(channel, sources))
    item.ChannelDerivationDescription = channel.derivation
    if channel.unit is not None and stored.sensitivity is not None:
        item.ChannelSensitivity = stored.sensitivity
        item.ChannelSensitivityUnitsSequence = code_sequence(channel.unit)
        item.ChannelSensitivityCorrectionFactor = decimal(1.0)
        item.ChannelBaseline = stored.baseline
        stated = f"{channel.derivation}; rounded by {float(stored.sensitivity) / 2:.1e} {channel.unit.value}"
        if len(stated) <= _LONGEST_DESCRIPTION:
            item.ChannelDerivationDescription = stated
    # One of the two is required (type 1C).
    if channel.skew:
        item.ChannelTimeSkew = decimal(channel.skew)
    else:
        item.ChannelSampleSkew = decimal(0.0)
    item.WaveformBitsStored = bits
    for keyword, value in (
        ("FilterLowFrequency", channel.low_filter),
        ("FilterHighFrequency", channel.high_filter),
        ("NotchFilterFrequency", channel.notch_filter),
    ):
        if value is not None:
            setattr(item, keyword, decimal(value))
    return item


def _source_items(channel: DerivedChannel, sources: Sequence[Waveform]) -> list[Dataset]:
    """Return the items of the Source Waveform Sequence (003A,020A): one for each instance, with group and channel."""
    by_source: dict[int, list[int]] = {}
    for source, group, place in channel.sources:
        # Groups and channels count from 1 in the header.
        by_source.setdefault(source, []).extend((group + 1, place + 1))
    items = []
    for source, channels in by_source.items():
        header = sources[source].instance.header
        item = referenced_instance(header.SOPClassUID, header.SOPInstanceUID)
        item.ReferencedWaveformChannels = channels
        items.append(item)
    return items


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)
