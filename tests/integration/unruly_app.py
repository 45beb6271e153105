"""A small real app that goes wrong when the Patient ID tells it to; for every other patient it gives its results."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from apps.run import Setting
from operators.outcome import Outcome
from operators.provenance import ReplacedResult
from operators.read.study import read_study
from tests.deploy.node import tiny_app

TARGET = "tests.integration.unruly_app:run"

RAISE, HANG, KILL, SEGFAULT = "RAISE", "HANG", "KILL", "SEGFAULT"


def run(
    app: str,
    input_folder: Path,
    output_folder: Path,
    *,
    device: str,
    settings: Mapping[str, Setting],
    started: datetime,
    replaces: Sequence[ReplacedResult],
    priors_folder: Path | None,
) -> Outcome:
    """Do what the Patient ID says."""
    patient = read_study(input_folder).instances[0].header.PatientID
    if patient == RAISE:
        raise ValueError("the app's own mistake")
    if patient == HANG:
        time.sleep(3600)
    if patient == KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    if patient == SEGFAULT:
        ctypes.string_at(0)
    return tiny_app.run(
        app, input_folder, output_folder, device=device, settings=settings, started=started, replaces=replaces
    )
