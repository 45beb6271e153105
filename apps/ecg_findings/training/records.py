"""Real recordings as training samples: WFDB records and a table of labels, as PTB-XL and CODE-15 % can be laid out.

``labels.csv`` in the folder has the columns ``record`` (path below the folder, without suffix), ``part`` (training,
validation or test; patients must not be in two) and one column of 0 and 1 for each label.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from apps.ecg_findings.signal import network_input
from apps.ecg_findings.training.samples import Samples
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads

_PARTS = ("training", "validation", "test")
_NAMES = {name.upper(): name for name in STANDARD_LEADS}


def read_records(folder: Path, part: str, labels: Sequence[str]) -> Samples:
    """Read the records of one part. Raises :class:`ValueError` naming the row or column that is wrong."""
    items = []
    for row in rows_of(folder):
        absent = {"record", "part", *labels} - set(row)
        if absent:
            raise ValueError(f"labels.csv lacks the columns {', '.join(sorted(absent))}")
        if row["part"] not in _PARTS:
            raise ValueError(f"{row['record']} is of the part {row['part']!r}, not of {', '.join(_PARTS)}")
        if row["part"] == part:
            truth = np.array([float(row[label]) for label in labels], dtype=np.float32)
            items.append((network_input(record_leads(folder, row)).astype(np.float16), truth))
    if not items:
        raise ValueError(f"labels.csv has no record of the part {part}")
    return Samples(np.stack([signal for signal, _ in items]), np.stack([truth for _, truth in items]))


def rows_of(folder: Path) -> list[dict[str, str]]:
    """The rows of ``labels.csv``."""
    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def record_leads(folder: Path, row: Mapping[str, str]) -> EcgLeads:
    """The standard leads of the record of a row; samples that were not recorded are 0 mV."""
    # Only a site that trains on its own recordings needs it.
    import wfdb

    record = wfdb.rdrecord(str(folder / row["record"]))
    channels = [index for index, name in enumerate(record.sig_name) if name.upper() in _NAMES]
    names = tuple(_NAMES[record.sig_name[index].upper()] for index in channels)
    return EcgLeads(names, np.nan_to_num(record.p_signal[:, channels].T), float(record.fs))
