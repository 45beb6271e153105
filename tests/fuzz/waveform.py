"""A small electrocardiogram with two multiplex groups (PS3.3 section C.10.9)."""

from __future__ import annotations

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import GeneralECGWaveformStorage

from tests.fuzz.instances import Folder, coded, dicom_file, ramp, study_header


def electrocardiogram(seed: str, character_set: str) -> Folder:
    """Two groups: 3 channels of 20 samples at 500 Hz, 1 channel of 10 samples at 250 Hz."""
    header = study_header(seed, character_set, GeneralECGWaveformStorage, "ECG")
    header.SOPInstanceUID, header.InstanceNumber = f"{header.SeriesInstanceUID}.1", 1
    header.AcquisitionDateTime = "20240102101113.5"
    header.WaveformSequence = [_group(3, 20, 500, 0), _group(1, 10, 250, 4)]
    return {"0.dcm": dicom_file(header)}


def _group(channels: int, samples: int, frequency: float, offset: float) -> Dataset:
    group = Dataset()
    group.MultiplexGroupTimeOffset, group.WaveformOriginality = offset, "ORIGINAL"
    group.NumberOfWaveformChannels, group.NumberOfWaveformSamples = channels, samples
    group.SamplingFrequency, group.MultiplexGroupLabel = frequency, "RHYTHM"
    group.ChannelDefinitionSequence = [_channel(number) for number in range(channels)]
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.WaveformPaddingValue = b"\x00\x80"
    group["WaveformPaddingValue"].VR = "OW"
    group.WaveformData = ramp((samples, channels), "i2", 3, -20).tobytes()
    group["WaveformData"].VR = "OW"
    return group


def _channel(number: int) -> Dataset:
    channel = Dataset()
    lead = ("I", "II", "III")[number]
    channel.ChannelSourceSequence = [coded(Code(f"2:{1 + number}", "MDC", f"Lead {lead}"))]
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = "4.88", "1.0"
    channel.ChannelSensitivityUnitsSequence = [coded(Code("uV", "UCUM", "microvolt"))]
    channel.ChannelBaseline, channel.ChannelTimeSkew, channel.WaveformBitsStored = "0", "0", 16
    return channel
