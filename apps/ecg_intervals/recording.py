"""The recording that is measured: the newest of the chosen series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone

from pydicom.dataset import Dataset

from operators.read.ecg import EcgRecording, read_ecg
from operators.read.selection import Selection
from operators.read.waveform import Waveform, read_waveform


@dataclass(frozen=True, eq=False)
class Recording:
    """One instance and its leads; ``others`` is how many recordings of the series are left alone."""

    waveform: Waveform
    ecg: EcgRecording
    others: int

    @property
    def header(self) -> Dataset:
        """The instance's header."""
        return self.waveform.instance.header


def read_recording(selection: Selection) -> Recording:
    """Read the newest instance of the chosen series. Raises :class:`operators.refused.Refused`."""
    waveforms = [read_waveform(instance) for instance in selection.series["ecg"].instances]
    newest = max(waveforms, key=_acquired)
    return Recording(newest, read_ecg(newest), len(waveforms) - 1)


def _acquired(waveform: Waveform) -> tuple[datetime, int]:
    acquired = waveform.acquired or datetime.min
    if acquired.tzinfo is not None:
        acquired = acquired.astimezone(timezone.utc).replace(tzinfo=None)
    return acquired, int(waveform.instance.header.get("InstanceNumber") or 0)
