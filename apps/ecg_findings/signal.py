"""From leads in mV to what the network sees."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from operators.measure.ecg.filtering import without_interference
from operators.measure.ecg.leads import INDEPENDENT_LEADS
from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

SAMPLING_HERTZ = 200.0
SECONDS = 10.0
SAMPLES = round(SAMPLING_HERTZ * SECONDS)

_SECOND = round(SAMPLING_HERTZ)


def network_input(leads: EcgLeads, start: float = 0.0) -> NDArray[np.float32]:
    """Return ten seconds from ``start`` (s) of the independent leads, (8, 2000) in mV.

    Leads that were not recorded are zero. A shorter recording goes on with what followed where it was most like its
    last second: the network, which knows ten seconds only, would take silence for a beat that is missing.
    """
    cleaned = without_interference(with_derived_limb_leads(leads).resampled(2.5 * SAMPLING_HERTZ)).resampled(
        SAMPLING_HERTZ
    )
    first = round(start * SAMPLING_HERTZ)
    length = max(0, min(SAMPLES, cleaned.signal.shape[1] - first))
    found = np.zeros((len(INDEPENDENT_LEADS), length), dtype=np.float32)
    for row, name in enumerate(INDEPENDENT_LEADS):
        lead = cleaned.lead(name)
        if lead is not None:
            found[row] = lead[first : first + length]
    return _continued(found)


def _continued(recorded: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return (lead, n) with n samples or less as (lead, 2000)."""
    count = recorded.shape[1]
    whole = np.zeros((len(recorded), SAMPLES), dtype=np.float32)
    whole[:, :count] = recorded
    if count == SAMPLES or count < 3 * _SECOND:
        return whole
    # Where it goes on from: at least a second before its end.
    ends = np.arange(_SECOND, count - _SECOND)
    windows = sliding_window_view(recorded, _SECOND, axis=1)[:, ends - _SECOND]
    differences = ((windows - recorded[:, None, -_SECOND:]) ** 2).sum(axis=(0, 2))
    end = int(ends[np.argmin(differences)])
    places = end + np.arange(SAMPLES - count) % (count - end)
    whole[:, count:] = recorded[:, places]
    return whole
