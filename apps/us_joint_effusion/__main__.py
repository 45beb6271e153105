"""The command of the MAP: ``python -m apps.us_joint_effusion``."""

from apps.package import main

raise SystemExit(main("us_joint_effusion"))
