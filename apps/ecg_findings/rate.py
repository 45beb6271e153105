"""Whether a heart beats at a rate that the network was trained on."""

from __future__ import annotations

from pydicom.sr.coding import Code

from operators.check.gate import GateResult, gate_failed, gate_passed
from operators.measure.measurement import Measurement
from operators.refused import CODING_SCHEME, Reason

RATE_GATE = Code("rate-gate", CODING_SCHEME, "Heart rate")
WARNING = "warning: "

TRAINED_RATES = (34.0, 150.0)
"""Beats a minute between which the hearts of training (``phantoms/ecg/population.py``) have all kinds of findings."""
ACCEPTED_RATES = (25.0, 200.0)
"""Of healthy hearts bradycardia and tachycardia are told between these; beyond are hardly any hearts of training."""

_HEART_RATE = Code("8867-4", "LN", "Heart rate")
_BEATS_A_MINUTE = Code("{H.B.}/min", "UCUM", "Heart beat per minute")


def judge_rate(rate: float) -> GateResult:
    """Judge a rate in beats a minute: beyond what was trained the verdict warns, far beyond it is not passed."""
    figures = (Measurement(_HEART_RATE, round(rate, 1), _BEATS_A_MINUTE),)
    told = f"{rate:.0f} beats a minute"
    if not ACCEPTED_RATES[0] <= rate <= ACCEPTED_RATES[1]:
        low, high = ACCEPTED_RATES
        return gate_failed(
            RATE_GATE, Reason.DOMAIN_SHIFT, f"{told}: the network knows hearts of {low:g} to {high:g}", figures
        )
    low, high = TRAINED_RATES
    if not low <= rate <= high:
        few = f"{told}: outside of {low:g} to {high:g} the network was trained on few hearts with other findings"
        return gate_passed(RATE_GATE, WARNING + few, figures)
    return gate_passed(RATE_GATE, told, figures)
