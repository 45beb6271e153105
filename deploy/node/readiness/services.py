"""The configured archives, as readiness asks them."""

from __future__ import annotations

from deploy.node.config import NodeConfig
from deploy.node.database import Database
from deploy.node.disk import Space
from deploy.node.query import configured_archive, count_instances, fetch, find_studies
from deploy.node.readiness.archives import ArchiveServices
from deploy.node.spool import Spool


class FetchError(RuntimeError):
    """Not everything that was asked for came from an archive."""


def archive_services(config: NodeConfig, database: Database, spool: Spool) -> ArchiveServices:
    """Return how the archives of a node's configuration are asked."""
    archives = {name: configured_archive(config, name) for name in config.archives}
    space = Space(config.data_folder, config.disk)

    def fetch_study(archive: str, study_instance_uid: str) -> None:
        fetched = fetch(archives[archive], spool, database, study_instance_uid, space=space)
        if not fetched.complete:
            raise FetchError(fetched.problem)

    return ArchiveServices(
        count=lambda archive, uid: count_instances(archives[archive], uid),
        fetch=fetch_study,
        find_earlier=lambda archive, patient_id, modalities: find_studies(
            archives[archive], patient_id=patient_id, modalities=modalities
        ),
        ae_titles={name: archive.ae_title for name, archive in config.archives.items()},
    )
