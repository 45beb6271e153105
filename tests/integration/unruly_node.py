"""``gantry serve`` with the unruly app: ``python -m tests.integration.unruly_node CONFIG``."""

from __future__ import annotations

import sys
from pathlib import Path

from deploy.node.config import load_config
from deploy.node.engines.local import LocalEngine
from deploy.node.serve import serve
from tests.integration import unruly_app


def main() -> int:
    config = load_config(Path(sys.argv[1]))
    return serve(config, engine=LocalEngine(config.data_folder / "logs", target=unruly_app.TARGET))


if __name__ == "__main__":
    sys.exit(main())
