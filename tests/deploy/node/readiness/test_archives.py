"""A real archive is asked: for its count, for what is missing, and for earlier studies to compare with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.uid import UID

from deploy.node.config import ArchiveConfig, NodeConfig, PriorsConfig, ReadinessConfig
from deploy.node.database import PriorStudy, open_database
from deploy.node.job_input import job_input, lay_out
from deploy.node.query import Archive
from deploy.node.readiness import archive_services
from deploy.node.routed_app import RoutedApp
from deploy.node.spool import Spool
from operators.manifest import InputRole
from operators.read.study import read_priors
from phantoms.identity import save, set_instance_uid
from tests.deploy.node.node import Examination, Node, uids_of
from tests.deploy.node.query import archives
from tests.deploy.node.readiness.test_apps import APP, app
from tests.peers import free_port
from tests.waiting import until

EARLIER = "2.25.7000"
DATES = {f"{EARLIER}1": "20200101", f"{EARLIER}2": "20230101", f"{EARLIER}3": "20990101"}
"""Earlier studies, and one that is later."""


@dataclass(frozen=True)
class Held:
    """An archive that holds the examination and other studies of the patient."""

    archive: Archive
    earlier: dict[str, tuple[Path, ...]]


@pytest.fixture(scope="module")
def held(examination: Examination, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Held]:
    folder = tmp_path_factory.mktemp("earlier")
    earlier = {uid: made_earlier(examination.flair, folder / uid, uid, date) for uid, date in DATES.items()}
    files = [*examination.paths, *(path for paths in earlier.values() for path in paths)]
    with archives.dcmqrscp(tmp_path_factory.mktemp("archive") / "data", files, free_port()) as running:
        yield Held(running, earlier)


def made_earlier(paths: tuple[Path, ...], folder: Path, uid: str, date: str) -> tuple[Path, ...]:
    """The same images as of another day, another study."""
    made = []
    for number, path in enumerate(paths, 1):
        image = dcmread(path)
        image.StudyInstanceUID, image.SeriesInstanceUID, image.StudyDate = UID(uid), UID(f"{uid}.1"), date
        set_instance_uid(image, UID(f"{uid}.1.{number}"))
        save(image, folder / f"{number}.dcm")
        made.append(folder / f"{number}.dcm")
    return tuple(made)


def node_with(held: Held, folder: Path, routed: RoutedApp, readiness: ReadinessConfig) -> Node:
    config = NodeConfig(data_folder=folder, archives={"pacs": held.archive.config})
    services = archive_services(config, open_database(folder), Spool(folder))
    return Node(folder, {APP: routed}, config=readiness, archives=services)


ASKING = ReadinessConfig(quiet_seconds=50, longest_quiet_seconds=60, maximum_wait_seconds=120, archive="pacs")


def test_as_many_as_in_the_archive_are_enough(held: Held, examination: Examination, tmp_path: Path) -> None:
    node = node_with(held, tmp_path / "node", app(), ASKING)
    node.receive(examination.paths)
    node.wait(2)
    until(node.decide)
    count = len(examination.paths)
    assert f"the archive pacs counts {count} instances, as many as are here" in node.events("ready")[0].text
    assert node.study().expected_instances == count


def test_what_the_archive_has_more_is_waited_for_and_fetched_at_last(
    held: Held, examination: Examination, tmp_path: Path
) -> None:
    node = node_with(held, tmp_path / "node", app(), ASKING)
    node.receive(examination.flair)
    node.wait(50)
    until(lambda: node.decide() or any("counts" in event.text for event in node.events("waiting")))
    assert node.jobs() == []
    node.wait(70)
    until(node.decide)
    (job,) = node.jobs()
    assert len(node.events("fetched")) == 1
    assert set(job.sop_instance_uids) == uids_of(examination.paths)


def test_an_archive_that_is_away_delays_nothing(examination: Examination, tmp_path: Path) -> None:
    away = ArchiveConfig(ae_title="AWAY", host="127.0.0.1", port=free_port(), answer_seconds=1)
    held = Held(Archive("pacs", away, "GANTRY"), {})
    node = node_with(held, tmp_path / "node", app(), ASKING)
    node.receive(examination.paths)
    node.wait(2)
    assert node.decide() == ()
    node.wait(50)
    until(node.decide)
    assert "no image for" in node.events("ready")[0].text


def comparing(maximum_studies: int = 1, maximum_age_days: int | None = None) -> RoutedApp:
    """The app with a role that the FLAIR of an earlier study plays."""
    routed = app()
    flair = routed.manifest.inputs["flair"]
    prior = InputRole.model_validate({**flair.model_dump(exclude={"origin"}), "title": "Earlier", "from": "prior"})
    manifest = routed.manifest.model_copy(update={"inputs": {**routed.manifest.inputs, "earlier": prior}})
    config = PriorsConfig(archive="pacs", maximum_studies=maximum_studies, maximum_age_days=maximum_age_days)
    return replace(routed, manifest=manifest, priors=config)


QUIET = ReadinessConfig(quiet_seconds=5, maximum_wait_seconds=120)


def test_the_newest_earlier_study_is_fetched_and_given_to_the_app(
    held: Held, examination: Examination, tmp_path: Path
) -> None:
    newest = f"{EARLIER}2"
    node = node_with(held, tmp_path / "node", comparing(), QUIET)
    node.receive(examination.flair)
    node.wait(5)
    until(node.decide)
    (job,) = node.jobs()
    assert set(job.sop_instance_uids) == uids_of(examination.flair) | uids_of(held.earlier[newest])
    with node.database.read() as session:
        given = job_input(session, node.spool, examination.uid, job.sop_instance_uids)
    assert (len(given.study), list(given.priors)) == (len(examination.flair), [newest])
    folder = lay_out(given, tmp_path / "input", tmp_path / "priors")
    (study,) = read_priors(folder)
    assert study.study_instance_uid == newest
    # The earlier study is not analysed for its own sake, and says so.
    node.wait(60)
    until(lambda: node.decide() or node.events("not-analysed"))
    assert len(node.jobs()) == 1
    events = node.events("not-analysed")
    assert {event.study_instance_uid for event in events} == {newest}
    assert f"to compare {examination.uid} with" in events[-1].text


def test_a_study_that_somebody_else_sends_too_is_analysed_as_any_other(
    held: Held, examination: Examination, tmp_path: Path
) -> None:
    newest = f"{EARLIER}2"
    node = node_with(held, tmp_path / "node", comparing(), QUIET)
    node.receive(examination.flair)
    node.wait(5)
    until(node.decide)
    extra = dcmread(held.earlier[newest][0])
    set_instance_uid(extra, UID(f"{newest}.1.99"))
    extra.ImagePositionPatient = [position + 1000 for position in extra.ImagePositionPatient]
    save(extra, tmp_path / "extra.dcm")
    node.receive([tmp_path / "extra.dcm"], sender="SCANNER")
    node.wait(130)
    until(lambda: len(node.jobs()) == 2 or node.decide())
    assert node.jobs()[1].study_instance_uid == newest


def test_a_kill_in_the_middle_asks_again_and_fetches_once(held: Held, examination: Examination, tmp_path: Path) -> None:
    """What a killed node had asked and fetched stays; the next one gets to the same job."""
    first = node_with(held, tmp_path / "node", comparing(), QUIET)
    first.receive(examination.flair)
    first.wait(5)
    until(lambda: first.readiness.ready_studies())
    second = node_with(held, tmp_path / "node", comparing(), QUIET)
    second.wait(5)
    until(second.decide)
    assert len(second.jobs()) == 1
    with second.database.read() as session:
        assert session.query(PriorStudy).count() == 1
    assert [event.text.split(" ")[0] for event in second.events("fetched")] == [str(len(examination.flair)), "0"]


@pytest.mark.parametrize(
    ("given", "count"), [({"maximum_studies": 5}, 2), ({"maximum_studies": 5, "maximum_age_days": 1}, 0)]
)
def test_only_earlier_studies_that_are_not_too_old(
    held: Held, examination: Examination, tmp_path: Path, given: dict[str, int], count: int
) -> None:
    node = node_with(held, tmp_path / "node", comparing(**given), QUIET)
    node.receive(examination.flair)
    node.wait(5)
    until(node.decide)
    assert f"{count} earlier studies" in node.events("priors")[0].text
    assert len(node.jobs()[0].sop_instance_uids) == len(examination.flair) * (1 + bool(count))
