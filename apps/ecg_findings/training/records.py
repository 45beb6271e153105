"""Real recordings as training samples: WFDB records and a table of labels, as PTB-XL and CODE-15 % can be laid out.

``labels.csv`` in the folder has the columns ``record`` (path below the folder, without suffix), ``part`` (training,
validation or test; patients must not be in two) and one column of 0 and 1 for each label.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from apps.ecg_findings.signal import network_input
from apps.ecg_findings.training.samples import Samples
from operators.read.waveforms.ecg_leads import STANDARD_LEADS, EcgLeads

_NAMES = {name.upper(): name for name in STANDARD_LEADS}


def read_records(folder: Path, labels: Sequence[str]) -> dict[str, Samples]:
    """Read every record of ``labels.csv``. Raises :class:`ValueError` naming the row or column that is wrong."""
    # Only a site that trains on its own recordings needs it.
    import wfdb

    with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    absent = {"record", "part", *labels} - set(rows[0] if rows else {})
    if absent:
        raise ValueError(f"labels.csv lacks the columns {', '.join(sorted(absent))}")
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {"training": [], "validation": [], "test": []}
    for row in rows:
        if row["part"] not in found:
            raise ValueError(f"{row['record']} is of the part {row['part']!r}, not of {', '.join(found)}")
        record = wfdb.rdrecord(str(folder / row["record"]))
        channels = [index for index, name in enumerate(record.sig_name) if name.upper() in _NAMES]
        names = tuple(_NAMES[record.sig_name[index].upper()] for index in channels)
        signal = np.nan_to_num(record.p_signal[:, channels].T)
        truth = np.array([float(row[label]) for label in labels], dtype=np.float32)
        found[row["part"]].append((network_input(EcgLeads(names, signal, float(record.fs))).astype(np.float16), truth))
    empty = [part for part, items in found.items() if not items]
    if empty:
        raise ValueError(f"labels.csv has no record of the parts {', '.join(empty)}")
    return {
        part: Samples(np.stack([signal for signal, _ in items]), np.stack([truth for _, truth in items]))
        for part, items in found.items()
    }
