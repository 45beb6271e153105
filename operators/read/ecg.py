"""Read an electrocardiogram: its leads in mV by their standard names, from any waveform object that holds some."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.study import Series
from operators.read.waveform import Waveform, read_waveform
from operators.read.waveforms.channel import Channel
from operators.read.waveforms.ecg_contact import contact, longest_piece, lost_leads
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads
from operators.read.waveforms.group import MultiplexGroup
from operators.read.waveforms.values import physical_samples
from operators.refused import Reason, Refused

_CODES = {
    **{
        f"2:{number}": lead
        for number, lead in ((1, "I"), (2, "II"), (61, "III"), (62, "aVR"), (63, "aVL"), (64, "aVF"))
    },
    **{f"2:{number + 2}": f"V{number}" for number in range(1, 7)},
}
"""MDC codes of CID 3001."""

_SCPECG = "5.6.3-9-"
"""The coding scheme SCPECG, which older cardiographs use, numbers the leads alike."""

_NAMES = {lead.upper(): lead for lead in STANDARD_LEADS}
_WORDS = re.compile(r"\b(LEAD|ECG|EKG|ML|DERIVATION)\b[ :_-]*|\(.*?\)")

_LONGEST_SECONDS = 1800.0
"""What is read of a long-term recording: a day of it would need gigabytes."""

_MILLIVOLTS = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6}


@dataclass(frozen=True, eq=False)
class EcgRecording:
    """Leads that were recorded together; ``channels`` are group and channel of each, from 1, as references count.

    ``group`` is that of the first of them; samples count alike in all groups that are read. ``first_sample`` is where
    the leads begin in them, from 0: what holds nothing at the start is left out. ``absent`` are leads that recorded
    nothing of use, with the reason; ``other_groups`` is how many original groups with leads are left alone, ``unread``
    how many seconds after the first half hour, ``left_out`` how many on the other side of a gap without any contact.
    """

    leads: EcgLeads
    group: int
    channels: Mapping[str, tuple[int, int]]
    first_sample: int
    absent: Mapping[str, str]
    other_groups: int
    unread: float
    left_out: float

    def sample(self, seconds: float) -> int:
        """The sample of the multiplex groups, from 1, of a time in the leads."""
        return 1 + self.first_sample + round(seconds * self.leads.sampling_frequency)


@dataclass(frozen=True, eq=False)
class EcgInstance:
    """One electrocardiogram of a series; ``others`` is how many older ones of the series are left alone."""

    waveform: Waveform
    recording: EcgRecording
    others: int

    @property
    def header(self) -> Dataset:
        """The instance's header."""
        return self.waveform.instance.header

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a reader has to know of the input: leads that are of no use, and recordings that are left alone."""
        absent = self.recording.absent
        found = [
            f"not used, {reason}: {', '.join(name for name in absent if absent[name] == reason)}"
            for reason in dict.fromkeys(absent.values())
        ]
        if self.recording.unread:
            found.append(f"only the first {_LONGEST_SECONDS / 60:.0f} minutes read")
        if self.recording.left_out:
            read, left_out = self.recording.leads.duration, self.recording.left_out
            found.append(f"only {read:.0f} s read: no lead had contact between these and {left_out:.0f} s more")
        if self.recording.other_groups:
            found.append(f"{_counted(self.recording.other_groups, 'other part')} of the recording not read")
        if self.others:
            found.append(f"{_counted(self.others, 'older recording')} not read")
        return tuple(found)


def read_newest_ecg(series: Series) -> EcgInstance:
    """Read the newest instance of a series of waveforms. Raises :class:`Refused`."""
    waveforms = [read_waveform(instance) for instance in series.instances]
    newest = max(waveforms, key=_acquired)
    return EcgInstance(newest, read_ecg(newest), len(waveforms) - 1)


def read_ecg(waveform: Waveform) -> EcgRecording:
    """Return the leads of the longest original multiplex group that holds some, and of those recorded with it.

    Raises :class:`Refused` with ``UNSUPPORTED_WAVEFORM`` where no group does, ``MISSING_SENSITIVITY`` where a channel
    does not tell its units, ``SIGNAL_QUALITY`` where no lead can be used.
    """
    candidates = [
        _Leads(number, group, found)
        for number, group in enumerate(waveform.groups, start=1)
        if (found := _leads_of(group))
    ]
    if not candidates:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{waveform.instance.name} has no channel that is an ECG lead")
    main = max(candidates, key=lambda each: (each.is_original, each.group.duration, len(each.channels)))
    together = [each for each in candidates if each.is_simultaneous(main)]
    channels: dict[str, tuple[int, int]] = {}
    for each in together:
        for name, index in each.channels.items():
            channels.setdefault(name, (each.number, index + 1))
    groups = waveform.groups
    signal, steps = _millivolts(groups, list(channels.values()))
    frequency = main.group.sampling_frequency
    held = contact(signal, frequency)
    lost = lost_leads(signal, held, steps, frequency)
    rows = [row for row in range(len(channels)) if row not in lost]
    names = list(channels)
    absent = {names[row]: reason for row, reason in lost.items()}
    if not rows:
        told = ", ".join(f"{name} {reason}" for name, reason in absent.items())
        raise Refused(Reason.SIGNAL_QUALITY, f"{main.group.name}: no lead can be used: {told}")
    first, last = longest_piece(held[rows], signal[rows])
    if first == last:
        raise Refused(Reason.SIGNAL_QUALITY, f"{main.group.name}: no sample was recorded in all leads at once")
    return EcgRecording(
        leads=EcgLeads(tuple(names[row] for row in rows), np.ascontiguousarray(signal[rows, first:last]), frequency),
        group=main.number,
        channels=channels,
        first_sample=first,
        absent=absent,
        other_groups=sum(each.is_original for each in candidates if each not in together),
        unread=max(0.0, main.group.duration - _LONGEST_SECONDS),
        left_out=(int(held[rows].any(axis=0).sum()) - int(held[rows, first:last].any(axis=0).sum())) / frequency,
    )


@dataclass(frozen=True, eq=False)
class _Leads:
    """A multiplex group, its number from 1, and the channel of each lead from 0."""

    number: int
    group: MultiplexGroup
    channels: Mapping[str, int]

    @property
    def is_original(self) -> bool:
        """Whether it was recorded, not made of a recording as median beats are."""
        return self.group.originality != "DERIVED"

    def is_simultaneous(self, other: _Leads) -> bool:
        """Whether the samples of both groups are of the same moments, so that their leads go together."""
        mine, its = self.group, other.group
        return self.is_original == other.is_original and (
            (mine.sampling_frequency, mine.sample_count, mine.time_offset)
            == (its.sampling_frequency, its.sample_count, its.time_offset)
        )


def _millivolts(
    groups: Sequence[MultiplexGroup], channels: Sequence[tuple[int, int]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The samples of some channels (group and channel, from 1) in mV, (channel, sample), and their smallest steps."""
    signals, steps = [], []
    for number, place in channels:
        group = groups[number - 1]
        channel = group.channels[place - 1]
        row = physical_samples(group, [place - 1], stop=round(_LONGEST_SECONDS * group.sampling_frequency))[0]
        scale = _scale(channel, group.name)
        signals.append(scale * row)
        steps.append(abs(scale * (channel.scale or 0.0)))
    return np.stack(signals), np.array(steps)


def lead_name(channel: Channel) -> str | None:
    """Return the standard name of the lead that a channel records, or None for something else."""
    if channel.source is not None:
        value, scheme = channel.source.value, channel.source.scheme_designator
        if scheme == "MDC" and value in _CODES:
            return _CODES[value]
        if scheme == "SCPECG" and value.startswith(_SCPECG):
            return _CODES.get(f"2:{value.removeprefix(_SCPECG)}")
    for words in (channel.label, channel.source.meaning if channel.source else ""):
        name = _WORDS.sub("", words.upper().replace("MLII", "II")).strip()
        if name in _NAMES:
            return _NAMES[name]
    return None


def _acquired(waveform: Waveform) -> tuple[datetime, int]:
    acquired = waveform.acquired or datetime.min
    if acquired.tzinfo is not None:
        acquired = acquired.astimezone(timezone.utc).replace(tzinfo=None)
    return acquired, int(waveform.instance.header.get("InstanceNumber") or 0)


def _leads_of(group: MultiplexGroup) -> dict[str, int]:
    """The channel of each lead; of two of one lead the first."""
    found: dict[str, int] = {}
    for index, channel in enumerate(group.channels):
        name = lead_name(channel)
        if name is not None:
            found.setdefault(name, index)
    return found


def _scale(channel: Channel, group: str) -> float:
    unit = channel.unit.value if channel.unit is not None else ""
    if unit not in _MILLIVOLTS:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{group}, {channel.name} is in {unit or 'no unit'}, not in volts")
    return _MILLIVOLTS[unit]


def _counted(count: int, words: str) -> str:
    return f"{count} {words}" + ("s" if count > 1 else "")
