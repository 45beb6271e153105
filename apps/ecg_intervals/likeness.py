"""Whether a recording is like those that the app's errors were measured on."""

from __future__ import annotations

from operators.check.domain_shift import Reference, domain_shift_gate
from operators.check.gate import GateResult
from operators.measure.ecg.profile import signal_profile
from operators.measure.ecg.quality import UnmeasurableError, require_recording
from operators.read.ecg import EcgInstance
from operators.refused import Reason, Refused

REFERENCE = "profile.json"

_SECONDS = 10.0
"""As long as the recordings of the reference: of longer ones spectra are finer and lines stand out more."""


def judge_likeness(recording: EcgInstance, reference: Reference) -> tuple[GateResult, ...]:
    """Judge a recording as a signal: the verdict on one that is unlike the simulated ones only warns.

    Filters and rules hold for real recordings, too; what is not known there is how large their errors are. Raises
    :class:`Refused` with ``SIGNAL_QUALITY`` for one that is too short, or sampled too rarely, for any measurement.
    """
    leads = recording.recording.leads.first(_SECONDS)
    try:
        require_recording(leads)
    except UnmeasurableError as error:
        raise Refused(Reason.SIGNAL_QUALITY, str(error)) from error
    verdict = domain_shift_gate(leads, signal_profile, reference, refuses=False)
    return (verdict.about(recording.waveform.instance.name),)
