"""The second way to the samples of a waveform: pydicom's data set, numpy and the formula of PS3.3 section C.10.9.1."""

from __future__ import annotations

import numpy as np
from pydicom.uid import ExplicitVRBigEndian

from operators.read.waveform import Waveform
from operators.read.waveforms.values import physical_samples, stored_samples
from operators.refused import Reason, Refused
from tests.fuzz import oracle
from tests.fuzz.oracle import MismatchError

_DTYPES = {("SB", 8): "i1", ("UB", 8): "u1", ("SS", 16): "i2", ("US", 16): "u2", ("SL", 32): "i4", ("UL", 32): "u4"}


def compare(waveform: Waveform, content: bytes) -> None:
    """Compare all samples, stored and physical; raises :class:`MismatchError`."""
    dataset = oracle.waveform(content)
    if dataset is None or len(dataset.WaveformSequence) != len(waveform.groups):
        raise MismatchError(f"pydicom does not find {len(waveform.groups)} groups")
    order = ">" if dataset.file_meta.TransferSyntaxUID == ExplicitVRBigEndian else "<"
    for group, item in zip(waveform.groups, dataset.WaveformSequence, strict=True):
        kind = (item.WaveformSampleInterpretation, item.WaveformBitsAllocated)
        channels, samples = item.NumberOfWaveformChannels, item.NumberOfWaveformSamples
        if kind not in _DTYPES:
            continue
        raw = np.frombuffer(item.WaveformData, order + _DTYPES[kind], count=channels * samples)
        expected = raw.reshape(samples, channels).T
        if group.sampling_frequency != float(item.SamplingFrequency):
            raise MismatchError(f"{group.sampling_frequency} Hz instead of {item.SamplingFrequency}")
        try:
            found = stored_samples(group)
            if not np.array_equal(found, expected):
                raise MismatchError(f"stored samples differ\n{found}\n{expected}")
            physical = physical_samples(group)
        except Refused as refused:
            if refused.reason in (Reason.MISSING_SENSITIVITY, Reason.UNSUPPORTED_WAVEFORM):
                continue
            raise
        for index, channel in enumerate(item.ChannelDefinitionSequence):
            scale = float(channel.ChannelSensitivity) * float(channel.get("ChannelSensitivityCorrectionFactor") or 1)
            values = expected[index] * scale + float(channel.get("ChannelBaseline") or 0) * 1.0
            known = ~np.isnan(physical[index])
            if not np.allclose(physical[index][known], values[known], rtol=1e-12, atol=0):
                raise MismatchError(f"channel {index} differs\n{physical[index]}\n{values}")
            if not known.all() and group.padding is None:
                raise MismatchError(f"channel {index} has gaps, and no padding value")
