"""Readiness: when everything that an app needs of a study has arrived, decided from evidence.

:mod:`.watch` looks at the studies, :mod:`.contents`, :mod:`.told`, :mod:`.senders` and :mod:`.archives` gather the
evidence, :mod:`.judge` decides, :mod:`.priors` brings earlier studies.
"""

from __future__ import annotations

from deploy.node.readiness.archives import ArchiveServices
from deploy.node.readiness.evidence import Announced, Count, Ending, Evidence
from deploy.node.readiness.judge import Judgement, judge
from deploy.node.readiness.senders import learn_pauses
from deploy.node.readiness.services import archive_services
from deploy.node.readiness.watch import NO_APP, Readiness, ReadyStudy

__all__ = [
    "NO_APP",
    "Announced",
    "ArchiveServices",
    "Count",
    "Ending",
    "Evidence",
    "Judgement",
    "Readiness",
    "ReadyStudy",
    "archive_services",
    "judge",
    "learn_pauses",
]
