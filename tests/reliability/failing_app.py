"""An app that goes wrong in the way that the Patient ID says; for every other patient it gives its results."""

from __future__ import annotations

import ctypes
import time
from pathlib import Path
from typing import Any

from operators.outcome import Outcome
from operators.read.study import read_study
from tests.deploy.node import tiny_app

TARGET = "tests.reliability.failing_app:run"

HANG, MEMORY, SEGFAULT = "HANG", "MEMORY", "SEGFAULT"


def run(app: str, input_folder: Path, output_folder: Path, **more: Any) -> Outcome:
    """Do what the Patient ID says."""
    patient = read_study(input_folder).instances[0].header.PatientID
    if patient == HANG:
        time.sleep(3600)
    if patient == MEMORY:
        _take_memory()
    if patient == SEGFAULT:
        ctypes.string_at(0)
    return tiny_app.run(app, input_folder, output_folder, **more)


def _take_memory() -> None:
    """Take more than the limit of the tests, less than the machine has, and keep it."""
    taken = bytearray(b"\1") * (3 << 29)
    time.sleep(3600)
    del taken
