"""The command of the MAP: ``python -m apps.ecg_findings``."""

from apps.package import main

raise SystemExit(main("ecg_findings"))
