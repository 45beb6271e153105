"""The command inside a MAP: folders come from the environment (MONAI Application Package 1.0)."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from apps.run import run_app
from operators.refused import Refused


def main(name: str) -> int:
    """Run the app on HOLOSCAN_INPUT_PATH, write to HOLOSCAN_OUTPUT_PATH; relative paths lie in HOLOSCAN_WORKDIR.

    The model is read from HOLOSCAN_MODEL_PATH/<app> where that is set. GANTRY_DEVICE chooses the device. Returns the
    exit status: 0 for results or a report of why there are none, 1 where the study cannot even be reported on.
    """
    workdir = Path(os.environ.get("HOLOSCAN_WORKDIR", "."))
    source = workdir / os.environ.get("HOLOSCAN_INPUT_PATH", "input")
    target = workdir / os.environ.get("HOLOSCAN_OUTPUT_PATH", "output")
    models = os.environ.get("HOLOSCAN_MODEL_PATH")
    try:
        outcome = run_app(
            name,
            source,
            target,
            device=os.environ.get("GANTRY_DEVICE", "auto"),
            model_folder=workdir / models / name if models else None,
        )
    except Refused as refused:
        print(f"not analysed: {refused}", file=sys.stderr)
        return 1
    print(outcome.summary)
    return 0
