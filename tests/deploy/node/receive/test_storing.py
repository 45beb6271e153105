from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.config import DiskConfig
from deploy.node.disk import Space
from deploy.node.receive.negotiation import Context
from deploy.node.receive.reports import Trouble
from deploy.node.receive.storing import RefusedError, StoreTransfer
from deploy.node.spool import Spool
from tests.reliability.upper_layer import EXPLICIT

MR = "1.2.840.10008.5.1.4.1.1.4"


@pytest.mark.parametrize("uid", ["", "1.2.\ufffd", "../../x", "1" * 70_000])
def test_a_request_of_what_is_no_uid_is_refused_and_no_trouble_of_the_node(tmp_path: Path, uid: str) -> None:
    spool = Spool(tmp_path)
    spool.open()
    troubles: list[Trouble] = []
    transfer = StoreTransfer(
        spool,
        {"AffectedSOPClassUID": MR, "AffectedSOPInstanceUID": uid},
        Context(MR, EXPLICIT),
        ("SCANNER", "GANTRY"),
        maximum_bytes=10_000,
        space=Space(tmp_path, DiskConfig(reserve_gib=0)),
        tell=troubles.append,
    )
    transfer.write(memoryview(b"anything"))
    with pytest.raises(RefusedError, match="SOP Instance UID of the request") as refused:
        transfer.finish()
    assert refused.value.status == 0xC000
    assert troubles == []
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
