"""From leads in mV to what the network sees."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from operators.measure.ecg.filtering import without_interference
from operators.measure.ecg.leads import INDEPENDENT_LEADS
from operators.read.waveforms.ecg_leads import EcgLeads, with_derived_limb_leads

SAMPLING_HERTZ = 200.0
SECONDS = 10.0
SAMPLES = round(SAMPLING_HERTZ * SECONDS)


def network_input(leads: EcgLeads, start: float = 0.0) -> NDArray[np.float32]:
    """Return ten seconds from ``start`` (s) of the independent leads, (8, 2000) in mV.

    Leads that were not recorded are zero, and so is what lies beyond the end of a shorter recording.
    """
    cleaned = without_interference(with_derived_limb_leads(leads).resampled(2.5 * SAMPLING_HERTZ)).resampled(
        SAMPLING_HERTZ
    )
    first = round(start * SAMPLING_HERTZ)
    found = np.zeros((len(INDEPENDENT_LEADS), SAMPLES), dtype=np.float32)
    for row, name in enumerate(INDEPENDENT_LEADS):
        lead = cleaned.lead(name)
        if lead is not None:
            piece = lead[first : first + SAMPLES]
            found[row, : len(piece)] = piece
    return found
