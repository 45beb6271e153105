"""The command of the MAP: ``python -m apps.us_breast_lesion``."""

from apps.package import main

raise SystemExit(main("us_breast_lesion"))
