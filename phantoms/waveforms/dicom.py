"""Write recordings as waveform objects (PS3.3 A.34), as the recorder would."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pydicom.valuerep import DSfloat

from phantoms.identity import (
    Equipment,
    Study,
    date_and_time,
    derived_uid,
    new_instance,
    set_equipment,
    set_instance_uid,
    set_study,
)
from phantoms.waveforms.recording import Channel, CodedConcept, Group, Note

RECORDER = Equipment("GANTRY PHANTOMS", "Recorder 15", "R-0042", "1.0", "REC1")

_DTYPES = {
    "SB": "i1",
    "UB": "u1",
    "MB": "u1",
    "AB": "u1",
    "SS": "<i2",
    "US": "<u2",
    "SL": "<i4",
    "UL": "<u4",
    "SV": "<i8",
    "UV": "<u8",
}


def waveform_instance(
    sop_class_uid: UID,
    modality: str,
    groups: Sequence[Group],
    study: Study,
    *,
    notes: Sequence[Note] = (),
    series_number: int = 1,
    description: str = "",
    instance_number: int = 1,
) -> Dataset:
    """Return a complete object in Explicit VR Little Endian; its UIDs follow from the study and the numbers."""
    instance = new_instance(sop_class_uid)
    set_study(instance, study)
    set_equipment(instance, RECORDER)
    set_instance_uid(instance, derived_uid(study.uid, series_number, instance_number))
    instance.Modality = modality
    instance.SeriesInstanceUID = derived_uid(study.uid, series_number)
    instance.SeriesNumber = series_number
    instance.SeriesDescription = description
    if modality == "HD":
        # Of the waveform modules only this one asks for the side, which is not known (type 2C).
        instance.Laterality = ""
    instance.SeriesDate, instance.SeriesTime = date_and_time(study.started)
    instance.InstanceNumber = instance_number
    instance.ContentDate, instance.ContentTime = date_and_time(study.started)
    instance.AcquisitionDateTime = study.started.strftime("%Y%m%d%H%M%S.%f%z")
    instance.AcquisitionContextSequence = []
    # Synchronization module, which most waveform IODs ask for (PS3.3 C.7.4.2).
    instance.SynchronizationFrameOfReferenceUID = derived_uid(study.uid, "clock")
    instance.SynchronizationTrigger = "NO TRIGGER"
    # An offset from the clock is told only where there is one (type 1C).
    instance.AcquisitionTimeSynchronized = "N" if all(group.time_offset is None for group in groups) else "Y"
    instance.WaveformSequence = [_group(group) for group in groups]
    if notes:
        instance.WaveformAnnotationSequence = [_note(note) for note in notes]
    return instance


def coded(concept: CodedConcept) -> Dataset:
    """A code sequence item."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = concept
    return item


def _group(group: Group) -> Dataset:
    item = Dataset()
    samples = np.stack([channel.stored for channel in group.channels], axis=1)
    _set(item, "MultiplexGroupTimeOffset", _decimal(group.time_offset))
    _set(item, "TriggerTimeOffset", _decimal(group.trigger_time_offset))
    item.WaveformOriginality = group.originality
    item.NumberOfWaveformChannels = samples.shape[1]
    item.NumberOfWaveformSamples = samples.shape[0]
    item.SamplingFrequency = _decimal(group.sampling_frequency)
    _set(item, "MultiplexGroupLabel", group.label)
    item.ChannelDefinitionSequence = [_channel(channel, group.bits) for channel in group.channels]
    item.WaveformBitsAllocated = group.bits
    item.WaveformSampleInterpretation = group.interpretation
    # PS3.5 section 8.3: OB for 8 bits where the VR is explicit, else OW.
    vr, dtype = ("OB" if group.bits == 8 else "OW"), np.dtype(_DTYPES[group.interpretation])
    if group.padding is not None:
        item.add_new("WaveformPaddingValue", vr, _even(np.array(group.padding, dtype).tobytes()))
    item.add_new("WaveformData", vr, _even(samples.astype(dtype).tobytes()))
    return item


def _channel(channel: Channel, bits: int) -> Dataset:
    item = Dataset()
    _set(item, "ChannelLabel", channel.label)
    item.ChannelSourceSequence = [coded(channel.source)]
    if channel.modifiers:
        item.ChannelSourceModifiersSequence = [coded(modifier) for modifier in channel.modifiers]
    if channel.sensitivity is not None:
        item.ChannelSensitivity = _decimal(channel.sensitivity)
        _set(item, "ChannelSensitivityCorrectionFactor", _decimal(channel.correction))
        _set(item, "ChannelBaseline", _decimal(channel.baseline))
    if channel.unit is not None:
        item.ChannelSensitivityUnitsSequence = [coded(channel.unit)]
    _set(item, "ChannelTimeSkew", _decimal(channel.time_skew))
    _set(item, "ChannelSampleSkew", _decimal(channel.sample_skew) if channel.time_skew is None else None)
    _set(item, "ChannelOffset", _decimal(channel.offset))
    item.WaveformBitsStored = channel.bits_stored or bits
    _set(item, "FilterLowFrequency", _decimal(channel.low_filter))
    _set(item, "FilterHighFrequency", _decimal(channel.high_filter))
    _set(item, "NotchFilterFrequency", _decimal(channel.notch_filter))
    return item


def _note(note: Note) -> Dataset:
    item = Dataset()
    _set(item, "UnformattedTextValue", note.text)
    if note.name is not None:
        item.ConceptNameCodeSequence = [coded(note.name)]
    if note.unit is not None:
        item.MeasurementUnitsCodeSequence = [coded(note.unit)]
    _set(item, "NumericValue", _decimal(note.number))
    item.ReferencedWaveformChannels = list(note.channels)
    _set(item, "TemporalRangeType", note.temporal_range)
    if note.samples:
        item.ReferencedSamplePositions = list(note.samples)
    _set(item, "AnnotationGroupNumber", note.group_number)
    return item


def _set(item: Dataset, keyword: str, value: object) -> None:
    if value is not None:
        setattr(item, keyword, value)


def _decimal(value: float | None) -> DSfloat | None:
    return None if value is None else DSfloat(value, auto_format=True)


def _even(value: bytes) -> bytes:
    return value + b"\0" * (len(value) % 2)
