"""``gantry studies`` and ``gantry jobs`` over a node's database."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest

from deploy.cli.screen import console
from deploy.node.database import FILE_NAME, Delivery, Event, Instance, Job, JobState, Study, open_database
from operators.outcome import Figure, Gate
from tests.deploy.cli.conftest import Gantry

STUDY = "2.25.1"
MOMENT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=timezone.utc)
EVIDENCE = {"quiet": 5.1, "receiving": False, "counts": [{"source": "the archive pacs", "instances": 2}]}

DECISIONS = [
    {
        "series_instance_uid": "2.25.11",
        "series_description": "T2 FLAIR",
        "role": "flair",
        "chosen": True,
        "reason": "the only one that fits",
    },
    {
        "series_instance_uid": "2.25.12",
        "series_description": "Localizer",
        "role": "flair",
        "chosen": False,
        "reason": "a localizer",
    },
]
GATES = [
    Gate(
        code="geometry-gate",
        name="Slice geometry",
        subject="T2-FLAIR (5 FLAIR)",
        passed=False,
        reason="missing-slice",
        detail="2 of 22 slices are missing",
        figures=(Figure(code="112226", name="Spacing between slices", value=3.3, unit="mm"),),
    ).model_dump(mode="json")
]


@pytest.fixture
def node(config: Path) -> Path:
    """The configuration of a node that received one study and failed to analyse it."""
    database = open_database(config.parent / "data")
    with database.write() as session:
        session.add(
            Study(
                study_instance_uid=STUDY,
                patient_id="P-0815",
                patient_name="Müller^Jürgen",
                accession_number="A-1",
                study_date="20260304",
                description="MR head",
                first_received=MOMENT,
                last_received=MOMENT,
                decided=MOMENT,
                outcome="mr_white_matter_lesions: not analysed: the app took too long",
            )
        )
        session.flush()
        for number in (1, 2):
            session.add(
                Instance(
                    study_instance_uid=STUDY,
                    series_instance_uid="2.25.11",
                    sop_instance_uid=f"2.25.11.{number}",
                    sop_class_uid="1.2.840.10008.5.1.4.1.1.4",
                    transfer_syntax_uid="1.2.840.10008.1.2.1",
                    path=f"{number}.dcm",
                    sha256="00",
                    size=1,
                    calling_ae_title="MR1",
                    received=MOMENT,
                )
            )
        job = Job(
            study_instance_uid=STUDY,
            app="mr_white_matter_lesions",
            app_version="0.1.0",
            input_digest="ab" * 32,
            sop_instance_uids=["2.25.11.1", "2.25.11.2"],
            state=JobState.FAILED,
            reason="timed-out",
            detail="no answer after 900 s",
            attempts=3,
            started=MOMENT,
            finished=MOMENT,
        )
        session.add(job)
        session.flush()
        session.add(
            Delivery(
                job_id=job.id,
                destination="pacs",
                sop_instance_uid="2.25.99",
                sop_class_uid="1.2.840.10008.5.1.4.1.1.66.4",
                path="1/lesions.dcm",
                not_before=MOMENT,
                attempts=4,
                status="A700 refused: out of resources",
            )
        )
        for kind, text, data in (
            ("ready", "quiet", {"app": "mr_white_matter_lesions", "evidence": EVIDENCE}),
            ("selected", "mr_white_matter_lesions on 2 instances", {"decisions": DECISIONS}),
            ("job-verifying", "not analysed", {"gates": GATES}),
            ("job-failed", "failed: the app took too long", {}),
        ):
            session.add(Event(at=MOMENT, kind=kind, study_instance_uid=STUDY, job_id=job.id, text=text, data=data))
    database.close()
    return config


def test_studies_are_listed_with_patient_accession_and_outcome(gantry: Gantry, node: Path) -> None:
    result = gantry("studies", "list", "--config", node)
    assert result.exit_code == 0
    for text in ("Müller, Jürgen", "P-0815", "A-1", "not analysed: the app took too long", STUDY):
        assert text in result.stdout


@pytest.mark.parametrize("name", [STUDY, "A-1"])
def test_a_study_is_shown_with_every_decision_and_its_reason(gantry: Gantry, node: Path, name: str) -> None:
    result = gantry("studies", "show", name, "--config", node)
    assert result.exit_code == 0
    for text in ("MR Image Storage", "MR1", "a localizer", "the only one that fits", "selected", "job-failed"):
        assert text in result.stdout
    for text in ("quiet: 5.1", "receiving: no", "counts: source the archive pacs, instances 2"):
        assert text in result.stdout


def test_a_study_is_shown_with_its_gates_and_their_figures(gantry: Gantry, node: Path) -> None:
    result = gantry("studies", "show", STUDY, "--config", node)
    assert result.exit_code == 0
    for text in ("Gates of job 1", "T2-FLAIR (5 FLAIR)", "missing-slice", "2 of 22 slices", "slices 3.3 mm"):
        assert text in result.stdout, text


def test_series_are_told_for_each_app_that_chose_them(gantry: Gantry, node: Path) -> None:
    """Two apps with a role of one name decide alike: each is told, and once."""
    database = open_database(node.parent / "data")
    with database.write() as session:
        for kind, job, data in (
            ("selected", None, {"app": "other_app", "decisions": DECISIONS}),
            ("job-verifying", 1, {"decisions": DECISIONS}),
        ):
            event = Event(at=MOMENT, kind=kind, study_instance_uid=STUDY, job_id=job, text="told again", data=data)
            session.add(event)
    database.close()
    shown = gantry("studies", "show", STUDY, "--config", node).stdout
    assert shown.count("Series for mr_white_matter_lesions") == shown.count("Series for other_app") == 1


@pytest.mark.parametrize("width", [60, 80, 240])
def test_lists_break_no_value_however_narrow_the_terminal_is(
    gantry: Gantry, node: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setattr(console, "width", width)
    studies = gantry("studies", "list", "--config", node).stdout
    jobs = gantry("jobs", "list", "--config", node).stdout
    assert max(map(len, (studies + jobs).splitlines())) <= width
    for value in ("Müller, Jürgen", "P-0815", "2026-03-04", STUDY):
        assert value in studies
    for value in ("mr_white_matter_lesions 0.1.0", "timed-out", "P-0815", "A-1", "failed"):
        assert value in jobs
    assert (jobs.splitlines()[0] == "job 1") == (width < 240)


def test_an_unknown_study_is_named(gantry: Gantry, node: Path) -> None:
    result = gantry("studies", "show", "A-2", "--config", node)
    assert result.exit_code == 1
    assert "'A-2'" in result.stderr


def test_jobs_are_listed_and_filtered_by_state(gantry: Gantry, node: Path) -> None:
    assert "timed-out" in gantry("jobs", "list", "--config", node).stdout
    assert "timed-out" not in gantry("jobs", "list", "--state", "queued", "--config", node).stdout
    wrong = gantry("jobs", "list", "--state", "sleeping", "--config", node)
    assert wrong.exit_code == 1
    assert "queued, running" in wrong.stderr


def test_a_job_is_shown_with_detail_deliveries_and_events(gantry: Gantry, node: Path) -> None:
    result = gantry("jobs", "show", 1, "--config", node)
    assert result.exit_code == 0
    for text in ("no answer after 900 s", "A700 refused: out of resources", "failed: the app took too long"):
        assert text in result.stdout


def test_a_failed_job_is_queued_again_once(gantry: Gantry, node: Path) -> None:
    assert gantry("jobs", "retry", 1, "--config", node).exit_code == 0
    assert "queued" in gantry("jobs", "list", "--state", "queued", "--config", node).stdout
    again = gantry("jobs", "retry", 1, "--config", node)
    assert again.exit_code == 1
    assert "only a failed or cancelled job" in again.stderr


def test_an_unknown_job_is_named(gantry: Gantry, node: Path) -> None:
    for command in ("show", "retry"):
        result = gantry("jobs", command, 7, "--config", node)
        assert result.exit_code == 1
        assert "no job 7" in result.stderr


def test_a_node_that_never_ran_is_no_traceback(gantry: Gantry, config: Path) -> None:
    result = gantry("studies", "list", "--config", config)
    assert result.exit_code == 1
    assert "gantry serve" in result.stderr
    assert not (config.parent / "data").exists()


def test_a_damaged_index_is_no_traceback(gantry: Gantry, config: Path) -> None:
    folder = config.parent / "data"
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    result = gantry("studies", "list", "--config", config)
    assert result.exit_code == 1
    assert "gantry recover" in result.stderr
