"""Read an electrocardiogram: its leads in mV by their standard names, from any waveform object that holds some."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from operators.read.study import Series
from operators.read.waveform import Waveform, read_waveform
from operators.read.waveforms.channel import Channel
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

_MILLIVOLTS = {"mV": 1.0, "uV": 1e-3, "V": 1e3, "nV": 1e-6}

_FLAT_MILLIVOLT = 1e-4


@dataclass(frozen=True, eq=False)
class EcgRecording:
    """Leads of one multiplex group; ``group`` and ``channels`` (by lead) count from 1, as references do.

    ``first_sample`` is where the leads begin in the group, from 0: what holds nothing at its start is left out.
    ``absent`` are channels that recorded nothing, with the reason.
    """

    leads: EcgLeads
    group: int
    channels: Mapping[str, int]
    first_sample: int
    absent: Mapping[str, str]

    def sample(self, seconds: float) -> int:
        """The sample of the multiplex group, from 1, of a time in the leads."""
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


def read_newest_ecg(series: Series) -> EcgInstance:
    """Read the newest instance of a series of waveforms. Raises :class:`Refused`."""
    waveforms = [read_waveform(instance) for instance in series.instances]
    newest = max(waveforms, key=_acquired)
    return EcgInstance(newest, read_ecg(newest), len(waveforms) - 1)


def read_ecg(waveform: Waveform) -> EcgRecording:
    """Return the leads of the longest original multiplex group that holds some.

    Raises :class:`Refused` with ``UNSUPPORTED_WAVEFORM`` where no group does, ``MISSING_SENSITIVITY`` where a channel
    does not tell its units, ``SIGNAL_QUALITY`` where every lead is flat.
    """
    candidates = [
        (number, group, found) for number, group in enumerate(waveform.groups, start=1) if (found := _leads_of(group))
    ]
    if not candidates:
        raise Refused(Reason.UNSUPPORTED_WAVEFORM, f"{waveform.instance.name} has no channel that is an ECG lead")
    number, group, channels = max(candidates, key=lambda item: (item[1].originality != "DERIVED", item[1].duration))
    signal = physical_samples(group, list(channels.values()))
    signal = signal * np.array([_scale(group.channels[index], group.name) for index in channels.values()])[:, None]
    first, last = _filled(signal)
    signal = signal[:, first:last]
    flat = [name for name, row in zip(channels, signal, strict=True) if not _has_signal(row)]
    kept = [name for name in channels if name not in flat]
    if not kept:
        raise Refused(Reason.SIGNAL_QUALITY, f"{group.name}: every lead is flat")
    rows = [list(channels).index(name) for name in kept]
    return EcgRecording(
        leads=EcgLeads(tuple(kept), np.ascontiguousarray(signal[rows]), group.sampling_frequency),
        group=number,
        channels={name: index + 1 for name, index in channels.items()},
        first_sample=first,
        absent=dict.fromkeys(flat, "flat"),
    )


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


def _filled(signal: NDArray[np.float64]) -> tuple[int, int]:
    """The longest run of samples that are there in every channel."""
    there = np.isfinite(signal).all(axis=0)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]]).astype(np.int8)))
    if not edges.size:
        raise Refused(Reason.SIGNAL_QUALITY, "no sample was recorded in all leads at once")
    starts, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - starts))
    return int(starts[longest]), int(ends[longest])


def _has_signal(row: NDArray[np.float64]) -> bool:
    return bool(np.ptp(row) > _FLAT_MILLIVOLT)
