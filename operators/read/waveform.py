"""Read a waveform instance: multiplex groups, channels in physical units, times and annotations, or refuse."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from pydicom.dataset import Dataset

from operators.read.attributes import MalformedAttributeError, text, values
from operators.read.study import Instance
from operators.read.waveforms.annotation import Annotation, read_annotation
from operators.read.waveforms.data import multiplex_groups
from operators.read.waveforms.group import MultiplexGroup, read_group
from operators.refused import Reason, Refused

_DATE_TIME = re.compile(r"(\d{8})(\d{4}|\d{6})(?:\.(\d{1,6}))?([+-]\d{4})?")


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
        groups = tuple(
            read_group(item, data, f"{instance.name}, group {n + 1}") for n, (item, data) in enumerate(items)
        )
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
