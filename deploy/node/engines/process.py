"""One child process of the local engine: asked, watched, ended and explained."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.node.engines import EngineError, RunInterruptedError
from deploy.node.engines.crash import crash_trace
from deploy.node.engines.memory import GIB, bytes_used, descendants_of, oom_kills
from deploy.node.failure import FailureKind

_STACK_KIB = 32768
"""Holoscan, which executes the apps' graphs, wants a stack of 32 MiB. A process only gets it when it is started."""

_LOOK_SECONDS = 0.2
"""How often a run is looked at: what it has allocated by then is what it can be above its limit."""

_END_SECONDS = 5.0
"""How long the supervisor may take to end what it supervises: it is killed then, and its session with it."""


@dataclass(frozen=True)
class Limits:
    """What ends the wait for an answer: ``timeout`` in seconds, ``memory`` in bytes, and a request."""

    timeout: float
    memory: int | None = None
    interrupted: threading.Event | None = None


class NotTakenError(EngineError):
    """The child ended before it took the request: while it was idle, and not by the run's doing."""


class Child:
    """Requests go to the process's standard input, answers come from its standard output, as JSON lines.

    ``command`` is a module with its arguments; it runs below a :mod:`deploy.node.supervisor`.
    """

    def __init__(self, command: Sequence[str], log: Path) -> None:
        self._log = log
        supervisor = [sys.executable, "-m", "deploy.node.supervisor", str(os.getpid()), *command]
        # The limit of the stack has to be there before Python starts, and must not change this process's own.
        limited = ["/bin/sh", "-c", f'ulimit -S -s {_STACK_KIB}; exec "$@"', "sh", *supervisor]
        with log.open("ab") as file:
            self._log_begin = file.tell()
            self._process = subprocess.Popen(
                limited,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                bufsize=0,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
            )
        self._oom_kills = oom_kills()
        self._unread = b""
        self.busy = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended; it stays a zombie, so that its session keeps its number."""
        if self._process.returncode is not None:
            return False
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None

    def ask(self, request: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
        """Return the child's answer to a request. Raises :class:`NotTakenError` if the run has not begun."""
        assert self._process.stdin is not None
        self._log_begin, self._oom_kills = self._log.stat().st_size, oom_kills()
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise self._ended(NotTakenError) from None
        # A process that is being killed can still take bytes into its pipe: only its own word counts.
        self.answer(limits, NotTakenError)
        return self.answer(limits)

    def answer(self, limits: Limits, ended: type[EngineError] = EngineError) -> dict[str, Any]:
        """Return the child's next answer.

        Raises ``ended`` if it ends, :class:`EngineError` if it is beyond a limit,
        :class:`deploy.node.engines.RunInterruptedError` on request.
        """
        assert self._process.stdout is not None
        deadline = time.monotonic() + limits.timeout
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while b"\n" not in self._unread:
                remaining = deadline - time.monotonic()
                if remaining <= 0:
                    raise EngineError(FailureKind.TIMED_OUT, f"no result within {limits.timeout:g} s")
                if selector.select(min(remaining, _LOOK_SECONDS)):
                    received = os.read(self._process.stdout.fileno(), 1 << 16)
                    if not received:
                        raise self._ended(ended)
                    self._unread += received
                # A process that the child left behind may hold the pipe open: the end is not always seen there.
                elif not self.is_running:
                    raise self._ended(ended)
                else:
                    self._look(limits)
        line, _, self._unread = self._unread.partition(b"\n")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def kill(self) -> None:
        """Have the process and all that comes from it ended; may be called from another thread."""
        if self._process.returncode is None:
            # Another thread may have waited for it in this very moment.
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def release(self) -> int:
        """Kill the process, wait until it and all that comes from it is gone, close the pipes; return how it ended."""
        self.kill()
        if not self._wait(_END_SECONDS):
            self._process.kill()
        if self._process.returncode is None:
            _kill_session(self._process.pid)
        code = self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        return code

    def _look(self, limits: Limits) -> None:
        if limits.interrupted is not None and limits.interrupted.is_set():
            raise RunInterruptedError("the run was ended on request")
        if limits.memory is None:
            return
        processes = descendants_of(self._process.pid)
        used = bytes_used(processes, limits.memory)
        if used > limits.memory:
            raise EngineError(
                FailureKind.OUT_OF_MEMORY,
                f"{len(processes)} process{'es' if len(processes) > 1 else ''} used {used / GIB:.2f} GiB, "
                f"and memory_limit_gib is {limits.memory / GIB:g}",
            )

    def _wait(self, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while self.is_running and time.monotonic() < deadline:
            time.sleep(0.01)
        return not self.is_running

    def _ended(self, error: type[EngineError]) -> EngineError:
        # The pipes are closed a moment before the process has ended.
        closed = not self._wait(_LOOK_SECONDS)
        code = self.release()
        if closed:
            return error(FailureKind.CRASHED, "the process closed its connection to the node")
        if code >= 0:
            return error(FailureKind.CRASHED, f"exited with status {code}")
        name = signal.Signals(-code).name
        killed = oom_kills() - self._oom_kills
        if -code == signal.SIGKILL and killed > 0:
            detail = f"killed by {name} while the kernel ended {killed} for lack of memory"
            return error(FailureKind.OUT_OF_MEMORY, detail)
        trace, place = crash_trace(self._log, self._log_begin)
        return error(FailureKind.CRASHED, f"{trace}killed by {name}{place}")


def _kill_session(leader: int) -> None:
    """Kill what is left of a session whose leader ended before it could do that itself, and was not waited for."""
    deadline = time.monotonic() + _END_SECONDS
    while (left := _session(leader)) and time.monotonic() < deadline:
        for process in left:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.01)


def _session(leader: int) -> list[int]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):
                # After the name in parentheses: state, parent, group, session (proc(5)).
                state, _, _, session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
                if int(session) == leader and state != "Z":
                    found.append(int(folder.name))
    return found
