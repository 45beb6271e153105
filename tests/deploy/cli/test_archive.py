"""``gantry archive`` beside a real archive."""

from __future__ import annotations

from pathlib import Path

import yaml

from deploy.node.database import open_database
from deploy.node.spool import Spool
from tests.deploy.cli.conftest import Gantry
from tests.deploy.node.query import archives
from tests.peers import free_port


def test_a_study_is_found_and_fetched(gantry: Gantry, config: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    data = config.parent / "data"
    open_database(data).close()
    spool = Spool(data)
    spool.open()
    with archives.dcmqrscp(tmp_path / "archive", archives.studies(tmp_path / "files"), free_port()) as archive:
        content = yaml.safe_load(config.read_text())
        content["archives"] = {"pacs": archive.config.model_dump(exclude_none=True)}
        config.write_text(yaml.safe_dump(content))
        found = gantry("archive", "find", "pacs", "--patient", "P1", "--config", config)
        assert found.exit_code == 0, found.stderr
        assert archives.PRIOR in found.stdout.replace("\n", "")
        assert archives.OTHER_PATIENT not in found.stdout
        assert gantry("archive", "find", "pacs", "--config", config).exit_code == 1

        fetched = gantry("archive", "fetch", "pacs", archives.PRIOR, "--config", config)
        assert fetched.exit_code == 0, fetched.stderr
        assert "1 instances have come from pacs" in fetched.stdout
        assert len(list(spool.paths())) == 1
        absent = gantry("archive", "fetch", "pacs", "1.2.3", "--config", config)
        assert absent.exit_code == 1
        assert "Error:" in absent.stderr
    away = gantry("archive", "fetch", "pacs", archives.PRIOR, "--config", config)
    assert away.exit_code == 1
    assert "cannot be reached" in away.stderr
    unknown = gantry("archive", "find", "other", "--patient", "P1", "--config", config)
    assert "there is no archive 'other'; the archives are: pacs" in unknown.stderr
