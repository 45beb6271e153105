"""The worker: takes one app's jobs, one after another, from the queue to the outbox."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from deploy.node import jobs
from deploy.node.bell import Bell
from deploy.node.config import AppConfig
from deploy.node.database import Database, Delivery, Instance, Job, JobState
from deploy.node.durable import move_folder
from deploy.node.engines import Engine, EngineClosedError, EngineError, RunInterruptedError
from deploy.node.events import log, log_failure
from deploy.node.failure import FailureKind
from deploy.node.job_input import JobInput, job_input, lay_out
from deploy.node.jobs import RETRIES, CancelRequestedError, Claim, LostLeaseError, NewDelivery, Retry
from deploy.node.outbox import FOLDER_NAME as OUTBOX
from deploy.node.outbox import addressees
from deploy.node.recover.results import save_origin
from deploy.node.route import RoutedApp
from deploy.node.spool import Spool
from deploy.node.verify import KnownInstance, ResultObject, VerificationError, verify_results
from operators.outcome import Outcome
from operators.provenance import Analysis, input_digest

FOLDER_NAME = "work"
"""Inputs and outputs of the runs under way, below the data folder; nothing in it outlives its run."""

_NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Worker:
    """Works on the jobs of one app, one after another; others may do so beside it, each with a ``slot`` of its own.

    It begins nothing while ``has_room`` says that the disk has none left. A crash at any point repeats safely: the same
    input gives the same results.
    """

    def __init__(
        self,
        app: RoutedApp,
        config: AppConfig,
        database: Database,
        spool: Spool,
        engine: Engine,
        data_folder: Path,
        *,
        lease_seconds: float,
        on_results: Callable[[], None],
        slot: int = 0,
        has_room: Callable[[], bool] = lambda: True,
        retries: Mapping[FailureKind, Retry] = RETRIES,
    ) -> None:
        self.bell = Bell()
        self._app = app
        self._name = app.manifest.application.name
        self._config = config
        self._database = database
        self._spool = spool
        self._engine = engine
        self._work = data_folder / FOLDER_NAME
        self._outbox = data_folder / OUTBOX
        self._lease_seconds = lease_seconds
        self._on_results = on_results
        self._retries = retries
        self._slot = slot
        self._has_room = has_room
        gib = config.memory_limit_gib
        self._memory_limit = None if gib is None else int(gib * 2**30)
        self.name = f"worker of {self._name}" + (f", slot {slot}" if slot else "")
        self._owner = f"{socket.gethostname()[:32]}:{os.getpid()}:{uuid4().hex[:8]}"

    def run(self, stop: threading.Event) -> None:
        """Warm the engine up, then work until ``stop`` is set."""
        try:
            self._engine.warm(self._name, device=self._config.device, slot=self._slot)
        except EngineClosedError:
            return
        except (EngineError, OSError) as failure:
            # The first job will find it out again, and is where it is kept.
            log("not-ready", f"{self._name} cannot be started: {failure}")
        self.bell.work_until(stop, self.work_once)

    def work_once(self) -> bool:
        """Work on the next due job, if there is one; return whether there was."""
        if not self._has_room():
            return False
        claim = jobs.claim(self._database, self._name, owner=self._owner, lease_seconds=self._lease_seconds)
        if claim is None:
            return False
        # Unique to the claim: one that has lost its lease must not touch the next one's.
        folder = self._work / f"{claim.job_id}-{claim.owner.rpartition(':')[2]}"
        try:
            with jobs.hold(self._database, claim, self._lease_seconds) as interrupted:
                self._attempt(claim, folder, interrupted)
        except LostLeaseError as error:
            log("lease-lost", str(error), job=claim.job_id)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        return True

    def _attempt(self, claim: Claim, folder: Path, interrupted: threading.Event) -> None:
        try:
            self._analyse(claim, folder, interrupted)
        except EngineClosedError:
            jobs.give_back(self._database, claim)
        except (RunInterruptedError, CancelRequestedError):
            # What is no longer this worker's to end may have results of another's already.
            if jobs.end_interrupted(self._database, claim) is JobState.CANCELLED:
                shutil.rmtree(self._outbox / str(claim.job_id), ignore_errors=True)
        except EngineError as failure:
            self._fail(claim, failure.kind, failure.detail)
        except VerificationError as error:
            self._fail(claim, FailureKind.VERIFICATION, str(error))
        except OSError as error:
            self._fail(claim, FailureKind.DISK_FULL if error.errno in _NO_SPACE else FailureKind.STORAGE, str(error))
        except (LostLeaseError, SQLAlchemyError):
            raise
        # Whatever is wrong with this job or with us, the others are to be worked on.
        except Exception as error:
            log_failure("job-failed", f"job {claim.job_id} failed in the node", job=claim.job_id)
            self._fail(claim, FailureKind.NODE, f"{type(error).__name__}: {error}")

    def _fail(self, claim: Claim, kind: FailureKind, detail: str) -> None:
        jobs.fail(
            self._database,
            claim,
            kind,
            detail,
            maximum_attempts=self._config.maximum_attempts,
            retries=self._retries,
        )

    def _analyse(self, claim: Claim, folder: Path, interrupted: threading.Event) -> None:
        # After an update or with other settings the job's identifiers would be wrong for what comes out.
        if (
            input_digest(self._app.manifest.algorithm, self._app.settings, claim.sop_instance_uids)
            != claim.input_digest
        ):
            jobs.supersede(self._database, claim)
            return
        with self._database.read() as session:
            given = job_input(session, self._spool, claim.study_instance_uid, claim.sop_instance_uids)
        shutil.rmtree(folder, ignore_errors=True)
        priors = lay_out(given, folder / "input", folder / "priors")
        results = folder / "output"
        results.mkdir()
        outcome = self._engine.run(
            self._name,
            folder / "input",
            results,
            device=self._config.device,
            settings=self._app.settings,
            started=claim.started,
            timeout=self._config.timeout_seconds or self._app.manifest.resources.timeout,
            memory_limit=self._memory_limit,
            slot=self._slot,
            interrupted=interrupted,
            replaces=claim.replaces,
            priors_folder=priors,
        )
        jobs.begin_verification(self._database, claim, outcome)
        # About an input that cannot be read at all no report can be written.
        if outcome.status == "refused" and not (outcome.files and self._config.report_refusals):
            jobs.refuse(self._database, claim, outcome)
            return
        objects = self._verify(claim, outcome, results, given)
        deliveries = self._deliveries(claim, objects)
        save_origin(results, claim, self._app.manifest.application.version, deliveries)
        move_folder(results, self._outbox / str(claim.job_id))
        jobs.begin_delivery(self._database, claim, outcome, deliveries)
        self._on_results()

    def _verify(self, claim: Claim, outcome: Outcome, results: Path, given: JobInput) -> tuple[ResultObject, ...]:
        study = claim.study_instance_uid
        received = select(
            Instance.sop_instance_uid, Instance.sop_class_uid, Instance.series_instance_uid, Instance.study_instance_uid
        ).where(Instance.study_instance_uid.in_((study, *given.priors)), Instance.conflicting.is_(False))
        earlier = (
            select(Delivery.sop_instance_uid, Delivery.sop_class_uid).join(Job).where(Job.study_instance_uid == study)
        )
        with self._database.read() as session:
            # The series of an earlier result is not kept.
            known = {uid: KnownInstance(kind, None, study) for uid, kind in session.execute(earlier)}
            rows = session.execute(received)
            known |= {uid: KnownInstance(kind, series, where) for uid, kind, series, where in rows}
        analysis = Analysis(self._app.manifest.algorithm, claim.input_digest, claim.started, replaces=claim.replaces)
        return verify_results(results, outcome, analysis, sources=given.study, known=known)

    def _deliveries(self, claim: Claim, objects: Sequence[ResultObject]) -> list[NewDelivery]:
        with self._database.read() as session:
            destinations = addressees(
                session, claim.study_instance_uid, claim.sop_instance_uids, self._config.destinations
            )
        return [
            NewDelivery(destination, item.sop_instance_uid, item.sop_class_uid, f"{claim.job_id}/{item.name}")
            for destination in destinations
            for item in objects
        ]
