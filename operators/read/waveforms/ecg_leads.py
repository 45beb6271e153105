"""Leads of one electrocardiogram in mV, by their standard names."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

Signal = NDArray[np.float64]

STANDARD_LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")


@dataclass(frozen=True, eq=False)
class EcgLeads:
    """``signal`` (lead, sample) in mV of the leads ``names``, sampled ``sampling_frequency`` times a second."""

    names: tuple[str, ...]
    signal: Signal
    sampling_frequency: float

    def __post_init__(self) -> None:
        if self.signal.ndim != 2 or len(self.signal) != len(self.names) or not len(self.names):
            raise ValueError(f"{len(self.names)} leads do not go with a signal of shape {self.signal.shape}")
        if len(set(self.names)) != len(self.names):
            raise ValueError(f"a lead is there twice: {', '.join(self.names)}")

    @property
    def duration(self) -> float:
        """Length in s."""
        return self.signal.shape[1] / self.sampling_frequency

    def lead(self, name: str) -> Signal | None:
        """One lead's samples, or None if it was not recorded."""
        return self.signal[self.names.index(name)] if name in self.names else None

    def first(self, seconds: float) -> EcgLeads:
        """The same leads up to a time in s."""
        return EcgLeads(self.names, self.signal[:, : round(seconds * self.sampling_frequency)], self.sampling_frequency)

    def resampled(self, frequency: float) -> EcgLeads:
        """The same leads at another sampling frequency, anti-alias filtered (polyphase, zero phase)."""
        if frequency == self.sampling_frequency:
            return self
        # Frequencies such as 360 Hz and 128 Hz have small ratios; 1/1000 Hz is far below what a header tells.
        up, down = round(frequency * 1000), round(self.sampling_frequency * 1000)
        common = int(np.gcd(up, down))
        signal = resample_poly(self.signal, up // common, down // common, axis=1, padtype="line")
        return EcgLeads(self.names, np.ascontiguousarray(signal), frequency)

    def chosen(self, names: tuple[str, ...]) -> EcgLeads:
        """Those of the named leads that were recorded; all, if none of them was."""
        found = tuple(name for name in names if name in self.names) or self.names
        return EcgLeads(found, self.signal[[self.names.index(name) for name in found]], self.sampling_frequency)


def with_derived_limb_leads(leads: EcgLeads) -> EcgLeads:
    """Add the limb leads that follow from two that are there (III, aVR, aVL, aVF from I and II and the like)."""
    one, two, three = (leads.lead(name) for name in ("I", "II", "III"))
    if one is None and two is not None and three is not None:
        one = two - three
    if two is None and one is not None and three is not None:
        two = one + three
    if one is None or two is None:
        return leads
    derived = {
        "I": one,
        "II": two,
        "III": two - one,
        "aVR": -(one + two) / 2,
        "aVL": one - two / 2,
        "aVF": two - one / 2,
    }
    rows = dict(zip(leads.names, leads.signal, strict=True))
    rows = {**{name: row for name, row in derived.items() if name not in rows}, **rows}
    names = tuple(sorted(rows, key=lambda name: STANDARD_LEADS.index(name) if name in STANDARD_LEADS else 99))
    return EcgLeads(names, np.stack([rows[name] for name in names]), leads.sampling_frequency)
