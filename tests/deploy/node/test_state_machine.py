"""Jobs and outbox under whatever order of claims, failures, requests, restarts and answers Hypothesis thinks of.

A model says what each step may do to each job; the database and the log of events have to agree with it after every
step. ``STATE_MACHINE_EXAMPLES`` is how many histories are tried (``make test-reliability`` tries more), once as many
that Hypothesis makes, and once as many that are drawn evenly, which together go every way of the diagram.
"""

from __future__ import annotations

import os
import random
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select

from deploy.node import jobs
from deploy.node.config import DestinationConfig
from deploy.node.database import Delivery, Event, Job, JobState, Study
from deploy.node.failure import FailureKind
from deploy.node.jobs import (
    RETRIES,
    TRANSITIONS,
    CancelRequestedError,
    Claim,
    IllegalTransitionError,
    LostLeaseError,
    NewDelivery,
)
from deploy.node.jobs.transitions import HELD
from deploy.node.outbox import DestinationQueue, redeliver, take_commitment_report
from deploy.node.send import DestinationError, SentInstance
from operators.outcome import Outcome
from tests.deploy.node.new_database import new_database

EXAMPLES = int(os.environ.get("STATE_MACHINE_EXAMPLES", "8"))
APPS = ("tiny", "other")
STUDIES = ("1.2.1", "1.2.2", "1.2.3")
MAXIMUM_ATTEMPTS = 2
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
ANALYSED = Outcome(app="a", version="1", input_digest="d", status="analysed", summary="3 lesions")
REFUSED = ANALYSED.model_copy(update={"status": "refused", "reason": "missing-slice", "detail": "3", "summary": "no"})
SOP_CLASS = "1.2.840.10008.5.1.4.1.1.66.4"

PAIRS = (("pacs",), ("archive",), ("pacs", "archive"))
LEADING_ON = ("verify", "deliver", "deliver", "report a refusal", "refuse")
FAILING = (*RETRIES, "outdated", "stopped", "interrupted")
HAPPENING = ("lost lease", "restart", "time", "time", "time", "time")
ASKING = (*["cancel", "retry", "redeliver"] * 3, "app", "app", "pause", "resume", "supersede", "take back")
BEHAVING = ("stores", "stores", "stores", "warns", "refuses", "is full", "is away", "resets")

numbers = st.integers(0, 30)
names = st.sampled_from(PAIRS)


class Destination:
    """A destination that does what it is told: a :class:`deploy.node.send.Sender` without a network."""

    def __init__(self) -> None:
        self.behaviour = "stores"
        self.transactions: dict[str, set[str]] = {}
        self.is_open = False

    def send(self, paths: Sequence[Path]) -> Iterator[SentInstance]:
        statuses = {"stores": 0x0000, "warns": 0xB000, "refuses": 0xC000, "is full": 0xA700}
        if self.behaviour == "is away":
            raise DestinationError("nobody answers")
        for index, path in enumerate(paths):
            if self.behaviour == "resets" and index > 0:
                raise DestinationError("connection reset", path)
            yield SentInstance(path, SOP_CLASS, path.stem, statuses.get(self.behaviour, 0), "")

    def commit(self, transaction_uid: str, references: Sequence[tuple[str, str]]) -> int:
        if self.behaviour == "is away":
            raise DestinationError("nobody answers")
        self.transactions[transaction_uid] = {uid for _, uid in references}
        return 0

    def echo(self) -> int:
        return 0

    def listen(self, seconds: float) -> bool:
        return False

    def close(self) -> None:
        pass

    def hang_up(self) -> None:
        pass


@dataclass
class Expected:
    """What the model knows of a job."""

    app: str
    stat: bool
    state: JobState = JobState.QUEUED
    failures: dict[FailureKind, int] = field(default_factory=dict)
    owner: str | None = None
    paused: bool = False
    cancel_requested: bool = False
    gave_way: bool = False

    def fail(self, kind: FailureKind) -> None:
        self.failures[kind] = self.failures.get(kind, 0) + 1
        if self.cancel_requested:
            self.go(JobState.CANCELLED)
            return
        retry = RETRIES.get(kind)
        counted = sum(count for other, count in self.failures.items() if other in RETRIES and RETRIES[other].counted)
        if retry is None:
            over = True
        elif retry.counted:
            over = counted >= MAXIMUM_ATTEMPTS
        else:
            over = retry.most is not None and self.failures[kind] >= retry.most
        self.go(JobState.FAILED if over else JobState.QUEUED)
        self.gave_way = kind is FailureKind.OUTDATED

    def go(self, state: JobState) -> None:
        assert state in TRANSITIONS[self.state], f"{self.state.value} -> {state.value}"
        if self.state in (JobState.FAILED, JobState.CANCELLED):
            self.failures = {}
        self.state = state
        self.gave_way = False
        if state not in HELD:
            self.owner, self.cancel_requested = None, False


class JobsAndOutbox(RuleBasedStateMachine):
    """One node's jobs, its workers' claims, two destinations of which one has to commit itself, and people."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.database = new_database(self.folder)
        with self.database.write() as session:
            for uid in STUDIES:
                session.add(Study(study_instance_uid=uid, first_received=NOW, last_received=NOW))
        self.jobs: dict[int, Expected] = {}
        self.claims: list[Claim] = []
        self.paused_apps: set[str] = set()
        # What the log has told so far.
        self.gone: set[tuple[JobState, JobState]] = set()
        self.logged: dict[int, JobState] = {}
        self.last_event = 0
        self.ahead = timedelta()
        self.destinations = {"pacs": Destination(), "archive": Destination()}
        self.queues = {name: self.queue_of(name) for name in self.destinations}

    def queue_of(self, name: str) -> DestinationQueue:
        config = DestinationConfig(
            ae_title=name.upper(), host="127.0.0.1", port=1, storage_commitment=name == "archive", commitment_seconds=60
        )
        queue = DestinationQueue(
            name,
            config,
            self.database,
            self.folder,
            calling_ae_title="GANTRY",
            clock=lambda: datetime.now(timezone.utc) + self.ahead,
            draw=lambda: 0.0,
        )
        queue._sender = self.destinations[name]
        return queue

    # Few rules, each with many ways: so that histories get far.

    @initialize(stats=st.lists(st.booleans(), min_size=1, max_size=4))
    def begin(self, stats: list[bool]) -> None:
        for index, stat in enumerate(stats):
            self.make(APPS[index % 2], STUDIES[index % 3], stat)

    @precondition(lambda self: self.claims)
    @rule(which=numbers, way=st.sampled_from(LEADING_ON), names=names)
    def worker_leads_on(self, which: int, way: str, names: tuple[str, ...]) -> None:
        claim = self.claim_of(which)
        # Most workers do not forget a step.
        if way == "verify" or which % 4:
            self.verify(claim)
        if way == "refuse":
            self.refuse(claim)
        elif way != "verify":
            self.deliver_results(claim, way == "report a refusal", names)

    @rule(app=st.sampled_from(APPS), refused=st.booleans(), names=names)
    def worker_does_all_of_a_job(self, app: str, refused: bool, names: tuple[str, ...]) -> None:
        claims = len(self.claims)
        self.claim(app)
        if len(self.claims) > claims:
            self.verify(self.claims[-1])
            self.deliver_results(self.claims[-1], refused, names)

    @precondition(lambda self: self.claims)
    @rule(which=numbers, way=st.sampled_from(FAILING))
    def worker_fails(self, which: int, way: FailureKind | str) -> None:
        claim = self.claim_of(which)
        if which % 2:
            self.verify(claim)
        if isinstance(way, FailureKind):
            self.fail(claim, way)
        else:
            {"outdated": self.outdate, "stopped": self.give_back, "interrupted": self.end_interrupted}[way](claim)

    @precondition(lambda self: self.jobs)
    @rule(which=numbers, way=st.sampled_from(HAPPENING))
    def something_happens(self, which: int, way: str) -> None:
        if way == "lost lease":
            self.lose_lease(self.number(which))
        elif way == "restart":
            self.restart()
        else:
            self.let_time_pass()

    @precondition(lambda self: self.jobs)
    @rule(
        which=numbers,
        way=st.sampled_from(
            ["pause", "resume", "cancel", "retry", "redeliver", "supersede", "take back", "app", "app"]
        ),
        app=st.sampled_from(APPS),
    )
    def somebody_asks(self, which: int, way: str, app: str) -> None:
        number = self.number(which)
        if way in ("pause", "resume"):
            self.pause_or_resume(number, way == "pause")
        elif way == "app":
            self.pause_or_resume_app(app, app not in self.paused_apps)
        else:
            asked = {"cancel": self.cancel, "retry": self.retry, "redeliver": self.redeliver}
            ({"supersede": self.supersede_queued, "take back": self.take_back} | asked)[way](number)

    # What workers do.

    @precondition(lambda self: len(self.jobs) < 6)
    @rule(app=st.sampled_from(APPS), study=st.sampled_from(STUDIES), stat=st.booleans())
    def make(self, app: str, study: str, stat: bool) -> None:
        with self.database.write() as session:
            job = Job(
                study_instance_uid=study,
                app=app,
                app_version="1",
                input_digest=f"digest {len(self.jobs)}",
                sop_instance_uids=["1.2.3.4"],
                state=JobState.QUEUED,
                started=datetime.now(timezone.utc),
                stat=stat,
            )
            session.add(job)
            session.flush()
            self.jobs[job.id] = Expected(app, stat)

    @rule(app=st.sampled_from(APPS))
    def claim(self, app: str) -> None:
        now = datetime.now(timezone.utc)
        rows = self.rows()
        for row in rows.values():
            if row.app == app and row.lease_expires is not None and row.lease_expires < now:
                self.jobs[row.id].fail(FailureKind.LOST_LEASE)
        begun = {
            number: rows[number]
            for number, job in self.jobs.items()
            if job.app == app and job.state is JobState.QUEUED and not job.paused and app not in self.paused_apps
        }
        due = {number: row for number, row in begun.items() if row.not_before is None or row.not_before <= now}
        claim = jobs.claim(self.database, app, owner="worker", lease_seconds=600.0)
        if claim is None:
            assert not due
            return
        assert claim.job_id in due
        if not self.jobs[claim.job_id].stat and any(self.jobs[number].stat for number in due):
            assert rows[claim.job_id].overtaken == jobs.STAT_IN_A_ROW
        self.jobs[claim.job_id].go(JobState.RUNNING)
        self.jobs[claim.job_id].owner = claim.owner
        self.claims.append(claim)

    def verify(self, claim: Claim) -> None:
        self.lead_on(claim, JobState.VERIFYING, lambda: jobs.begin_verification(self.database, claim, ANALYSED))

    def deliver_results(self, claim: Claim, refused: bool, names: tuple[str, ...]) -> None:
        outcome = REFUSED if refused else ANALYSED
        files = [f"2.25.{claim.job_id}.{number}" for number in (1, 2)]
        deliveries = [NewDelivery(name, uid, SOP_CLASS, f"{claim.job_id}/{uid}.dcm") for name in names for uid in files]
        (self.folder / "outbox" / str(claim.job_id)).mkdir(parents=True, exist_ok=True)
        for delivery in deliveries:
            (self.folder / "outbox" / delivery.path).touch()
        self.lead_on(claim, JobState.DELIVERING, lambda: jobs.begin_delivery(self.database, claim, outcome, deliveries))

    def refuse(self, claim: Claim) -> None:
        self.lead_on(claim, JobState.REFUSED, lambda: jobs.refuse(self.database, claim, REFUSED))

    def fail(self, claim: Claim, kind: FailureKind) -> None:
        job = self.jobs[claim.job_id]
        self.if_held(
            claim,
            lambda: jobs.fail(self.database, claim, kind, "detail", maximum_attempts=MAXIMUM_ATTEMPTS),
            lambda: job.fail(kind),
        )

    def outdate(self, claim: Claim) -> None:
        job = self.jobs[claim.job_id]
        self.if_held(claim, lambda: jobs.supersede(self.database, claim), lambda: job.fail(FailureKind.OUTDATED))

    def give_back(self, claim: Claim) -> None:
        job = self.jobs[claim.job_id]
        self.if_held(
            claim,
            lambda: jobs.give_back(self.database, claim),
            lambda: job.go(JobState.CANCELLED if job.cancel_requested else JobState.QUEUED),
        )

    def end_interrupted(self, claim: Claim) -> None:
        job = self.jobs[claim.job_id]
        self.if_held(
            claim,
            lambda: jobs.end_interrupted(self.database, claim),
            lambda: job.go(JobState.CANCELLED) if job.cancel_requested else job.fail(FailureKind.LOST_LEASE),
        )

    # What befalls the node.

    def lose_lease(self, number: int) -> None:
        with self.database.write() as session:
            job = session.get_one(Job, number)
            if job.lease_expires is not None:
                job.lease_expires = NOW

    def restart(self) -> None:
        held = [job for job in self.jobs.values() if job.state in HELD]
        assert jobs.release_leases(self.database) == len(held)
        for job in held:
            job.fail(FailureKind.LOST_LEASE)

    def let_time_pass(self) -> None:
        self.ahead += timedelta(days=1)
        with self.database.write() as session:
            for job in session.scalars(select(Job).where(Job.not_before.is_not(None))):
                job.not_before = min(job.not_before or NOW, datetime.now(timezone.utc))

    # What people and readiness ask for.

    def pause_or_resume(self, number: int, paused: bool) -> None:
        job = self.jobs[number]
        if not paused:
            jobs.resume(self.database, number, asked_by="somebody")
        elif job.state is JobState.QUEUED or job.state in HELD:
            jobs.pause(self.database, number, asked_by="somebody")
        else:
            with pytest.raises(IllegalTransitionError):
                jobs.pause(self.database, number, asked_by="somebody")
            return
        job.paused = paused

    def pause_or_resume_app(self, app: str, paused: bool) -> None:
        change = jobs.pause_app if paused else jobs.resume_app
        assert change(self.database, app, asked_by="somebody") is ((app in self.paused_apps) is not paused)
        (self.paused_apps.add if paused else self.paused_apps.discard)(app)

    def cancel(self, number: int) -> None:
        job = self.jobs[number]
        if job.state is JobState.QUEUED:
            job.go(JobState.CANCELLED)
        elif job.state in HELD:
            job.cancel_requested = True
        else:
            with pytest.raises(IllegalTransitionError):
                jobs.cancel(self.database, number, asked_by="somebody")
            return
        assert jobs.cancel(self.database, number, asked_by="somebody") is job.state

    def retry(self, number: int) -> None:
        job = self.jobs[number]
        if job.state not in (JobState.FAILED, JobState.CANCELLED):
            with pytest.raises(IllegalTransitionError):
                jobs.retry(self.database, number, asked_by="somebody")
            return
        jobs.retry(self.database, number, asked_by="somebody")
        job.go(JobState.QUEUED)

    def redeliver(self, number: int) -> None:
        job = self.jobs[number]
        with self.database.read() as session:
            has_results = bool(session.get_one(Job, number).deliveries)
        if job.state in (JobState.DELIVERED, JobState.REFUSED) and has_results:
            with self.database.write() as session:
                redeliver(session, number, self.folder, asked_by="somebody")
            job.go(JobState.DELIVERING)
        else:
            with pytest.raises(IllegalTransitionError), self.database.write() as session:
                redeliver(session, number, self.folder, asked_by="somebody")

    def supersede_queued(self, number: int) -> None:
        job = self.jobs[number]
        with self.database.write() as session:
            done = jobs.supersede_queued(session, session.get_one(Job, number))
        assert done is (job.state is JobState.QUEUED)
        if done:
            job.go(JobState.CANCELLED)
            job.gave_way = True

    def take_back(self, number: int) -> None:
        job = self.jobs[number]
        with self.database.write() as session:
            assert jobs.take_back_outdated(session, session.get_one(Job, number)) is job.gave_way
        if job.gave_way:
            job.go(JobState.QUEUED)

    # What destinations do.

    @rule(
        name=st.sampled_from(["pacs", "archive"]),
        behaviour=st.sampled_from(BEHAVING),
    )
    def send(self, name: str, behaviour: str) -> None:
        self.destinations[name].behaviour = behaviour
        # First the results, then, where that is due, the request to commit itself to them.
        while self.queues[name].deliver_due() and behaviour == "stores":
            pass
        self.expect_deliveries()

    @rule(good=st.booleans(), partly=st.booleans())
    def report(self, good: bool, partly: bool) -> None:
        transactions = self.destinations["archive"].transactions
        if not transactions:
            return
        uid, asked = next(reversed(transactions.items()))
        told = set(list(asked)[: 1 if partly else None])
        assert take_commitment_report(
            self.database, uid, told if good else set(), {} if good else dict.fromkeys(told, 0x0112)
        )
        self.expect_deliveries()

    # What has to be true after each step.

    @invariant()
    def database_is_as_the_model_says(self) -> None:
        rows = self.rows()
        assert {number: row.state for number, row in rows.items()} == {
            number: job.state for number, job in self.jobs.items()
        }
        for number, job in self.jobs.items():
            row = rows[number]
            assert (row.lease_owner, row.paused, row.cancel_requested) == (job.owner, job.paused, job.cancel_requested)
            assert {FailureKind(kind): count for kind, count in row.failures.items()} == job.failures
            assert (row.finished is not None) is row.state.is_final
        owners = [row.lease_owner for row in rows.values() if row.lease_owner is not None]
        assert len(owners) == len(set(owners))

    @invariant()
    def log_has_every_change_and_none_beside_the_diagram(self) -> None:
        names = [state.value for state in JobState]
        new = select(Event).where(Event.kind.in_(names), Event.id > self.last_event).order_by(Event.id)
        with self.database.read() as session:
            for event in session.scalars(new):
                before, after = JobState(event.data["before"]), JobState(event.kind)
                assert event.job_id is not None
                assert self.logged.get(event.job_id, JobState.QUEUED) is before
                assert after in TRANSITIONS[before]
                self.logged[event.job_id] = after
                self.gone.add((before, after))
                self.last_event = event.id
        assert {number: self.logged.get(number, JobState.QUEUED) for number in self.jobs} == {
            number: job.state for number, job in self.jobs.items()
        }

    @invariant()
    def delivered_means_that_everything_has_arrived(self) -> None:
        with self.database.read() as session:
            for row in session.scalars(select(Delivery)):
                job = self.jobs[row.job_id]
                assert job.state in (JobState.DELIVERING, JobState.DELIVERED, JobState.REFUSED)
                if job.state is not JobState.DELIVERING:
                    assert row.delivered is not None
                if row.delivered is not None and row.destination == "archive":
                    assert row.committed is not None

    @invariant()
    def attempts_are_bounded(self) -> None:
        for job in self.jobs.values():
            counted = sum(count for kind, count in job.failures.items() if kind in RETRIES and RETRIES[kind].counted)
            # A job that a person has cancelled meanwhile may have failed once more.
            assert counted <= MAXIMUM_ATTEMPTS + 1

    def check(self) -> None:
        self.database_is_as_the_model_says()
        self.log_has_every_change_and_none_beside_the_diagram()
        self.delivered_means_that_everything_has_arrived()
        self.attempts_are_bounded()

    def teardown(self) -> None:
        """From here on everything goes well: then every job ends."""
        try:
            for app in tuple(self.paused_apps):
                self.pause_or_resume_app(app, False)
            for number in self.jobs:
                self.pause_or_resume(number, False)
            self.restart()
            for _ in range(3 * len(self.jobs) + 5):
                if all(job.state.is_final for job in self.jobs.values()):
                    break
                self.let_time_pass()
                for app in APPS:
                    self.worker_does_all_of_a_job(app, False, ("pacs", "archive"))
                for name in self.queues:
                    self.send(name, "stores")
                self.report(True, False)
                self.database_is_as_the_model_says()
            assert all(job.state.is_final for job in self.jobs.values())
            self.log_has_every_change_and_none_beside_the_diagram()
        finally:
            self.database.close()
            shutil.rmtree(self.folder)

    def lead_on(self, claim: Claim, state: JobState, change: Callable[[], Any]) -> None:
        job = self.jobs[claim.job_id]
        if job.owner != claim.owner:
            with pytest.raises(LostLeaseError):
                change()
        elif job.cancel_requested:
            with pytest.raises(CancelRequestedError):
                change()
        elif state not in TRANSITIONS[job.state]:
            with pytest.raises(IllegalTransitionError):
                change()
        else:
            change()
            job.go(state)

    def if_held(self, claim: Claim, change: Callable[[], Any], expected: Callable[[], Any]) -> None:
        if self.jobs[claim.job_id].owner != claim.owner:
            with pytest.raises(LostLeaseError):
                change()
            return
        change()
        expected()

    def expect_deliveries(self) -> None:
        with self.database.read() as session:
            for number, job in self.jobs.items():
                row = session.get_one(Job, number)
                if job.state is JobState.DELIVERING and all(item.delivered for item in row.deliveries):
                    job.go(JobState.REFUSED if row.reason else JobState.DELIVERED)

    def claim_of(self, which: int) -> Claim:
        """Mostly one that holds, now and then an old one."""
        holding = [claim for claim in self.claims if self.jobs[claim.job_id].owner == claim.owner]
        choice = self.claims if which % 6 == 5 or not holding else holding
        return choice[which % len(choice)]

    def number(self, which: int) -> int:
        return list(self.jobs)[which % len(self.jobs)]

    def rows(self) -> dict[int, Job]:
        with self.database.read() as session:
            return {row.id: row for row in session.scalars(select(Job))}


JobsAndOutbox.TestCase.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=50,
    deadline=None,
    # `make test` always tries the same histories; more of them are others each time.
    derandomize="STATE_MACHINE_EXAMPLES" not in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
TestJobsAndOutbox = JobsAndOutbox.TestCase


def test_histories_drawn_evenly_go_every_way_of_the_diagram() -> None:
    all_ways = {(before, after) for before, states in TRANSITIONS.items() for after in states}
    gone: set[tuple[JobState, JobState]] = set()
    histories = 0
    while histories < EXAMPLES or (gone != all_ways and histories < EXAMPLES + 50):
        machine = JobsAndOutbox()
        draw(machine, random.Random(histories), steps=110)
        machine.teardown()
        gone |= machine.gone
        histories += 1
    assert gone == all_ways


def draw(machine: JobsAndOutbox, chance: random.Random, steps: int) -> None:
    machine.begin([False, True, False])
    machine.claim(APPS[0])
    # What is paused makes long histories in which little happens: those are Hypothesis's.
    asking = [way for way in ASKING if way not in ("app", "pause")]
    ways: list[Callable[[], None]] = [
        lambda: machine.claim(chance.choice(APPS)),
        lambda: machine.worker_leads_on(chance.randrange(30), chance.choice(LEADING_ON), chance.choice(PAIRS)),
        lambda: machine.worker_does_all_of_a_job(chance.choice(APPS), chance.random() < 0.5, chance.choice(PAIRS)),
        lambda: machine.worker_fails(chance.randrange(30), chance.choice(FAILING)),
        lambda: machine.something_happens(chance.randrange(30), chance.choice(HAPPENING)),
        lambda: machine.somebody_asks(chance.randrange(30), chance.choice(asking), chance.choice(APPS)),
        lambda: machine.send(chance.choice(list(machine.destinations)), chance.choice(BEHAVING)),
        lambda: machine.report(chance.random() < 0.7, chance.random() < 0.3),
    ]
    # Every history has its own mind, so that some of them fail much, are cancelled much, or get far.
    weights = [chance.choice((1, 2, 8)) for _ in ways]
    for _ in range(steps):
        if not any(job.state is JobState.QUEUED for job in machine.jobs.values()):
            machine.make(chance.choice(APPS), chance.choice(STUDIES), chance.random() < 0.5)
        if chance.random() < 0.3:
            machine.let_time_pass()
        (way,) = chance.choices(ways, weights)
        way()
        machine.check()
