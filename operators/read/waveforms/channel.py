"""One channel of a waveform: what was recorded, in which units, through which filters (PS3.3 table C.10-10)."""

from __future__ import annotations

from dataclasses import dataclass

from pydicom.dataset import Dataset
from pydicom.sr.coding import Code

from operators.read.attributes import MalformedAttributeError, integer, numbers, text, values
from operators.read.headers.coded import coded_entries, coded_entry


@dataclass(frozen=True)
class Filters:
    """Nominal filters of a channel in Hz; None where the header does not tell."""

    low: float | None
    high: float | None
    notch: float | None
    notch_bandwidth: float | None


@dataclass(frozen=True)
class Channel:
    """One channel of a multiplex group.

    ``source`` is what was recorded (a lead, a site, a quantity), refined by ``modifiers``. The physical value is
    stored value x ``sensitivity`` x ``correction`` + ``baseline``, in ``unit`` (UCUM); ``sensitivity`` is None where
    the samples have no defined unit. ``skew`` is the time of the channel's first sample after the first of its group,
    ``offset`` what the header adds to that for aligning channels, both in s.
    """

    source: Code | None
    modifiers: tuple[Code, ...]
    label: str
    number: int | None
    status: tuple[str, ...]
    derivation: str
    sensitivity: float | None
    unit: Code | None
    correction: float
    baseline: float
    skew: float
    offset: float
    bits_stored: int | None
    filters: Filters

    @property
    def name(self) -> str:
        """The channel as a person would name it: its label, else its source's meaning, else its number."""
        return self.label or (self.source.meaning if self.source else "") or f"channel {self.number or '?'}"

    @property
    def scale(self) -> float | None:
        """Physical units per unit of a stored value, or None where it has no defined unit."""
        return None if self.sensitivity is None or self.unit is None else self.sensitivity * self.correction


def read_channel(item: Dataset, sampling_frequency: float) -> Channel:
    """Return a channel from its item of Channel Definition Sequence (003A,0200).

    ``sampling_frequency`` (Hz) is that of the group. Raises :class:`MalformedAttributeError`.
    """
    time_skew, sample_skew = _number(item, "ChannelTimeSkew"), _number(item, "ChannelSampleSkew")
    sensitivity, correction = (
        _number(item, "ChannelSensitivity"),
        _number(item, "ChannelSensitivityCorrectionFactor"),
    )
    if sensitivity == 0 or correction == 0:
        raise MalformedAttributeError("a channel has a sensitivity of 0")
    return Channel(
        source=coded_entry(item, "ChannelSourceSequence"),
        modifiers=coded_entries(item, "ChannelSourceModifiersSequence"),
        label=text(item, "ChannelLabel") or "",
        number=integer(item, "WaveformChannelNumber"),
        status=tuple(str(value) for value in values(item, "ChannelStatus")),
        derivation=text(item, "ChannelDerivationDescription") or "",
        sensitivity=sensitivity,
        unit=coded_entry(item, "ChannelSensitivityUnitsSequence"),
        correction=1.0 if correction is None else correction,
        baseline=_number(item, "ChannelBaseline") or 0.0,
        # One of the two is required (type 1C); samples of skew are counted at the group's sampling frequency.
        skew=time_skew if time_skew is not None else (sample_skew or 0.0) / sampling_frequency,
        offset=_number(item, "ChannelOffset") or 0.0,
        bits_stored=integer(item, "WaveformBitsStored"),
        filters=Filters(
            low=_number(item, "FilterLowFrequency"),
            high=_number(item, "FilterHighFrequency"),
            notch=_number(item, "NotchFilterFrequency"),
            notch_bandwidth=_number(item, "NotchFilterBandwidth"),
        ),
    )


def _number(item: Dataset, keyword: str) -> float | None:
    found = numbers(item, keyword, count=1)
    return found[0] if found else None
