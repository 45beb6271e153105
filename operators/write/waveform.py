"""Derived signals → waveform instance of any waveform SOP class (PS3.3 A.34), marked as derived."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.dataset import Dataset, FileDataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import UID

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.read.waveform import Waveform
from operators.write.base.body_part import write_body_part
from operators.write.base.identity import copy_attributes
from operators.write.base.references import referenced_instance
from operators.write.base.result import finish, new_result
from operators.write.waveforms.derived import DerivedGroup, check_groups
from operators.write.waveforms.iods import WAVEFORM_IODS, WaveformIod
from operators.write.waveforms.items import group_item

_SYNCHRONIZATION = (
    "SynchronizationFrameOfReferenceUID",
    "SynchronizationTrigger",
    "AcquisitionTimeSynchronized",
)

_SYNCHRONIZATION_DETAILS = (
    "TriggerSourceOrType",
    "SynchronizationChannel",
    "TimeSource",
    "TimeDistributionProtocol",
    "NTPSourceAddress",
)

_LONGEST_DATA = 0xFFFFFFFE


def write_waveform(
    output_name: str,
    output: OutputPart,
    sources: Sequence[Waveform],
    groups: Sequence[DerivedGroup],
    analysis: Analysis,
    *,
    sop_class_uid: UID | None = None,
    bits: int | None = None,
) -> FileDataset:
    """Return a waveform instance of ``groups``, which were derived from ``sources``.

    Its SOP class is that of the first source, or another (a breathing signal from an ECG); samples have as many
    ``bits`` (8, 16 or 32) as is usual for it, or others that its IOD allows. Every group says DERIVED (Waveform
    Originality), every channel where it comes from and how. Stored integers times Channel Sensitivity plus Channel
    Baseline are the values to within half the sensitivity; NaN is the Waveform Padding Value. The clock is that of the
    first source, whose start of acquisition the times of the groups count from.

    Raises :class:`ValueError` for groups that :func:`check_groups` rejects or that the IOD does not allow
    (:class:`WaveformIod`), values that do not fit, a SOP class that is no waveform, sources of several patients or
    studies, and a first source that does not tell when it was acquired.
    """
    if not sources:
        raise ValueError("a derived waveform needs the recording that it comes from")
    check_groups(groups, sources)
    header = sources[0].instance.header
    sop_class = UID(sop_class_uid or header.SOPClassUID)
    if sop_class not in WAVEFORM_IODS:
        raise ValueError(f"{sop_class.name} is no waveform")
    iod = WAVEFORM_IODS[sop_class]
    bits = bits or iod.bits[0]
    lengths = [len(group.channels[0].values) for group in groups]
    counts = [len(group.channels) for group in groups]
    iod.check(counts, lengths, [group.sampling_frequency for group in groups], bits)
    if any(count * length * bits // 8 > _LONGEST_DATA for count, length in zip(counts, lengths, strict=True)):
        raise ValueError("a multiplex group has more samples than one attribute can hold")
    if len({source.instance.header.StudyInstanceUID for source in sources}) > 1:
        raise ValueError("the sources are of several studies")
    if not header.get("AcquisitionDateTime"):
        raise ValueError(f"{sources[0].instance.name} does not tell when it was acquired, which a waveform has to")
    clock = _clock(iod, header, analysis.uid(f"{output_name}/clock"))
    items = [
        group_item(
            group, sources, iod.interpretation(bits), is_synchronized=clock.get("AcquisitionTimeSynchronized") == "Y"
        )
        for group in groups
    ]

    result = new_result(sop_class, iod.modality, output_name, output, header, analysis)
    copy_attributes(header, result, ("BodyPartExamined",))
    # Of the modalities here only this one has paired body parts (C.7.3.1).
    if iod.modality == "HD":
        write_body_part(header, result)
    result.update(clock)
    copy_attributes(header, result, ("AcquisitionDateTime",))
    result.AcquisitionContextSequence = DicomSequence()
    copy_attributes(header, result, ("AcquisitionContextSequence",))
    result.ReferencedInstanceSequence = DicomSequence(
        [
            referenced_instance(source.instance.header.SOPClassUID, source.instance.header.SOPInstanceUID)
            for source in sources
        ]
    )
    result.WaveformSequence = DicomSequence(items)
    return finish(result)


def _clock(iod: WaveformIod, source: Dataset, uid: str) -> Dataset:
    """Return the Synchronization module (PS3.3 C.7.4.2): the source's if it has one, else one only if it has to be."""
    clock = Dataset()
    if all(source.get(keyword) for keyword in _SYNCHRONIZATION):
        copy_attributes(source, clock, (*_SYNCHRONIZATION, *_SYNCHRONIZATION_DETAILS))
    elif iod.synchronized:
        clock.SynchronizationFrameOfReferenceUID = uid
        clock.SynchronizationTrigger = "NO TRIGGER"
        clock.AcquisitionTimeSynchronized = "N"
    return clock
