"""Waveform files made for the tests of reading."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import UID, GeneralECGWaveformStorage

from operators.read.study import Instance, read_study
from phantoms.identity import Study, derived_uid, order_of, patient_of, save
from phantoms.waveforms import Channel, Group, Note, waveform_instance

STARTED = datetime(2026, 1, 5, 9, 30, 15, 250000, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))
LEAD_II = ("2:2", "MDC", "Lead II")


def make_study() -> Study:
    return Study(derived_uid("test/waveforms"), patient_of(1), order_of(1, "ECG"), STARTED, "ECG")


def dataset(*groups: Group, notes: tuple[Note, ...] = (), sop_class: UID = GeneralECGWaveformStorage) -> Dataset:
    return waveform_instance(sop_class, "ECG", groups, make_study(), notes=notes)


def written(header: Dataset, folder: Path, name: str = "waveform.dcm") -> Instance:
    path = folder / name
    save(header, path)
    return opened(path)


def opened(path: Path) -> Instance:
    (instance,) = read_study(path).instances
    return instance


def ramp(samples: int = 50, channels: int = 3, **changes: object) -> Group:
    """Channel c holds 100 c, 100 c + 1, ..."""
    values: dict[str, object] = {"sensitivity": 2.5, "unit": ("uV", "UCUM", "microvolt"), **changes}
    return Group(
        tuple(Channel(100 * number + np.arange(samples), LEAD_II, **values) for number in range(channels)),  # type: ignore[arg-type]
        500.0,
    )
