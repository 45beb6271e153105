"""A receiver as a process of its own, to be killed or confined. Arguments: data folder, port, file size limit."""

from __future__ import annotations

import resource
import sys
import threading
from pathlib import Path

from deploy.node.access import Rejections
from deploy.node.config import DiskConfig, NodeConfig, PeerConfig, ReceiveConfig
from deploy.node.database import open_database
from deploy.node.index import ReceiveIndex
from deploy.node.receive.storage_scp import StorageSCP
from deploy.node.spool import Spool


def main() -> None:
    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    if len(sys.argv) > 3:
        limit = int(sys.argv[3])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    spool = Spool(folder)
    spool.open()
    database = open_database(folder)
    config = NodeConfig(
        data_folder=folder,
        receive=ReceiveConfig(host="127.0.0.1", port=port, processes=1),
        peers={"anybody": PeerConfig(ae_title="*", networks=("127.0.0.0/8",))},  # type: ignore[arg-type]
        disk=DiskConfig(reserve_gib=0),
    )
    StorageSCP(config, spool, ReceiveIndex(database, Rejections(database))).start()
    print("listening", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
