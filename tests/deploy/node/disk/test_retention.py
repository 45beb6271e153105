"""Retention: what goes, what stays, and what a kill at any point leaves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from deploy.node.database import CommitmentRequest, Event, Instance, JobState, PriorStudy, Study
from deploy.node.disk import trash
from tests.deploy.node.disk.kept import MR, Kept, ago, delivery


@pytest.fixture
def kept(tmp_path: Path) -> Kept:
    return Kept(tmp_path)


def test_nothing_is_deleted_unless_configured(kept: Kept) -> None:
    uid = kept.add_study(1, age=1000)
    assert kept.retention(delivered=None, other=None).clean() == 0
    assert kept.rows(uid) == len(kept.images(uid)) == 2


def test_what_rests_long_enough_goes_with_its_results_and_stays_known(kept: Kept) -> None:
    old, young = kept.add_study(1, age=9), kept.add_study(2, age=9)
    size = sum(path.stat().st_size for path in (kept.spool.folder / old).glob("*/*"))
    gone = kept.add_job(old, JobState.DELIVERED, age=3, deliveries=[delivery("1.1")])
    stays = kept.add_job(young, JobState.DELIVERED, age=0.5, deliveries=[delivery("1.2")])
    assert kept.retention(other=None).clean() == 1
    assert (kept.images(old), kept.rows(old), kept.deleted(old)) == ([], 0, True)
    assert (len(kept.images(young)), kept.rows(young), kept.deleted(young)) == (2, 2, False)
    assert kept.results() == {stays} != {gone}
    assert not (kept.spool.folder / old).exists()
    with kept.database.read() as session:
        event = session.scalars(select(Event).where(Event.kind == "study-deleted")).one()
        assert event.data["instances"] == 2
        # Without the File Meta Information.
        assert size - 2 * 1000 < int(str(event.data["bytes"])) < size
        assert session.get_one(Study, old).jobs[0].state is JobState.DELIVERED
    assert kept.restart() == 0


@pytest.mark.parametrize("state", [JobState.REFUSED, JobState.FAILED, JobState.CANCELLED, None])
def test_studies_without_results_have_a_time_of_their_own(kept: Kept, state: JobState | None) -> None:
    uid = kept.add_study(1, age=5)
    if state is not None:
        kept.add_job(uid, state, age=5)
    assert kept.retention(delivered=1, other=None).clean() == 0
    assert kept.retention(delivered=1, other=6).clean() == 0
    assert kept.retention(delivered=None, other=4).clean() == 1


def test_a_job_that_gave_way_does_not_count(kept: Kept) -> None:
    uid = kept.add_study(1, age=5)
    kept.add_job(uid, JobState.FAILED, age=5, reason="outdated")
    kept.add_job(uid, JobState.DELIVERED, age=5)
    assert kept.retention(delivered=4, other=None).clean() == 1


def test_images_that_came_last_are_not_lost(kept: Kept) -> None:
    """Acknowledged and in the spool, but not in the index yet; or on their way."""
    unindexed, receiving = kept.add_study(1, age=5), kept.add_study(2, age=5)
    kept.store(1, 7, index=False)
    assert kept.retention(receiving=receiving).clean() == 0
    assert len(kept.images(unindexed)) == 3
    assert kept.rows(receiving) == 2


def test_conflicting_copies_wait_for_a_person(kept: Kept) -> None:
    uid = kept.add_study(1)
    kept.store(1, 0, content="other pixels")
    with kept.database.write() as session:
        study = session.get_one(Study, uid)
        study.last_received = study.decided = ago(9)
    assert kept.retention().clean() == 0
    deleted = kept.retention().delete(uid, asked_by="somebody")
    assert deleted is not None
    assert deleted.instances == 3


def test_a_person_cannot_delete_what_is_needed(kept: Kept) -> None:
    uid = kept.add_study(1, decided=False, age=9)
    assert kept.retention().delete(uid, asked_by="somebody") is None
    assert kept.retention().delete("1.2.99", asked_by="somebody") is None
    assert not (kept.spool.folder / "1.2.99").exists()


def test_images_that_come_again_are_a_fresh_arrival(kept: Kept) -> None:
    uid = kept.add_study(1, age=5)
    assert kept.retention().clean() == 1
    kept.store(1, 0)
    with kept.database.read() as session:
        study = session.get_one(Study, uid)
        assert (study.deleted, study.decided, len(study.instances)) == (None, None, 1)


def test_torn_files_go_with_the_others(kept: Kept) -> None:
    torn = kept.spool.folder / "torn" / "1.2.9" / "1.2.9.1" / "1.dcm"
    torn.parent.mkdir(parents=True)
    torn.write_bytes(b"half")
    kept.retention(other=1).clean()
    assert torn.exists()
    kept.retention(other=0).clean()
    assert not torn.exists()


class _KilledError(BaseException):
    pass


@pytest.mark.parametrize(
    ("step", "is_deleted"), [("move_to_trash", False), ("after the move", False), ("empty_trash", True)]
)
def test_a_kill_leaves_all_or_nothing(kept: Kept, monkeypatch: pytest.MonkeyPatch, step: str, is_deleted: bool) -> None:
    """The process ends at the beginning of a step, or before the commit; the next start settles it."""
    uid = kept.add_study(1, age=5)
    job = kept.add_job(uid, JobState.DELIVERED, age=5)

    def kill(*_: object) -> None:
        raise _KilledError

    def move_and_kill(*arguments: object) -> None:
        trash.move_to_trash(*arguments)  # type: ignore[arg-type]
        raise _KilledError

    module = "deploy.node.disk.retention"
    monkeypatch.setattr(f"{module}.take_back", lambda *_: None)  # a killed process cannot
    if step == "after the move":
        monkeypatch.setattr(f"{module}.move_to_trash", move_and_kill)
    else:
        monkeypatch.setattr(f"{module}.{step}", kill)
    with pytest.raises(_KilledError):
        kept.retention().clean()
    monkeypatch.undo()

    assert kept.restart() == 0
    assert kept.deleted(uid) == is_deleted
    assert kept.rows(uid) == len(kept.images(uid)) == (0 if is_deleted else 2)
    assert kept.results() == (set() if is_deleted else {job})
    assert list(kept.spool.folder.glob("deleted/*")) == list(kept.outbox.glob("deleted/*")) == []
    with kept.database.read() as session:
        assert session.scalars(select(Event).where(Event.kind == "file-gone")).all() == []
    assert kept.retention().clean() == (0 if is_deleted else 1)


def test_what_fails_on_the_way_is_put_back_at_once(kept: Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    uid = kept.add_study(1, age=5)
    job = kept.add_job(uid, JobState.DELIVERED, age=5)
    (kept.outbox / "deleted").write_text("in the way")
    assert kept.retention().clean() == 0
    assert kept.rows(uid) == len(kept.images(uid)) == 2
    assert kept.results() == {job}


def test_what_a_receiver_stored_while_the_node_died_is_kept_too(kept: Kept) -> None:
    uid = kept.add_study(1, age=5, images=2)
    series = kept.spool.folder / uid / f"{uid}.1"
    trash.move_to_trash(kept.spool.folder, [series])
    kept.store(1, 0, index=False)
    kept.store(1, 1, content="other pixels", index=False)
    assert kept.restart() == 1
    assert len(kept.images(uid)) == 3
    with kept.database.read() as session:
        found = session.scalars(select(Instance.conflicting).order_by(Instance.conflicting)).all()
    assert list(found) == [False, False, True]


@dataclass(frozen=True)
class State:
    """One study in any state."""

    age: float
    decided: bool
    jobs: tuple[tuple[JobState, float], ...]
    undelivered: bool
    uncommitted: bool
    conflicting: bool
    promised: bool
    prior_of_undecided: bool
    receiving: bool
    unindexed: bool


AGES = st.sampled_from([0.0, 2.0, 20.0])
RARELY = st.sampled_from([False, False, False, False, True])
STATES = st.builds(
    State,
    age=AGES,
    decided=st.sampled_from([True, True, True, False]),
    jobs=st.lists(
        st.tuples(st.sampled_from([*JobState, *[JobState.DELIVERED] * 8, *[JobState.REFUSED] * 4]), AGES), max_size=2
    ).map(tuple),
    undelivered=RARELY,
    uncommitted=RARELY,
    conflicting=RARELY,
    promised=RARELY,
    prior_of_undecided=RARELY,
    receiving=RARELY,
    unindexed=RARELY,
)


def may_go(state: State, delivered: float | None, other: float | None) -> bool:
    """The rule in words: docs/operations.md."""
    has_delivery = bool(state.jobs)
    if (
        not state.decided
        or any(not job.is_final for job, _ in state.jobs)
        or (has_delivery and (state.undelivered or state.uncommitted))
        or state.conflicting
        or state.promised
        or state.prior_of_undecided
        or state.receiving
        or state.unindexed
    ):
        return False
    all_delivered = bool(state.jobs) and all(job is JobState.DELIVERED for job, _ in state.jobs)
    keep = delivered if all_delivered else other
    return keep is not None and min([state.age, *(age for _, age in state.jobs)]) >= keep


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    states=st.lists(STATES, min_size=1, max_size=4),
    delivered=st.sampled_from([None, 0.0, 1.0, 10.0]),
    other=st.sampled_from([None, 0.0, 1.0, 10.0]),
)
def test_exactly_what_may_go_goes(states: list[State], delivered: float | None, other: float | None) -> None:
    names = (f"1.9.{number}" for number in count())
    with tempfile.TemporaryDirectory() as folder:
        kept = Kept(Path(folder))
        uids = [f"1.2.{number}" for number in range(len(states))]
        receiving = {uid for uid, state in zip(uids, states, strict=True) if state.receiving}
        for number, (uid, state) in enumerate(zip(uids, states, strict=True)):
            kept.add_study(number, images=1)
            for job, age in state.jobs:
                waits = delivery(next(names), delivered=not state.undelivered, asked=state.uncommitted)
                kept.add_job(uid, job, age=age, deliveries=[waits])
            if state.conflicting:
                kept.store(number, 0, content="other")
            if state.unindexed:
                kept.store(number, 8, index=False)
            with kept.database.write() as session:
                study = session.get_one(Study, uid)
                study.first_received = study.last_received = ago(state.age)
                study.decided = ago(state.age) if state.decided else None
                if state.promised:
                    session.add(
                        CommitmentRequest(
                            transaction_uid=next(names),
                            peer="peer",
                            calling_ae_title="PEER",
                            instances=[[MR, f"{uid}.1.0"]],
                            asked=ago(0),
                            not_before=ago(0),
                        )
                    )
                if state.prior_of_undecided:
                    later = Study(study_instance_uid=next(names), first_received=ago(0), last_received=ago(0))
                    session.add(later)
                    session.flush()
                    session.add(
                        PriorStudy(
                            study_instance_uid=later.study_instance_uid,
                            prior_study_instance_uid=uid,
                            archive="pacs",
                            asked=ago(0),
                        )
                    )
        retention = kept.retention(delivered=delivered, other=other)
        retention._is_receiving = receiving.__contains__
        retention.clean()
        for uid, state in zip(uids, states, strict=True):
            gone = may_go(state, delivered, other)
            assert kept.deleted(uid) == gone
            assert len(kept.images(uid)) == (0 if gone else 1 + state.conflicting + state.unindexed)
            assert kept.rows(uid) == (0 if gone else 1 + state.conflicting)
        left = {job for uid in uids for job in _jobs(kept, uid) if not kept.deleted(uid)}
        assert kept.results() == left
        kept.database.close()


def _jobs(kept: Kept, uid: str) -> list[int]:
    with kept.database.read() as session:
        return [job.id for job in session.get_one(Study, uid).jobs]
