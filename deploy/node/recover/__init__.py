"""What a node does, or a person asks for, when something was lost: index, results, or whole files."""

from __future__ import annotations

from deploy.node.recover.check import SpoolCheck, check_spool
from deploy.node.recover.rebuild import Recovery, recover
from deploy.node.recover.results import save_origin, take_over_results
from deploy.node.recover.soundness import DamagedIndexError, check_after_crash

__all__ = [
    "DamagedIndexError",
    "Recovery",
    "SpoolCheck",
    "check_after_crash",
    "check_spool",
    "recover",
    "save_origin",
    "take_over_results",
]
