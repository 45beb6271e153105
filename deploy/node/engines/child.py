"""The child process of the local engine: ``deploy.node.engines.child TARGET [PREPARE APP]``, below a supervisor.

``TARGET`` and ``PREPARE`` are ``module:function``: the first is called for each run, the second once, with the app's
name, before the child says that it is ready.

Reads one JSON request a line from standard input and writes JSON answers, a line each, to standard output: that the
app is ready, then for each request that it is taken and what came of it. Whatever the app prints goes to standard
error, which is the app's log.
"""

from __future__ import annotations

import faulthandler
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from deploy.node.failure import FailureKind
from operators.outcome import Outcome
from operators.provenance import ReplacedResult
from operators.refused import Refused

_LONGEST_TRACEBACK = 4000


def serve_runs(target: str, prepare: str | None = None, app: str = "") -> None:
    """Import the target and prepare the app, then answer requests until standard input ends."""
    requests, answers = _take_over_standard_streams()
    faulthandler.enable()
    try:
        function: Callable[..., Outcome] = _import(target)
        if prepare is not None:
            _import(prepare)(app)
    # Any error at all is the engine's answer; it is raised again in the node.
    except BaseException as error:
        _answer(answers, _raised(error))
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
    # A file is written in blocks otherwise: what an app prints would not be in its log when it is killed.
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)
    return requests, answers


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
    except BaseException as error:
        return _raised(error)


def _raised(error: BaseException) -> dict[str, Any]:
    text = traceback.format_exc()
    print(text, flush=True)
    kind = FailureKind.OUT_OF_MEMORY if _is_lack_of_memory(error) else FailureKind.RAISED
    return {"raised": text[-_LONGEST_TRACEBACK:], "kind": kind.value}


def _is_lack_of_memory(error: BaseException | None) -> bool:
    """Whether an error, or what led to it, is a failed allocation: Python's, NumPy's, or PyTorch's on CPU or GPU."""
    if error is None:
        return False
    # torch.OutOfMemoryError is a RuntimeError of this name; on the CPU it is a RuntimeError with this text.
    named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if named or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error)):
        return True
    return _is_lack_of_memory(error.__cause__ or error.__context__)


def _answer(stream: io.TextIOWrapper, answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer) + "\n")
    stream.flush()


if __name__ == "__main__":
    serve_runs(*sys.argv[1:])
