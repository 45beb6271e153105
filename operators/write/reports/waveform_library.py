"""The waveforms that annotations are of: the library of TID 3754 to 3756 of PS3.16."""

from __future__ import annotations

import re
from collections.abc import Iterable

from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.measure.temporal import WaveformChannels
from operators.write.reports.content import CONTAINS, HAS_ACQ_CONTEXT, code, container, date_time, number, uid
from operators.write.reports.coordinates import waveform

_LIBRARY = Code("130877", "DCM", "Waveform Library")
_LIBRARY_GROUP = Code("130878", "DCM", "Waveform Library Group")
_MULTIPLEX_GROUP = Code("130879", "DCM", "Waveform Library Entry Multiplex Group Descriptors")
_MULTIPLEX_GROUP_NUMBER = Code("130880", "DCM", "Multiplex Group Number")
_MULTIPLEX_GROUP_UID = Code("130881", "DCM", "Multiplex Group UID")
_SAMPLING_FREQUENCY = Code("130882", "DCM", "Sampling Frequency")
_NUMBER_OF_CHANNELS = Code("130883", "DCM", "Number of Channels")
_ACQUISITION_DATE_TIME = Code("130884", "DCM", "Acquisition DateTime")
_SYNCHRONIZATION_FRAME = Code("130885", "DCM", "Synchronization Frame of Reference UID")
_SOURCE = Code("260753009", "SCT", "Source")
_NO_UNITS = Code("1", "UCUM", "no units")
_DATE_TIME = re.compile(r"\d{14}(\.\d{1,6})?([+-]\d{4})?")


def waveform_library(recordings: Iterable[Dataset]) -> Dataset:
    """Return the library of waveforms, headers of instances: a group for each, which says how it was sampled."""
    return container(CONTAINS, _LIBRARY, *(_group(header) for header in recordings))


def _group(header: Dataset) -> Dataset:
    items = []
    if modality := header.get("Modality"):
        items.append(
            code(HAS_ACQ_CONTEXT, codes.DCM.Modality, _MODALITIES.get(modality, Code(modality, "DCM", modality)))
        )
    acquired = str(header.get("AcquisitionDateTime") or "")
    if _DATE_TIME.fullmatch(acquired):
        items.append(date_time(HAS_ACQ_CONTEXT, _ACQUISITION_DATE_TIME, acquired))
    if frame := header.get("SynchronizationFrameOfReferenceUID"):
        items.append(uid(HAS_ACQ_CONTEXT, _SYNCHRONIZATION_FRAME, frame))
    entry = waveform(CONTAINS, _SOURCE, WaveformChannels(header))
    groups = (_multiplex_group(place, item) for place, item in enumerate(header.WaveformSequence, start=1))
    return container(CONTAINS, _LIBRARY_GROUP, *items, entry, *groups)


_MODALITIES = {concept.value: concept for concept in codes.CID29.concepts.values()}


def _multiplex_group(place: int, item: Dataset) -> Dataset:
    """Return TID 3756."""
    group_uid = item.get("MultiplexGroupUID")
    return container(
        CONTAINS,
        _MULTIPLEX_GROUP,
        number(HAS_ACQ_CONTEXT, _MULTIPLEX_GROUP_NUMBER, place, _NO_UNITS),
        *([uid(HAS_ACQ_CONTEXT, _MULTIPLEX_GROUP_UID, group_uid)] if group_uid else []),
        number(HAS_ACQ_CONTEXT, _SAMPLING_FREQUENCY, float(item.SamplingFrequency), codes.UCUM.Hertz),
        number(HAS_ACQ_CONTEXT, _NUMBER_OF_CHANNELS, int(item.NumberOfWaveformChannels), _NO_UNITS),
    )
