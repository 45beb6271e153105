"""``python -m deploy.cli`` is the same as ``gantry``."""

from deploy.cli import main

main()
