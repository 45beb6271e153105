"""``gantry serve`` with the tiny app, as a process of its own. Argument: the configuration file."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.node.config import load_config
from deploy.node.engines.local import LocalEngine
from deploy.node.serve import serve
from tests.deploy.node import tiny_app


def main() -> int:
    config = load_config(Path(sys.argv[1]))
    engine = LocalEngine(config.data_folder / "logs", target=tiny_app.TARGET)
    return serve(config, ready=lambda: print("ready", flush=True), engine=engine)


if __name__ == "__main__":
    sys.exit(main())
