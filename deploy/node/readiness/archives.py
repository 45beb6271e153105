"""What readiness asks of archives: how many instances a study has, those that are missing, and earlier studies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.node.config import PriorsConfig
from deploy.node.query import FoundStudy
from deploy.node.readiness.background import Background, Key, Lane
from deploy.node.readiness.evidence import Count

FIRST_COUNT_SECONDS = 2.0
LONGEST_COUNT_SECONDS = 30.0
"""How long after an answer the same archive is asked again for the count of a study: at first, and at most."""

ANSWER_SECONDS = 10.0
"""How long an archive's first answer about a study is waited for: one that hangs must not hold up all studies."""


@dataclass(frozen=True)
class ArchiveServices:
    """How archives are asked, by their names in the configuration; each raises an exception where one does not answer.

    ``count`` returns the number of instances of a study, ``fetch`` brings its instances into the spool and the index,
    ``find_earlier`` returns a patient's studies that have one of some modalities. ``ae_titles`` are those of the
    archives, under which what they send is kept.
    """

    count: Callable[[str, str], int]
    fetch: Callable[[str, str], object]
    find_earlier: Callable[[str, str, Sequence[str]], Sequence[FoundStudy]]
    ae_titles: Mapping[str, str]


@dataclass(frozen=True)
class ArchiveCount:
    """An archive's count of a study, or who still has to answer, or a sentence on why there is no count."""

    count: Count | None = None
    unanswered: str = ""
    problem: str = ""


class Archives:
    """Asks archives about the studies that wait; what was asked and answered is kept until a study is forgotten."""

    def __init__(self, services: ArchiveServices, clock: Callable[[], datetime]) -> None:
        self._services = services
        self._clock = clock
        self._background = Background(clock)
        # How often an archive was asked for the count of a study at one revision of it.
        self._tries: dict[Key, int] = {}

    def count(self, archive: str, uid: str, revision: int) -> ArchiveCount:
        """Return an archive's last count of a study, made at this revision of ours; ask if that is due."""
        key: Key = ("count", archive, uid, revision)
        answer = self._background.answer(key)
        tries = self._tries.get(key, 0)
        pause = min(FIRST_COUNT_SECONDS * 2 ** max(tries - 1, 0), LONGEST_COUNT_SECONDS)
        is_due = answer is None or self._clock() >= answer.answered + timedelta(seconds=pause)
        if is_due and self._background.asked(key) is None:
            self._tries[key] = tries + 1
            self._background.ask((archive, "counting"), key, lambda: self._services.count(archive, uid))
        name = f"the archive {archive}"
        if answer is None:
            asked = self._background.asked(key)
            waits = asked is not None and self._clock() < asked + timedelta(seconds=ANSWER_SECONDS)
            return ArchiveCount(unanswered=name) if waits else ArchiveCount(problem=f"{name} has not answered")
        if answer.problem:
            return ArchiveCount(problem=f"{name} could not be asked for its count ({answer.problem})")
        return ArchiveCount(Count(name, answer.value))

    def fetched(self, archive: str, uid: str, maximum_seconds: float) -> bool:
        """Have what is missing of a study fetched; return whether that has ended, or has taken too long.

        It is fetched once. A node that was killed asks again for all of it: what is here already is kept once.
        """
        key = _fetch(archive, uid)
        return self._ended((archive, "fetching"), key, maximum_seconds, lambda: self._services.fetch(archive, uid))

    def is_fetching(self, archive: str, uid: str) -> bool:
        """Return whether what is missing of a study is being fetched: its images come one by one."""
        return self._background.asked(_fetch(archive, uid)) is not None

    def priors(
        self, config: PriorsConfig, uid: str, find_and_fetch: Callable[[ArchiveServices], object]
    ) -> tuple[bool, str]:
        """Have earlier studies fetched for a study; return whether that has ended, and in words what went wrong."""
        key: Key = ("priors", config.archive, uid, 0)
        lane = (config.archive, "fetching priors")
        ended = self._ended(lane, key, config.maximum_wait_seconds, lambda: find_and_fetch(self._services))
        answer = self._background.answer(key)
        if answer is None:
            return ended, f"{config.archive} took more than {config.maximum_wait_seconds:g} s for earlier studies"
        return ended, f"earlier studies could not be fetched ({answer.problem})" if answer.problem else ""

    def forget(self, uid: str) -> None:
        """Drop what was answered about a study that is decided over."""
        self._tries = {key: tries for key, tries in self._tries.items() if key[2] != uid}
        self._background.forget(lambda key: key[2] == uid)

    def _ended(self, lane: Lane, key: Key, maximum_seconds: float, work: Callable[[], object]) -> bool:
        if self._background.answer(key) is not None:
            return True
        self._background.ask(lane, key, work)
        asked = self._background.asked(key)
        return asked is not None and self._clock() >= asked + timedelta(seconds=maximum_seconds)


def _fetch(archive: str, uid: str) -> Key:
    return ("fetch", archive, uid, 0)
