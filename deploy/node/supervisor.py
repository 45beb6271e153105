"""A process of which nothing survives: ``python -m deploy.node.supervisor PARENT MODULE [ARGUMENT ...]``.

The module runs in a child. The supervisor adopts whatever its descendants leave behind (PR_SET_CHILD_SUBREAPER,
prctl(2)), daemons included. When the child ends, when the supervisor gets SIGTERM, and when its parent ends in whatever
way, it kills them all, waits until they are gone, and then ends as the child did. If it is itself killed, the child is,
too.

It imports no more than it needs: it stays beside each app.
"""

from __future__ import annotations

import ctypes
import os
import resource
import runpy
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36

_OOM_SCORE = 500
"""Added to the process's score: where memory runs out the kernel takes an app before the node (proc(5))."""

_SIGNALS = {signal.SIGTERM, signal.SIGCHLD}
_REAP_SECONDS = 0.002


def main(parent: int, module: str, arguments: list[str]) -> int:
    """Run the module and return its exit status; a signal that ended it ends this process as well."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    die_with(parent, signal.SIGTERM)
    supervisor = os.getpid()
    child = os.fork()
    if child == 0:
        os.setpgid(0, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        die_with(supervisor, signal.SIGKILL)
        _be_taken_first()
        sys.argv = [module, *arguments]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        return 0
    # Whoever comes first: the group has to be there before it is killed.
    with suppress(PermissionError, ProcessLookupError):
        os.setpgid(child, child)
    _leave_streams()
    code = _wait(child)
    _kill_all(child)
    if code < 0:
        _end_by(-code)
    return code


def die_with(parent: int, number: signal.Signals) -> None:
    """Have the kernel send this process a signal when its parent ends, however it ends (prctl(2), Linux)."""
    _prctl(_PR_SET_PDEATHSIG, number)
    # It may have ended before the line above.
    if os.getppid() != parent:
        sys.exit("the parent ended while this process was started")


def children_of(process: int) -> list[int]:
    """Return the processes that a process has started or adopted, without theirs (proc(5)); none if it is gone."""
    found: list[int] = []
    with suppress(OSError):
        for task in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                found += map(int, (task / "children").read_text().split())
    return found


def _wait(child: int) -> int:
    """Return how the child ended: its exit status, or the signal as a negative number."""
    while True:
        if signal.sigwait(_SIGNALS) == signal.SIGTERM:
            return -signal.SIGKILL
        # Several ends may be one signal; what was adopted is reaped here as well.
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if ended.si_pid == child:
                return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
            os.waitpid(ended.si_pid, 0)


def _kill_all(child: int) -> None:
    """Kill every descendant, generation by generation; the child's group first, which the kernel does at one stroke."""
    # The child has not been waited for: nobody else can have its number.
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    while True:
        for process in children_of(os.getpid()):
            os.kill(process, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0] != 0:
                pass
        except ChildProcessError:
            return
        time.sleep(_REAP_SECONDS)


def _leave_streams() -> None:
    """Let go of the pipes to the parent: their end has to be seen when the child's end is."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):
        os.dup2(nothing, stream)
    os.close(nothing)


def _be_taken_first() -> None:
    path = Path("/proc/self/oom_score_adj")
    path.write_text(str(min(int(path.read_text()) + _OOM_SCORE, 1000)))


def _end_by(number: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Some signals cannot be handled, and need not be.
    with suppress(OSError):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(os.getpid(), number)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
