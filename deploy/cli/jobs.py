"""``gantry jobs``: what the apps did, job by job."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import open_index, read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from deploy.node.database import Job

commands = typer.Typer(help="The node's jobs.", no_args_is_help=True)

JobNumber = Annotated[int, typer.Argument(metavar="JOB", help="The job's number: see 'gantry jobs list'.")]


@commands.command("list")
def list_jobs(
    config: ConfigFile = DEFAULT_CONFIG,
    state: Annotated[str, typer.Option(help="Only jobs in this state.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="How many of the newest jobs.")] = 50,
) -> None:
    """List the newest jobs, newest first."""
    from sqlalchemy import select
    from sqlalchemy.orm import joinedload

    from deploy.cli.screen import local_time, show_list, state_text
    from deploy.node.database import Job, JobState

    if state and state not in [item.value for item in JobState]:
        fail(f"there is no state {state!r}; the states are: {', '.join(item.value for item in JobState)}")
    query = select(Job).options(joinedload(Job.study)).order_by(Job.id.desc()).limit(limit)
    if state:
        query = query.where(Job.state == JobState(state))
    with open_index(config).read() as session:
        show_list(
            ("job", "app", "patient ID", "accession", "state", "reason", "attempts", "made", "finished"),
            [
                (
                    job.id,
                    f"{job.app} {job.app_version}",
                    job.study.patient_id,
                    job.study.accession_number,
                    state_text(job.state.value) + (" (paused)" if job.paused else ""),
                    job.reason,
                    job.attempts,
                    local_time(job.started),
                    local_time(job.finished),
                )
                for job in session.scalars(query)
            ],
        )


@commands.command("show")
def show_job(job: JobNumber, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Show one job: its input, what happened, and where its results are."""
    from pydicom.uid import UID
    from sqlalchemy import select

    from deploy.cli.screen import local_time, show_fields, show_list, show_table
    from deploy.node.database import Event

    with open_index(config).read() as session:
        found = _job(session, job)
        show_fields(
            {
                "app": f"{found.app} {found.app_version}",
                "state": found.state.value + (", paused" if found.paused else ""),
                "priority": "STAT" if found.stat else "",
                "reason": found.reason,
                "detail": found.detail,
                "attempts": found.attempts,
                "failures": ", ".join(f"{kind} {count}x" for kind, count in found.failures.items()),
                "next attempt": local_time(found.not_before) if not found.state.is_final else "",
                "made": local_time(found.started),
                "finished": local_time(found.finished),
                "patient ID": found.study.patient_id,
                "accession number": found.study.accession_number,
                "study": found.study_instance_uid,
                "input": f"{len(found.sop_instance_uids)} instances, digest {found.input_digest}",
            },
            title=f"Job {found.id}",
        )
        show_list(
            ("object", "SOP class", "destination", "SOP instance UID", "attempts", "delivered", "last answer"),
            [
                (
                    item.path,
                    UID(item.sop_class_uid).name,
                    item.destination,
                    item.sop_instance_uid,
                    item.attempts,
                    local_time(item.delivered),
                    item.status,
                )
                for item in found.deliveries
            ],
            title="\nDeliveries",
        )
        events = session.scalars(select(Event).where(Event.job_id == job).order_by(Event.id))
        show_table(
            ("time", "event", "what happened"),
            [(local_time(event.at), event.kind, event.text) for event in events],
            title="\nEvents",
        )


@commands.command("pause")
def pause_job(job: JobNumber, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Do not begin a job, or not again, until it is resumed; a run under way goes on."""
    from deploy.node.jobs import IllegalTransitionError, UnknownJobError, pause

    with explained(UnknownJobError, IllegalTransitionError):
        pause(open_index(config), job, asked_by=getpass.getuser())
    typer.echo(f"job {job} is paused")


@commands.command("resume")
def resume_job(job: JobNumber, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a paused job begin."""
    from deploy.node.jobs import UnknownJobError, resume

    with explained(UnknownJobError):
        resume(open_index(config), job, asked_by=getpass.getuser())
    typer.echo(f"job {job} is not paused")


@commands.command("cancel")
def cancel_job(job: JobNumber, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """End a job whose results are not on their way yet; a run under way is ended by the node within a second."""
    from deploy.node.database import JobState
    from deploy.node.jobs import IllegalTransitionError, UnknownJobError, cancel

    with explained(UnknownJobError, IllegalTransitionError):
        state = cancel(open_index(config), job, asked_by=getpass.getuser())
    typer.echo(f"job {job} is cancelled" if state is JobState.CANCELLED else f"the node is asked to end job {job}")


@commands.command("retry")
def retry_job(job: JobNumber, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Queue a failed or cancelled job again, with all its attempts before it."""
    from deploy.node.jobs import IllegalTransitionError, UnknownJobError, retry

    with explained(UnknownJobError, IllegalTransitionError):
        retry(open_index(config), job, asked_by=getpass.getuser())
    typer.echo(f"job {job} is queued again")


@commands.command("redeliver")
def redeliver_job(job: JobNumber, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Send a job's results to its destinations once more; running it again would give the same objects."""
    from deploy.node.jobs import IllegalTransitionError, UnknownJobError
    from deploy.node.outbox import redeliver

    data_folder = read_config(config).data_folder
    with (
        explained(UnknownJobError, IllegalTransitionError, FileNotFoundError),
        open_index(config).write() as session,
    ):
        count = redeliver(session, job, data_folder, asked_by=getpass.getuser())
    typer.echo(f"{count} objects of job {job} are to be delivered again")


def _job(session: Session, number: int) -> Job:
    from deploy.node.database import Job

    found = session.get(Job, number)
    if found is None:
        fail(f"there is no job {number}; see 'gantry jobs list'")
    return found
