"""``gantry serve`` with the tiny app, or another one. Arguments: the configuration file; the app's function."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.node.config import load_config
from deploy.node.engines.local import LocalEngine
from deploy.node.serve import serve
from tests.deploy.node import tiny_app


def main() -> int:
    config = load_config(Path(sys.argv[1]))
    target = sys.argv[2] if len(sys.argv) > 2 else tiny_app.TARGET
    engine = LocalEngine(config.data_folder / "logs", target=target)
    return serve(config, ready=lambda: print("ready", flush=True), engine=engine)


if __name__ == "__main__":
    sys.exit(main())
