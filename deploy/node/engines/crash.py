"""What Python's faulthandler wrote into an app's log when native code brought the process down."""

from __future__ import annotations

import re
from pathlib import Path

_LONGEST_LOG_BYTES = 100_000
_LONGEST_TRACE = 4000

_FRAME = re.compile(r'^  File "(?P<file>[^"]*)", line (?P<line>\d+) in (?P<function>.*)$', re.MULTILINE)


def crash_trace(log: Path, begin: int) -> tuple[str, str]:
    """Return the trace of the thread that crashed, with a line's end, and `` in FUNCTION (FILE, line N)``.

    ``begin`` is the size in bytes that the log had when the run began. Both are empty where nothing was written, as
    with SIGKILL; the place is, where the thread ran no Python.
    """
    with log.open("rb") as file:
        file.seek(max(begin, log.stat().st_size - _LONGEST_LOG_BYTES))
        text = file.read().decode(errors="replace")
    # https://docs.python.org/3/library/faulthandler.html
    _, mark, rest = text.rpartition("Fatal Python error: ")
    if not mark:
        return "", ""
    meaning, _, threads = rest.partition("\n")
    _, _, current = threads.partition("Current thread ")
    frames = current.partition("\n\n")[0]
    top = _FRAME.search(frames)
    place = f" in {top['function']} ({top['file']}, line {top['line']})" if top else ""
    return f"{mark}{meaning}\n{frames[:_LONGEST_TRACE].strip()}\n", place
