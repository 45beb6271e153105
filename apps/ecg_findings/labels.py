"""The list of labels: a file of the model, not code."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from pydicom.sr.coding import Code

LABELS = "labels.yaml"
"""Its name in the model folder."""


@dataclass(frozen=True)
class Label:
    """One label: its coded concept, and the calibrated probability from which it is reported."""

    name: str
    code: Code
    threshold: float


def load_labels(model_folder: Path) -> tuple[Label, ...]:
    """Read a model's labels in the order of its outputs. Raises :class:`ValueError` naming what is wrong."""
    path, labels = model_folder / LABELS, []
    for item in yaml.safe_load(path.read_text(encoding="utf-8")):
        missing = {"name", "code", "threshold"} ^ set(item)
        if missing:
            raise ValueError(f"{path}: a label has name, code and threshold; wrong here: {', '.join(sorted(missing))}")
        threshold = float(item["threshold"])
        if not 0 < threshold < 1:
            raise ValueError(f"{path}: the threshold of {item['name']} is between 0 and 1, not {threshold}")
        code = item["code"]
        labels.append(Label(item["name"], Code(code["value"], code["scheme"], code["meaning"]), threshold))
    if len({label.name for label in labels}) != len(labels):
        raise ValueError(f"{path}: a label is there twice")
    return tuple(labels)
