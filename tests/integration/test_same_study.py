"""The same study at two nodes that know nothing of each other: the same results, which an archive holds once."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.orthanc.server import Orthanc
from phantoms.mr_brain import BrainMRPhantom, write_brain_mr
from tests.integration.sites import running_site, storescu

pytestmark = pytest.mark.peer


def test_two_nodes_give_results_with_the_same_uids(pacs: Orthanc, small_head: BrainMRPhantom, tmp_path: Path) -> None:
    study = write_brain_mr(small_head, tmp_path / "study", sequences=("FLAIR",), uid_salt=str(tmp_path))
    uids = []
    for name in ("first", "second"):
        with running_site(tmp_path / name, pacs, command=("-m", "tests.integration.unruly_node")) as node:
            done = storescu(node.port, *study.paths)
            assert done.returncode == 0, done.stderr
            node.wait_for_event(study.study_uid, "delivered")
            assert len(node.events("sent")) == 2
            uids.append({instance.sop_instance_uid for instance in pacs.instances(study.study_uid)})
    assert len(uids[0]) == 2
    assert uids[0] == uids[1]
