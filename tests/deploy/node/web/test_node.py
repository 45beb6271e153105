"""The whole node, fed over HTTP."""

from __future__ import annotations

from pathlib import Path

import requests
import yaml

from deploy.node.database import JobState
from phantoms.mr_brain.dicom import BrainMRStudy
from tests.deploy.node.archive import Archive
from tests.deploy.node.running_node import RunningNode
from tests.deploy.node.web.served import TOKEN, related
from tests.peers import free_port


def test_what_comes_by_stow_rs_is_analysed_and_counted(tmp_path: Path, brain_study: BrainMRStudy) -> None:
    with Archive() as archive:
        node = RunningNode(tmp_path, archive)
        port = free_port()
        token = tmp_path / "token"
        token.write_text(TOKEN)
        content = yaml.safe_load(node.config.read_text())
        content["web"] = {"port": port}
        content["peers"] = {"viewer": {"ae_title": "VIEWER", "networks": ["127.0.0.1"], "token_file": str(token)}}
        node.config.write_text(yaml.safe_dump(content))
        with node:
            headers = {
                "Authorization": f"Bearer {TOKEN}",
                "Content-Type": 'multipart/related; type="application/dicom"; boundary=B',
            }
            url = f"http://127.0.0.1:{port}"
            count = len(brain_study.paths)
            body = related([path.read_bytes() for path in brain_study.paths])
            assert requests.post(f"{url}/studies", data=body, headers=headers, timeout=60).status_code == 200
            archive.wait_for(2)
            node.wait_for(lambda: node.jobs()[0].state is JobState.DELIVERED)
            assert requests.get(f"{url}/health", timeout=60).json() == {"ready": True, "problems": {}}
            metrics = requests.get(f"{url}/metrics", timeout=60).text
            assert f'gantry_received_instances_total{{arrival="new"}} {count}.0' in metrics
            assert requests.post(f"{url}/studies", data=body, timeout=60).status_code == 401
            metrics = requests.get(f"{url}/metrics", timeout=60).text
            assert 'gantry_rejected_callers_total{reason="web-credentials"} 1.0' in metrics
            assert node.stop() == 0
        assert "the token can be read on its way" in node.log
        assert f"VIEWER sent {count} new instances and ended its request" in node.log
