"""The local engine: one warm child process for each app, device and slot on this machine.

The child keeps the app's modules and models loaded between runs. It is started afresh (never forked, so that it
shares no thread, lock or GPU context with the node) and is replaced after every failure. A child says that it has
taken a request before it runs the app: one that ends earlier has begun nothing, and the run goes to a fresh child.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.node.engines import EngineClosedError, EngineError, Setting
from deploy.node.engines.process import Child, Limits, NotTakenError
from deploy.node.failure import FailureKind
from operators.outcome import Outcome
from operators.provenance import ReplacedResult

RUN_APP = "apps.run:run_app"
"""The function that the child calls for a run, as ``module:function``."""

PREPARE_APP = "apps.run:prepare_app"
"""The function that the child calls with the app's name before its first run."""

_CHILD = "deploy.node.engines.child"
_LARGEST_LOG_BYTES = 10_000_000


class LocalEngine:
    """Implements :class:`deploy.node.engines.Engine` with child processes.

    What a child prints goes to ``<log_folder>/<app>.log``, for a further slot N to ``<app>.N.log``. A child ends with
    the thread that started it: keep one thread for each slot.
    """

    def __init__(
        self, log_folder: Path, *, target: str = RUN_APP, prepare: str | None = None, start_timeout: float = 120.0
    ) -> None:
        self._log_folder = log_folder
        self._target = target
        self._prepare = prepare
        self._start_timeout = start_timeout
        self._children: dict[tuple[str, str, int], Child] = {}
        self._lock = threading.Lock()
        self._closed = False

    def warm(self, app: str, *, device: str, slot: int = 0) -> None:
        """Start the slot's child unless it is running."""
        self._child(app, device, slot)

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
        """See :meth:`deploy.node.engines.Engine.run`."""
        request = {
            "app": app,
            "input_folder": str(input_folder.resolve()),
            "output_folder": str(output_folder.resolve()),
            "device": device,
            "settings": dict(settings),
            "started": started.isoformat(),
            "replaces": [asdict(result) for result in replaces],
            "priors_folder": str(priors_folder.resolve()) if priors_folder is not None else None,
        }
        limits = Limits(timeout, memory_limit, interrupted)
        try:
            answer = self._ask(app, device, slot, request, limits)
        except NotTakenError:
            answer = self._ask(app, device, slot, request, limits)
        return Outcome.model_validate(answer["outcome"])

    def close(self) -> None:
        """Kill every child; runs that are under way raise :class:`EngineClosedError`."""
        with self._lock:
            self._closed = True
            children = list(self._children.values())
            self._children.clear()
        for child in children:
            child.kill()
            # A run that is under way sees the end of its child and lets go of it.
            with child.busy:
                child.release()

    def _child(self, app: str, device: str, slot: int, interrupted: threading.Event | None = None) -> Child:
        with self._lock:
            if self._closed:
                raise EngineClosedError("the engine is closed")
            child = self._children.get((app, device, slot))
            if child is not None and child.is_running:
                return child
            if child is not None:
                child.release()
            child = self._children[app, device, slot] = Child(self._command(app), self._open_log(app, slot))
        limits = Limits(self._start_timeout, interrupted=interrupted)
        self._talk(child, lambda: child.answer(limits))
        return child

    def _ask(self, app: str, device: str, slot: int, request: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        child = self._child(app, device, slot, limits.interrupted)
        return self._talk(child, lambda: child.ask(request, limits))

    def _talk(self, child: Child, exchange: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with child.busy:
            try:
                answer = exchange()
                if "raised" in answer:
                    raise EngineError(FailureKind(answer["kind"]), answer["raised"])
                return answer
            except BaseException as error:
                # Whatever happened, the child may be in any state: the next run gets another.
                with self._lock:
                    self._children = {key: other for key, other in self._children.items() if other is not child}
                child.release()
                if isinstance(error, EngineError) and self._closed:
                    raise EngineClosedError("the engine was closed during the run") from error
                raise

    def _command(self, app: str) -> list[str]:
        prepare = [self._prepare, app] if self._prepare is not None else []
        return [_CHILD, self._target, *prepare]

    def _open_log(self, app: str, slot: int) -> Path:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        path = self._log_folder / (f"{app}.{slot}.log" if slot else f"{app}.log")
        if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path
