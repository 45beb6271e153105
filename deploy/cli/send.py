"""``gantry send``: send a folder of DICOM files to a peer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import explained, fail

if TYPE_CHECKING:
    from deploy.node.config import TLSConfig
    from deploy.node.send import SentInstance


def send(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Every DICOM file below it is sent.")],
    peer: Annotated[str, typer.Argument(metavar="HOST:PORT", help="The receiver.")],
    called_ae: Annotated[str, typer.Option(help="The receiver's AE title.")] = "GANTRY",
    calling_ae: Annotated[str, typer.Option(help="The sender's AE title.")] = "GANTRY_SEND",
    certificate: Annotated[Path | None, typer.Option(help="Our certificate in PEM, for DICOM TLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its private key in PEM.")] = None,
    trusted: Annotated[Path | None, typer.Option(help="Authorities of the receiver's certificate in PEM.")] = None,
) -> None:
    """Send DICOM files by C-STORE; the exit status is 1 if any was not stored."""
    from pydicom.misc import is_dicom
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from deploy.node.config import ConfigError
    from deploy.node.send import DestinationError, Peer, send_files

    host, separator, port = peer.rpartition(":")
    if not separator or not host or not port.isdigit() or not 1 <= int(port) <= 65535:
        fail(f"{peer!r} is not HOST:PORT", status=2)
    if not folder.is_dir():
        fail(f"there is no folder {folder}", status=2)
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file() and is_dicom(path)]
    if not paths:
        fail(f"no DICOM file in {folder}")
    tls = _tls(certificate, key, trusted)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with explained(DestinationError, ConfigError), Progress(*columns) as progress:
        task = progress.add_task(f"to {called_ae} at {peer}", total=len(paths))

        def advance(instance: SentInstance) -> None:
            progress.advance(task)

        sent = send_files(paths, Peer(host, int(port), called_ae, calling_ae, tls), on_progress=advance)
    refused = [instance for instance in sent if not instance.delivered]
    typer.echo(f"{len(sent) - len(refused)} of {len(sent)} instances stored")
    if refused:
        fail("\n".join(["not stored:", *(f"{instance.path}: {instance}" for instance in refused)]))


def _tls(certificate: Path | None, key: Path | None, trusted: Path | None) -> TLSConfig | None:
    from deploy.node.config import TLSConfig

    if certificate is None and key is None and trusted is None:
        return None
    if certificate is None or key is None or trusted is None:
        fail("TLS needs --certificate, --key and --trusted", status=2)
    return TLSConfig(certificate=certificate, key=key, trusted=trusted)
