"""The look at every study over which is not yet decided: evidence is gathered, each app's share of it is judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from sqlalchemy.exc import DBAPIError

from deploy.node.config import ReadinessConfig
from deploy.node.database import Database
from deploy.node.database import Study as StudyRow
from deploy.node.events import log_failure, record
from deploy.node.readiness.archives import ArchiveCount, Archives, ArchiveServices
from deploy.node.readiness.contents import Contents, read_contents
from deploy.node.readiness.evidence import Announced, Count, Ending, Evidence
from deploy.node.readiness.judge import Judgement, judge, settled_seconds
from deploy.node.readiness.priors import PriorStudies, bring_priors, fetched_as_prior, read_priors, wants_priors
from deploy.node.readiness.senders import known_pauses, longest_pauses
from deploy.node.readiness.told import PriorOf, Told, read_announced, read_told
from deploy.node.readiness.undecided import Undecided, undecided_studies
from deploy.node.routed_app import RoutedApp
from deploy.node.spool import Spool

FIRST_RETRY_SECONDS = 10.0
LONGEST_RETRY_SECONDS = 900.0
"""How long a study is left alone after a decision over it failed: at first, and at most."""

NO_APP = ""
"""Stands for the decision over a study on a node without apps, by the node's own readiness."""


@dataclass(frozen=True)
class ReadyStudy:
    """A study over which some apps decide now, at one revision of it.

    ``apps`` are these apps and why they go on, ``waiting`` those that wait for more. ``prior_of`` is set if the study
    was only fetched so that another one can be compared with it: nothing is to be analysed then. ``priorities`` are
    the Requested Procedure Priorities (0040,1003) that procedure steps have told, ``pauses`` the longest ones (s) that
    its senders have made.
    """

    study_instance_uid: str
    revision: int
    contents: Contents
    apps: Mapping[str, Judgement]
    waiting: tuple[str, ...] = ()
    priors: Mapping[str, PriorStudies] = field(default_factory=dict)
    priorities: tuple[str, ...] = ()
    prior_of: PriorOf | None = None
    pauses: Mapping[str, float] = field(default_factory=dict)


@dataclass
class _Watched:
    """What is remembered of a study from one look to the next."""

    revision: int
    contents: Contents | None = None
    announced: tuple[Announced, ...] = ()
    messages: tuple[object, ...] = ()
    # What was last told that each app waits for.
    said: dict[str, str] = field(default_factory=dict)


def _now() -> datetime:
    return datetime.now(timezone.utc)


class Readiness:
    """Looks at the studies over which not every app has decided.

    What is weighed, and how, :func:`deploy.node.readiness.judge.judge` says. Each app decides by itself with its own
    ``readiness``, so one may begin while another waits. Times begin anew when the node has started and listens
    (``is_listening``), so that a sender that was cut off can send the rest. Headers are read once for each set of
    images, and not while images come.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        apps: Mapping[str, RoutedApp],
        config: ReadinessConfig,
        is_receiving: Callable[[str], bool],
        archives: ArchiveServices | None = None,
        clock: Callable[[], datetime] = _now,
        is_listening: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._spool = spool
        self._apps = apps
        self._config = config
        self._configs = {name: app.readiness_within(config) for name, app in apps.items()} or {NO_APP: config}
        self._settled = min(settled_seconds(each) for each in self._configs.values())
        self._is_receiving = is_receiving
        self._archives = Archives(archives, clock) if archives is not None else None
        self._clock = clock
        self._is_listening = is_listening
        self._listens = is_listening()
        self._listening_since = clock()
        self._watched: dict[str, _Watched] = {}
        # Studies over which a decision failed: how often, and when to try again.
        self._failed: dict[str, tuple[int, datetime]] = {}

    def ready_studies(self) -> tuple[ReadyStudy, ...]:
        """Return the studies that are ready now for some app; each is returned again until it is decided over."""
        return tuple(self.look())

    def look(self) -> Iterator[ReadyStudy]:
        """Yield the studies that are ready now, one by one: after a restart there may be many whose headers to read."""
        now = self._clock()
        # Until somebody is there to receive nothing can arrive: that silence is not the sender's.
        if not self._listens:
            self._listens, self._listening_since = self._is_listening(), now
        with self._database.read() as session:
            undecided = undecided_studies(session, now, self._listening_since, tuple(self._configs))
            known = {each.uid for each in undecided}
            looked_at = [
                each
                for each in undecided
                if each.quiet >= self._settled and not (each.uid in self._failed and now < self._failed[each.uid][1])
            ]
            told = read_told(session, [each.uid for each in looked_at]) if looked_at else {}
            pauses = known_pauses(session) if looked_at else {}
        for gone in set(self._watched) - known:
            del self._watched[gone]
            if self._archives is not None:
                self._archives.forget(gone)
        self._failed = {uid: failed for uid, failed in self._failed.items() if uid in known}
        for each in looked_at:
            ready = self._look_safely(each, told.get(each.uid) or Told(), pauses)
            if ready is not None:
                yield ready

    def failed(self, uid: str, error: Exception) -> None:
        """Record that it could not be decided over a study, and leave it alone for a while: twice as long each time."""
        count = self._failed.get(uid, (0, self._clock()))[0] + 1
        pause = min(FIRST_RETRY_SECONDS * 2 ** (count - 1), LONGEST_RETRY_SECONDS)
        self._failed[uid] = (count, self._clock() + timedelta(seconds=pause))
        text = f"not analysed yet: {type(error).__name__}: {error}; tried {count} times, again in {pause:g} s"
        log_failure("decision-failed", text, study=uid)
        try:
            with self._database.write() as session:
                study = session.get_one(StudyRow, uid)
                # A study that has results keeps the outcome that tells of them.
                if not study.jobs:
                    study.outcome = text
                record(session, "decision-failed", text, study=uid)
        # With a full disk the decision failed for the same reason, and is tried again.
        except DBAPIError:
            log_failure("decision-failed", "the failure could not be recorded", study=uid)

    def _look_safely(self, study: Undecided, told: Told, pauses: Mapping[str, float]) -> ReadyStudy | None:
        try:
            return self._look(study, told, pauses)
        # One study must not stop the others, whatever is wrong with it or with us.
        except Exception as error:
            self.failed(study.uid, error)
            return None

    def _look(self, study: Undecided, told: Told, pauses: Mapping[str, float]) -> ReadyStudy | None:
        watched = self._watched.get(study.uid)
        if watched is None or watched.revision != study.revision:
            watched = self._watched[study.uid] = _Watched(study.revision, said=watched.said if watched else {})
        if watched.contents is None:
            watched.contents = read_contents(self._database, self._spool, study.uid, self._apps)
        contents = watched.contents
        if tuple(told.messages) != watched.messages:
            with self._database.read() as session:
                watched.announced = read_announced(session, told.messages, contents.sop_instance_uids)
            watched.messages = tuple(told.messages)
        receiving = self._is_receiving(study.uid)
        prior_of = fetched_as_prior(told.prior_of, study.first_received, contents.senders)
        ready: dict[str, Judgement] = {}
        priors: dict[str, PriorStudies] = {}
        for app in study.apps:
            config = self._configs[app]
            evidence = self._evidence(study, app, config, watched, contents, told.ending, receiving, pauses)
            judgement = judge(evidence, config)
            if judgement.ready and not self._must_fetch(study, config, evidence):
                if prior_of is not None or app not in contents.selections:
                    ready[app] = judgement
                elif (found := self._priors(study, app, contents)) is not None:
                    ready[app], priors[app] = judgement, found
            elif evidence.quiet >= config.quiet_seconds:
                self._tell_waiting(study.uid, app, judgement.why, watched)
        # The app that had still to decide may be configured no longer: then all have.
        if not ready and study.apps:
            return None
        return ReadyStudy(
            study.uid,
            study.revision,
            contents,
            ready,
            tuple(app for app in study.apps if app not in ready),
            priors,
            tuple(message.priority for message in told.messages if message.priority),
            prior_of,
            longest_pauses(contents.arrivals, self._config.longest_quiet_seconds),
        )

    def _evidence(
        self,
        study: Undecided,
        app: str,
        config: ReadinessConfig,
        watched: _Watched,
        contents: Contents,
        ending: Ending | None,
        receiving: bool,
        pauses: Mapping[str, float],
    ) -> Evidence:
        counts = []
        asked = ArchiveCount()
        if contents.stated is not None:
            counts.append(Count("Number of Study Related Instances", contents.stated))
        if config.archive is not None and self._archives is not None:
            asked = self._archives.count(config.archive, study.uid, study.revision)
            counts += [asked.count] if asked.count is not None else []
        # A node without apps decides, too.
        minds_pauses = app not in self._apps or self._apps[app].minds_pauses
        return Evidence(
            quiet=study.quiet,
            received=len(contents.sop_instance_uids),
            results=contents.results,
            receiving=receiving,
            ending=ending,
            pause=max(
                (pauses[sender] for sender in contents.senders if sender in pauses and minds_pauses), default=None
            ),
            counts=tuple(counts),
            announced=watched.announced,
            lacking=contents.lacking.get(app, ()),
            unanswered=(asked.unanswered,) if asked.unanswered else (),
            problems=(asked.problem,) if asked.problem else (),
        )

    def _must_fetch(self, study: Undecided, config: ReadinessConfig, evidence: Evidence) -> bool:
        """Whether the wait was in vain, the archive has more, and what is missing is being fetched from it."""
        if config.archive is None or self._archives is None:
            return False
        has_more = any(
            count.instances > evidence.received + evidence.results and count.source == f"the archive {config.archive}"
            for count in evidence.counts
        )
        under_way = self._archives.is_fetching(config.archive, study.uid)
        return (has_more or under_way) and not self._archives.fetched(
            config.archive, study.uid, config.maximum_wait_seconds
        )

    def _priors(self, study: Undecided, app: str, contents: Contents) -> PriorStudies | None:
        """Return the earlier studies for an app, or None while they are being fetched."""
        config = self._apps[app].priors
        if config is None or self._archives is None or contents.study is None or not wants_priors(self._apps[app]):
            return PriorStudies()
        header, selection = contents.study.header, contents.selections[app]
        ended, problem = self._archives.priors(
            config,
            study.uid,
            lambda services: bring_priors(
                self._database, services, config, study.uid, study.patient_id, selection, header
            ),
        )
        return read_priors(self._database, self._spool, study.uid, problem) if ended else None

    def _tell_waiting(self, uid: str, app: str, why: str, watched: _Watched) -> None:
        if watched.said.get(app) == why or why.startswith("quiet for"):
            return
        watched.said[app] = why
        maximum = self._configs[app].maximum_wait_seconds
        text = f"{app or 'the node'} waits for more images, at most {maximum:g} s after the last: {why}"
        with self._database.write(rebuildable=True) as session:
            record(session, "waiting", text, study=uid, app=app)
