"""Queries of real archives."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydicom.uid import MRImageStorage, SecondaryCaptureImageStorage

from deploy.node.config import ArchiveConfig
from deploy.node.query import Archive, PeerError, count_instances, find_series, find_sop_classes, find_studies
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
