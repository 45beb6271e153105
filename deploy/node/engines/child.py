"""The child process of the local engine: ``python -m deploy.node.engines.child PARENT TARGET [PREPARE APP]``.

``TARGET`` and ``PREPARE`` are ``module:function``: the first is called for each run, the second once, with the app's
name, before the child says that it is ready.

Reads one JSON request a line from standard input and writes JSON answers, a line each, to standard output: that the
app is ready, then for each request that it is taken and what came of it. Whatever the app prints goes to standard
error, which is the app's log.
"""

from __future__ import annotations

import ctypes
import faulthandler
import importlib
import io
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from operators.outcome import Outcome
from operators.provenance import ReplacedResult
from operators.refused import Refused

_PR_SET_PDEATHSIG = 1
_LONGEST_TRACEBACK = 4000


def serve_runs(parent: int, target: str, prepare: str | None = None, app: str = "") -> None:
    """Import the target and prepare the app, then answer requests until standard input ends."""
    requests, answers = _take_over_standard_streams()
    _die_with(parent)
    faulthandler.enable()
    try:
        function: Callable[..., Outcome] = _import(target)
        if prepare is not None:
            _import(prepare)(app)
    # Any error at all is the engine's answer; it is raised again in the node.
    except BaseException:
        _answer(answers, {"raised": _traceback()})
        return
    _answer(answers, {"ready": True})
    for line in requests:
        request = json.loads(line)
        _answer(answers, {"taken": True})
        _answer(answers, _run(function, request))


def _take_over_standard_streams() -> tuple[io.TextIOWrapper, io.TextIOWrapper]:
    """Keep the pipes for the protocol; libraries that print or read must not disturb it."""
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the node ends, however it ends (prctl(2), Linux)."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    # It may have ended before the line above.
    if os.getppid() != parent:
        sys.exit("the node ended while the app was started")


def _import(name: str) -> Callable[..., Any]:
    module, _, function = name.partition(":")
    imported: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return imported


def _run(function: Callable[..., Outcome], request: dict[str, Any]) -> dict[str, Any]:
    print(f"{datetime.now(timezone.utc).isoformat()} run {request['app']} on {request['input_folder']}", flush=True)
    try:
        outcome = function(
            request["app"],
            Path(request["input_folder"]),
            Path(request["output_folder"]),
            device=request["device"],
            settings=request["settings"],
            started=datetime.fromisoformat(request["started"]),
            replaces=tuple(ReplacedResult(**result) for result in request["replaces"]),
            priors_folder=Path(request["priors_folder"]) if request["priors_folder"] is not None else None,
        )
        return {"outcome": outcome.model_dump(mode="json")}
    except Refused as refused:
        # The app refuses by itself with a report; this is an input about which no report can be written.
        outcome = Outcome(
            app=request["app"],
            version="",
            input_digest="",
            status="refused",
            reason=refused.reason.value,
            detail=refused.detail,
            summary=f"not analysed: {refused}",
        )
        return {"outcome": outcome.model_dump(mode="json")}
    except BaseException:
        return {"raised": _traceback()}


def _traceback() -> str:
    text = traceback.format_exc()
    print(text, flush=True)
    return text[-_LONGEST_TRACEBACK:]


def _answer(stream: io.TextIOWrapper, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


if __name__ == "__main__":
    serve_runs(int(sys.argv[1]), *sys.argv[2:])
