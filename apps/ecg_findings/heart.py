"""What is measured of the recording by rules, once, for the gates and for the report."""

from __future__ import annotations

from dataclasses import dataclass

from apps.ecg_findings.signal import SECONDS
from operators.measure.ecg.analysis import EcgAnalysis, analyse_ecg
from operators.measure.ecg.quality import UnmeasurableError
from operators.read.ecg import EcgInstance
from operators.read.waveforms.ecg_leads import EcgLeads


@dataclass(frozen=True, eq=False)
class Heart:
    """Rate, axes and waves of the part that is judged; None where it cannot be measured, with the ``problem``."""

    measured: EcgAnalysis | None
    problem: str = ""


def measure_heart(instance: EcgInstance) -> Heart:
    """Measure the part of a recording that is judged."""
    return heart_of(judged_part(instance))


def heart_of(leads: EcgLeads) -> Heart:
    """Measure some leads."""
    try:
        return Heart(analyse_ecg(leads))
    # The network may judge the recording all the same.
    except UnmeasurableError as error:
        return Heart(None, str(error))


def judged_part(instance: EcgInstance) -> EcgLeads:
    """Return what the network sees of a recording: its first ten seconds."""
    return instance.recording.leads.first(SECONDS)
