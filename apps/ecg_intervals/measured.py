"""What is measured on a recording, and the rules on it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pydicom.dataset import Dataset

from operators.measure.ecg.analysis import EcgAnalysis, analyse_ecg
from operators.measure.ecg.quality import UnmeasurableError
from operators.measure.ecg.rules import NAMES_OF_RHYTHMS, Flag, judge_rules
from operators.read.ecg import EcgInstance
from operators.read.waveforms.ecg_leads import EcgLeads
from operators.refused import Reason, Refused

_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}


@dataclass(frozen=True, eq=False)
class Measured:
    """Numbers of one recording and the flags that they raise."""

    analysis: EcgAnalysis
    flags: tuple[Flag, ...]

    @property
    def more(self) -> str:
        """The flags in words but for those that repeat the rhythm."""
        return ", ".join(flag.finding.meaning for flag in self.flags if flag.finding not in NAMES_OF_RHYTHMS)


def measure(recording: EcgInstance) -> Measured:
    """Measure a recording. Raises :class:`Refused` with ``SIGNAL_QUALITY`` where it cannot be measured."""
    header = recording.header
    return measure_leads(recording.recording.leads, sex=str(header.get("PatientSex") or ""), age=_age(header))


def measure_leads(leads: EcgLeads, *, sex: str = "", age: float | None = None) -> Measured:
    """Measure leads; ``sex`` (M or F) and ``age`` (years) as far as they are known. Raises as :func:`measure`."""
    try:
        analysis = analyse_ecg(leads)
    except UnmeasurableError as error:
        raise Refused(Reason.SIGNAL_QUALITY, str(error)) from error
    return Measured(analysis, judge_rules(analysis, sex=sex, age=age))


def _age(header: Dataset) -> float | None:
    match = _AGE.fullmatch(str(header.get("PatientAge") or ""))
    return int(match[1]) * _YEARS[match[2]] if match else None
