"""Queries of real archives."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from deploy.node.access import server_context
from deploy.node.config import ArchiveConfig
from deploy.node.query import Archive, PeerError, count_instances, find_series, find_sop_classes, find_studies
from tests.deploy.node.access.certificates import Authority
from tests.deploy.node.query.archives import CURRENT, OTHER_PATIENT, PRIOR
from tests.peers import free_port


def test_the_studies_of_a_patient_come_newest_first_and_nobody_elses(archive: Archive) -> None:
    found = find_studies(archive, patient_id="P1")
    assert [study.study_instance_uid for study in found] == [CURRENT, PRIOR]
    assert [study.study_date for study in found] == ["20260105", "20240203"]
    assert {study.patient_id for study in found} == {"P1"}
    assert found[0].description == "MR Schädel"
    # A pattern is no patient.
    assert find_studies(archive, patient_id="P1*") == ()


def test_keys_narrow_the_answer(archive: Archive) -> None:
    def uids(**keys: str) -> set[str]:
        return {study.study_instance_uid for study in find_studies(archive, **keys)}

    assert uids(study_instance_uid=PRIOR) == {PRIOR}
    assert uids(patient_id="P1", study_date="-20251231") == {PRIOR}
    assert uids(study_date="20260101-20261231") == {CURRENT, OTHER_PATIENT}
    assert uids(study_instance_uid="1.2.3") == set()
    assert find_studies(archive, patient_id="P1", modalities=["MR", "CT"])
    with pytest.raises(ValueError, match="names a patient"):
        find_studies(archive, modalities=["MR"])


def test_series_and_sop_classes(archive: Archive) -> None:
    series = find_series(archive, CURRENT)
    assert [each.series_instance_uid for each in series] == [f"{CURRENT}.1", f"{CURRENT}.2"]
    assert [each.modality for each in series] == ["MR", "OT"]
    if archive.name == "dcmqrscp":
        # It does not know the key.
        assert find_sop_classes(archive, CURRENT) == set()
        return
    assert find_sop_classes(archive, CURRENT) == {MRImageStorage, SecondaryCaptureImageStorage}
    assert find_sop_classes(archive, CURRENT, f"{CURRENT}.2") == {SecondaryCaptureImageStorage}


@pytest.mark.parametrize(("study", "count"), [(CURRENT, 4), (PRIOR, 1), ("1.2.3", 0)])
def test_instances_are_counted(archive: Archive, study: str, count: int) -> None:
    assert count_instances(archive, study) == count


def test_an_archive_that_rejects_us_or_is_away_is_an_error(archive: Archive) -> None:
    other_title = archive.config.model_copy(update={"ae_title": "SOMEBODY"})
    # DCMTK closes the connection so soon after its rejection that this may be all that is seen.
    with pytest.raises(PeerError, match=r"SOMEBODY at .* (rejected the association: Called AE title|or aborted)"):
        find_series(replace(archive, config=other_title), CURRENT)
    away = Archive("away", ArchiveConfig(ae_title="ARCHIVE", host="127.0.0.1", port=free_port()), "GANTRY")
    with pytest.raises(PeerError, match="cannot be reached"):
        count_instances(away, CURRENT)


class AnsweringArchive:
    """An archive that answers queries at a level with what it was given; over TLS with a context."""

    def __init__(self, context: ssl.SSLContext | None = None, **answers: list[Dataset]) -> None:
        self.port = free_port()
        self.status = 0x0000
        self.asked: list[str] = []
        self._answers = answers
        entity = AE(ae_title="ARCHIVE")
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        self._server = entity.start_server(
            ("127.0.0.1", self.port), block=False, evt_handlers=[(evt.EVT_C_FIND, self._find)], ssl_context=context
        )

    def as_archive(self, **more: object) -> Archive:
        config = {"ae_title": "ARCHIVE", "host": "127.0.0.1", "port": self.port, "answer_seconds": 5, **more}
        return Archive("answering", ArchiveConfig.model_validate(config), "GANTRY")

    def _find(self, event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        level = event.identifier.QueryRetrieveLevel
        self.asked.append(level)
        for answer in self._answers.get(level, ()):
            yield 0xFF00, answer
        yield self.status, None

    def __enter__(self) -> AnsweringArchive:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()


def answer(**values: object) -> Dataset:
    made = Dataset()
    for keyword, value in values.items():
        setattr(made, keyword, value)
    return made


STUDY_WITHOUT_NUMBER = answer(StudyInstanceUID="1.2")
SERIES = [
    answer(SeriesInstanceUID=f"1.2.{number}", NumberOfSeriesRelatedInstances=str(10 * number)) for number in (1, 2)
]


def test_a_count_is_taken_where_the_archive_tells_it() -> None:
    told = answer(StudyInstanceUID="1.2", NumberOfStudyRelatedInstances="500")
    with AnsweringArchive(STUDY=[told]) as archive:
        assert count_instances(archive.as_archive(), "1.2") == 500
        assert archive.asked == ["STUDY"]
    with AnsweringArchive(STUDY=[STUDY_WITHOUT_NUMBER], SERIES=SERIES) as archive:
        assert count_instances(archive.as_archive(), "1.2") == 30
        assert archive.asked == ["STUDY", "SERIES"]
    images = [answer(SOPInstanceUID=f"1.2.3.{number}") for number in range(3)]
    with AnsweringArchive(
        STUDY=[STUDY_WITHOUT_NUMBER], SERIES=[answer(SeriesInstanceUID="1.2.1")], IMAGE=images
    ) as archive:
        assert count_instances(archive.as_archive(), "1.2") == 3
        assert archive.asked == ["STUDY", "SERIES", "SERIES", "IMAGE"]


def test_a_failure_is_an_error_with_its_status() -> None:
    with AnsweringArchive(STUDY=[STUDY_WITHOUT_NUMBER]) as archive:
        archive.status = 0xA700
        with pytest.raises(PeerError, match="answered to a query with 0xA700"):
            find_studies(archive.as_archive(), study_instance_uid="1.2")


def test_an_archive_is_asked_over_tls(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    ours, theirs = authority.issue("gantry"), authority.issue("archive")
    with AnsweringArchive(server_context(theirs), STUDY=[STUDY_WITHOUT_NUMBER]) as archive:
        tls = ours.model_dump()
        (found,) = find_studies(archive.as_archive(tls=tls), study_instance_uid="1.2")
        assert found.study_instance_uid == "1.2"
        with pytest.raises(PeerError, match=r"ARCHIVE at .* cannot be reached"):
            find_studies(archive.as_archive(), study_instance_uid="1.2")
        tls["certificate"] = tmp_path / "absent.pem"
        with pytest.raises(PeerError, match=r"cannot be called: .*absent\.pem"):
            find_studies(archive.as_archive(tls=tls), study_instance_uid="1.2")
