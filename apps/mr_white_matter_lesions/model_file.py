"""``model.json``: what the weights are, how they came about, and what was measured with them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

MODEL_FOLDER = Path(__file__).parent / "model"
"""The weights that come with the app."""


def read_model_file(folder: Path) -> dict[str, Any]:
    """The contents of ``model.json``; FileNotFoundError where there are no trained networks."""
    path = folder / "model.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no model.json: train the networks first")
    description = json.loads(path.read_text())
    if not isinstance(description, dict):
        raise ValueError(f"{path} is not a JSON object")
    return description


def write_model_file(folder: Path, description: Mapping[str, object]) -> None:
    """Write ``model.json``; the old one stays until the new one is complete."""
    unfinished = folder / "model.json.unfinished"
    unfinished.write_text(json.dumps(description, indent=2) + "\n")
    unfinished.rename(folder / "model.json")
