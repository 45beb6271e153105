"""The local engine: one warm child process for each app and device on this machine.

The child keeps the app's modules and models loaded between runs. It is started afresh (never forked, so that it
shares no thread, lock or GPU context with the node) and is replaced after every failure. A child says that it has
taken a request before it runs the app: one that ends earlier has begun nothing, and the run goes to a fresh child.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.node.engines import EngineClosedError, EngineError, Setting
from deploy.node.failure import FailureKind
from operators.outcome import Outcome
from operators.provenance import ReplacedResult

RUN_APP = "apps.run:run_app"
"""The function that the child calls for a run, as ``module:function``."""

PREPARE_APP = "apps.run:prepare_app"
"""The function that the child calls with the app's name before its first run."""

_STACK_KIB = 32768
"""Holoscan, which executes the apps' graphs, wants a stack of 32 MiB. A process only gets it when it is started."""

_LARGEST_LOG_BYTES = 10_000_000
_POLL_SECONDS = 0.5


class LocalEngine:
    """Implements :class:`deploy.node.engines.Engine` with child processes.

    What a child prints goes to ``<log_folder>/<app>.log``. A child ends with the thread that started it: keep one
    thread for each app.
    """

    def __init__(
        self, log_folder: Path, *, target: str = RUN_APP, prepare: str | None = None, start_timeout: float = 120.0
    ) -> None:
        self._log_folder = log_folder
        self._target = target
        self._prepare = prepare
        self._start_timeout = start_timeout
        self._children: dict[tuple[str, str], _Child] = {}
        self._lock = threading.Lock()
        self._closed = False

    def warm(self, app: str, *, device: str) -> None:
        """Start the app's child unless it is running."""
        self._child(app, device)

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
        try:
            answer = self._ask(app, device, request, timeout)
        except _NotTakenError:
            answer = self._ask(app, device, request, timeout)
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

    def _child(self, app: str, device: str) -> _Child:
        with self._lock:
            if self._closed:
                raise EngineClosedError("the engine is closed")
            child = self._children.get((app, device))
            if child is not None and child.is_running:
                return child
            if child is not None:
                child.release()
            child = self._children[app, device] = _Child(self._command(app), self._open_log(app))
        self._talk(child, lambda: child.answer(self._start_timeout))
        return child

    def _ask(self, app: str, device: str, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        child = self._child(app, device)
        return self._talk(child, lambda: child.ask(request, timeout))

    def _talk(self, child: _Child, exchange: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        with child.busy:
            try:
                answer = exchange()
                if "raised" in answer:
                    raise EngineError(FailureKind.RAISED, answer["raised"])
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
        return [sys.executable, "-m", "deploy.node.engines.child", str(os.getpid()), self._target, *prepare]

    def _open_log(self, app: str) -> Path:
        self._log_folder.mkdir(parents=True, exist_ok=True)
        path = self._log_folder / f"{app}.log"
        if path.exists() and path.stat().st_size > _LARGEST_LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path


class _NotTakenError(EngineError):
    """The child ended before it took the request: while it was idle, and not by the run's doing."""


class _Child:
    """One child process: requests go to its standard input, answers come from its standard output, as JSON lines."""

    def __init__(self, command: Sequence[str], log: Path) -> None:
        # The limit of the stack has to be there before Python starts, and must not change this process's own.
        limited = ["/bin/sh", "-c", f'ulimit -S -s {_STACK_KIB}; exec "$@"', "sh", *command]
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                limited,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        self._unread = b""
        self.busy = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended; it stays a zombie, so that its group keeps its number."""
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def ask(self, request: Mapping[str, Any], timeout: float) -> dict[str, Any]:
        """Return the child's answer to a request. Raises :class:`_NotTakenError` if the run has not begun."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise self._ended(_NotTakenError) from None
        # A process that is being killed can still take bytes into its pipe: only its own word counts.
        self.answer(timeout, _NotTakenError)
        return self.answer(timeout)

    def answer(self, timeout: float, ended: type[EngineError] = EngineError) -> dict[str, Any]:
        """Return the child's next answer. Raises ``ended`` if it ends, :class:`EngineError` if it takes too long."""
        assert self._process.stdout is not None
        deadline = time.monotonic() + timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise EngineError(FailureKind.TIMED_OUT, f"no result within {timeout:g} s")
                if selector.select(min(remaining, _POLL_SECONDS)):
                    received = os.read(self._process.stdout.fileno(), 1 << 16)
                    if not received:
                        raise self._ended(ended)
                    self._unread += received
                # A process that the child left behind may hold the pipe open: the end is not always seen there.
                elif not self.is_running:
                    raise self._ended(ended)
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """Kill the process and every process of its group."""
        if self._process.returncode is None:
            # Another thread may have waited for it in this very moment.
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def release(self) -> None:
        """Kill the process, wait until it is gone and close the pipes."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _ended(self, error: type[EngineError]) -> EngineError:
        deadline = time.monotonic() + _POLL_SECONDS
        # The pipes are closed a moment before the process has ended.
        while self.is_running and time.monotonic() < deadline:
            time.sleep(0.01)
        closed = self.is_running
        self.kill()
        code = self._process.wait()
        if closed:
            return error(FailureKind.CRASHED, "the process closed its connection to the node")
        if code < 0:
            return error(FailureKind.CRASHED, f"killed by {signal.Signals(-code).name}")
        return error(FailureKind.CRASHED, f"exited with status {code}")
