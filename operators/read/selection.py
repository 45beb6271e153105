"""Choose the series that an app's manifest asks for, with a recorded reason for each series not chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from operators.manifest import Manifest
from operators.read.study import Series, Study


@dataclass(frozen=True)
class Decision:
    """What was decided about one series for one role, and why."""

    series_instance_uid: str
    series_description: str
    role: str
    chosen: bool
    reason: str


@dataclass(frozen=True)
class Selection:
    """The series chosen for each role (a role without a series is absent), and every decision."""

    series: Mapping[str, Series]
    decisions: tuple[Decision, ...]

    @property
    def sop_instance_uids(self) -> tuple[str, ...]:
        """SOP Instance UIDs of the chosen series: the analysis's input."""
        return tuple(instance.sop_instance_uid for series in self.series.values() for instance in series.instances)


def is_accepted(study: Study, manifest: Manifest) -> bool:
    """Return whether the study is this app's business: any series satisfies the manifest's ``accepts``."""
    raise NotImplementedError


def select_series(study: Study, manifest: Manifest) -> Selection:
    """Choose at most one series for each role of the manifest. Never raises for a study without suitable series."""
    raise NotImplementedError


def missing_roles(selection: Selection, manifest: Manifest) -> str | None:
    """Return what the selection lacks, in one sentence with each series' reason, or None if it suffices."""
    raise NotImplementedError
