"""A storage SCP that keeps what it gets: ``python -m deploy.demo.storage_scp FOLDER PORT AE_TITLE``.

It stands in for a PACS where no real archive is installed. Files go to
``FOLDER/<Study Instance UID>/<Series Instance UID>/<SOP Instance UID>.dcm``.
"""

from __future__ import annotations

import sys
from pathlib import Path

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.events import Event
from pynetdicom.sop_class import Verification

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700


def keep(event: Event, folder: Path) -> int:
    """Write the instance of one C-STORE request to its final name; return the status (PS3.4 table B.2-1)."""
    dataset = event.dataset
    target = folder / dataset.StudyInstanceUID / dataset.SeriesInstanceUID
    try:
        target.mkdir(parents=True, exist_ok=True)
        # Whoever looks into the folder must never see half a file.
        part = target / f"{dataset.SOPInstanceUID}.part"
        part.write_bytes(event.encoded_dataset())
        part.rename(part.with_suffix(".dcm"))
    except OSError as error:
        print(f"cannot store {dataset.SOPInstanceUID}: {error}", file=sys.stderr, flush=True)
        return OUT_OF_RESOURCES
    return SUCCESS


def main(folder: Path, port: int, ae_title: str) -> None:
    """Serve on this machine only, until the process is ended."""
    entity = AE(ae_title=ae_title)
    entity.require_called_aet = True
    entity.add_supported_context(Verification)
    for context in AllStoragePresentationContexts:
        entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
    entity.start_server(("127.0.0.1", port), evt_handlers=[(evt.EVT_C_STORE, keep, [folder])])


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
