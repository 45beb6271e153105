"""Whether a recording is like those that the app's errors were measured on."""

from __future__ import annotations

from operators.check.domain_shift import Reference, domain_shift_gate
from operators.check.gate import GateResult
from operators.measure.ecg.profile import signal_profile
from operators.read.ecg import EcgInstance

REFERENCE = "profile.json"


def judge_likeness(recording: EcgInstance, reference: Reference) -> tuple[GateResult, ...]:
    """Judge a recording as a signal: the verdict on one that is unlike the simulated ones only warns.

    Filters and rules hold for real recordings, too; what is not known there is how large their errors are.
    """
    verdict = domain_shift_gate(recording.recording.leads, signal_profile, reference, refuses=False)
    return (verdict.about(recording.waveform.instance.name),)
