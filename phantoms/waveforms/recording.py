"""What a recorder has in its memory: channels of stored integers with all that a header tells of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CodedConcept = tuple[str, str, str]
"""Code Value, Coding Scheme Designator, Code Meaning."""

MICROVOLT: CodedConcept = ("uV", "UCUM", "microvolt")
MILLIVOLT: CodedConcept = ("mV", "UCUM", "millivolt")
NO_UNITS: CodedConcept = ("1", "UCUM", "no units")
LITRE_PER_SECOND: CodedConcept = ("l/s", "UCUM", "litre per second")
MILLIMETRE_OF_MERCURY: CodedConcept = ("mm[Hg]", "UCUM", "millimetre of mercury")
DEGREE: CodedConcept = ("deg", "UCUM", "degree")


@dataclass(frozen=True)
class Channel:
    """One channel (PS3.3 table C.10-10).

    `stored` are its samples as integers (mu-law and A-law: the codes); the physical value is
    `stored` x `sensitivity` x `correction` + `baseline` in `unit`. `time_skew` is in s, `sample_skew` in samples;
    filters are in Hz. None is left out of the header.
    """

    stored: NDArray[np.integer]
    source: CodedConcept
    sensitivity: float | None = 1.0
    unit: CodedConcept | None = NO_UNITS
    correction: float | None = 1.0
    baseline: float | None = 0.0
    label: str | None = None
    modifiers: tuple[CodedConcept, ...] = ()
    time_skew: float | None = None
    sample_skew: float | None = 0.0
    offset: float | None = None
    bits_stored: int | None = None
    low_filter: float | None = None
    high_filter: float | None = None
    notch_filter: float | None = None


@dataclass(frozen=True)
class Group:
    """One multiplex group (PS3.3 section C.10.9): `channels` have the same number of samples.

    `interpretation` is Waveform Sample Interpretation with `bits` allocated; times are in ms, the frequency in Hz.
    """

    channels: tuple[Channel, ...]
    sampling_frequency: float
    bits: int = 16
    interpretation: str = "SS"
    label: str | None = None
    originality: str = "ORIGINAL"
    time_offset: float | None = None
    trigger_time_offset: float | None = None
    padding: int | None = None


@dataclass(frozen=True)
class Note:
    """One annotation (PS3.3 section C.10.10) of samples of channels; groups, channels and samples count from 1."""

    channels: tuple[int, ...]
    text: str | None = None
    name: CodedConcept | None = None
    number: float | None = None
    unit: CodedConcept | None = None
    temporal_range: str | None = None
    samples: tuple[int, ...] = ()
    group_number: int | None = None
