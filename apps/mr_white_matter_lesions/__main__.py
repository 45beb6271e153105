"""The command of the MAP: ``python -m apps.mr_white_matter_lesions``."""

from apps.package import main

raise SystemExit(main("mr_white_matter_lesions"))
