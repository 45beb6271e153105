"""Evidence → decision: a pure function, the same for every app and study."""

from __future__ import annotations

from dataclasses import dataclass

from deploy.node.config import ReadinessConfig
from deploy.node.readiness.evidence import Announced, Evidence

SETTLED_SECONDS = 1.0
"""The quiet time that is always asked for (or ``quiet_seconds``, if that is less): what is on its way arrives."""

PAUSE_FACTOR = 1.5
"""How much longer than the longest pause of its sender a study has to be quiet."""

_IN_PROGRESS = "IN PROGRESS"


@dataclass(frozen=True)
class Judgement:
    """Whether to decide now, and the sentence that says why or why not; ``needed`` is the quiet time asked for (s)."""

    ready: bool
    why: str
    needed: float
    evidence: Evidence

    def as_data(self) -> dict[str, object]:
        """Return the judgement as JSON-compatible values."""
        return {**self.evidence.as_data(), "quiet_needed": self.needed}


def settled_seconds(config: ReadinessConfig) -> float:
    """Return the quiet time before which nothing is looked at, in seconds."""
    return min(SETTLED_SECONDS, config.quiet_seconds)


def judge(evidence: Evidence, config: ReadinessConfig) -> Judgement:
    """Decide whether what has come of a study is all.

    In this order: no wait is longer than ``maximum_wait_seconds`` after the last image. What speaks for more to come
    (an open association, a procedure step in progress, images that were announced or counted and are not here, gaps
    between slices) makes it wait. What speaks for completeness (a completed procedure step or an availability
    notification whose images are all here, or a count that is equal to ours) makes quiet time superfluous, and an
    announcement also the end of the association, as a router may keep one for all that it sends. Else the study has to
    be quiet for as long as its sender is known to pause, and for ``longest_quiet_seconds`` if the sender broke off.
    """
    open_matters = evidence.receiving and not _is_announced_complete(evidence.announced)
    doubts = (["its association is still open"] if open_matters else []) + _doubts(evidence)
    proofs = _proofs(evidence)
    quiet = f"no image for {evidence.quiet:.1f} s"
    if evidence.quiet >= max(config.maximum_wait_seconds, config.quiet_seconds):
        # What was waited for in vain is what a person wants to know.
        ending = f", though {' and '.join(doubts)}" if doubts else _ending(evidence)
        return Judgement(True, _sentence(f"{quiet}{ending}", proofs, evidence), config.maximum_wait_seconds, evidence)
    if doubts:
        return Judgement(False, " and ".join(doubts), config.maximum_wait_seconds, evidence)
    needed = settled_seconds(config) if proofs else _quiet_needed(evidence, config)
    if evidence.quiet < needed:
        return Judgement(False, f"quiet for {evidence.quiet:.1f} of {needed:.1f} s", needed, evidence)
    return Judgement(True, _sentence(f"{quiet}{_ending(evidence)}", proofs, evidence), needed, evidence)


def _quiet_needed(evidence: Evidence, config: ReadinessConfig) -> float:
    # Who broke off will send the rest again, but not at once.
    if evidence.ending is not None and not evidence.ending.sent_all:
        return config.longest_quiet_seconds
    usual = (evidence.pause or 0.0) * PAUSE_FACTOR
    return min(max(usual, config.quiet_seconds), config.longest_quiet_seconds)


def _doubts(evidence: Evidence) -> list[str]:
    doubts = []
    for said in evidence.announced:
        if said.status == _IN_PROGRESS:
            doubts.append(f"{said.source} is in progress")
        elif said.absent:
            doubts.append(f"{said.absent} of the {said.instances} images that {said.source} lists are not here")
    doubts += [
        f"{count.source} counts {count.instances} instances and {evidence.received} are here"
        for count in evidence.counts
        if count.instances > evidence.received + evidence.results
    ]
    return [*doubts, *evidence.lacking, *(f"{name} has not yet answered" for name in evidence.unanswered)]


def _proofs(evidence: Evidence) -> list[str]:
    announced = evidence.announced if _is_announced_complete(evidence.announced) else ()
    proofs = [f"all {said.instances} images that {said.source} lists are here" for said in announced if said.instances]
    proofs += [
        f"{count.source} counts {count.instances} instances, as many as are here"
        for count in evidence.counts
        if count.instances in (evidence.received, evidence.received + evidence.results)
    ]
    return proofs


def _is_announced_complete(announced: tuple[Announced, ...]) -> bool:
    """Whether what was announced is here and no procedure step goes on; one that was discontinued has ended, too."""
    lists = [said for said in announced if said.instances]
    return bool(lists) and all(said.status != _IN_PROGRESS and not said.absent for said in announced)


def _ending(evidence: Evidence) -> str:
    if evidence.receiving:
        return " within an association that stays open"
    if evidence.ending is None:
        return " and no association open"
    return f" since the sender {evidence.ending.text}"


def _sentence(first: str, proofs: list[str], evidence: Evidence) -> str:
    return "; ".join([first, *proofs, *evidence.problems])
