"""The command of the MAP: ``python -m apps.ecg_intervals``."""

from apps.package import main

raise SystemExit(main("ecg_intervals"))
