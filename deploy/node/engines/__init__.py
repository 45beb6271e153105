"""Engines: where apps run. Whatever an app does there, the node goes on."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from deploy.node.failure import FailureKind
from operators.outcome import Outcome
from operators.provenance import ReplacedResult

Setting = float | int | str | bool


class EngineError(Exception):
    """A run came to nothing: ``kind`` says how, ``detail`` what a person needs to find the cause."""

    def __init__(self, kind: FailureKind, detail: str) -> None:
        super().__init__(kind, detail)
        self.kind = kind
        self.detail = detail

    def __str__(self) -> str:
        return f"{self.kind.meaning}: {self.detail}"


class EngineClosedError(Exception):
    """The engine was closed before or during the run: nothing is wrong with the app or its input."""


class RunInterruptedError(Exception):
    """The run was ended because the caller asked for it: nothing is wrong with the app or its input."""


class Engine(Protocol):
    """Runs apps, each apart from the node and from other apps; one after another in each ``slot`` of an app."""

    def warm(self, app: str, *, device: str, slot: int = 0) -> None:
        """Get ready for a run of the app, so that it starts at once. Raises like :meth:`run`."""

    def run(
        self,
        app: str,
        input_folder: Path,
        output_folder: Path,
        *,
        device: str,
        settings: Mapping[str, Setting],
        started: datetime,
        timeout: float,
        memory_limit: int | None = None,
        slot: int = 0,
        interrupted: threading.Event | None = None,
        replaces: Sequence[ReplacedResult] = (),
        priors_folder: Path | None = None,
    ) -> Outcome:
        """Run the app on a folder of DICOM and return its outcome; result objects are in ``output_folder``.

        ``timeout`` is in seconds, ``memory_limit`` in bytes of memory in use by all processes of the run; ``replaces``
        and ``priors_folder`` are those of ``apps.run.AppRun``. A refusal is an outcome. Raises :class:`EngineError` if
        the app raises, ends, takes longer than ``timeout`` or more memory than its limit, :class:`RunInterruptedError`
        once ``interrupted`` is set, :class:`EngineClosedError` once the engine is closed. After a failure nothing of
        the run is left running.
        """

    def close(self) -> None:
        """End every run and release what the engine holds. May be called from another thread, and twice."""
