"""Simulate a scanner from the command line.

    python -m phantoms brain-mr FOLDER --seed 7                  write a FLAIR and a T1 series to FOLDER
    python -m phantoms brain-mr FOLDER --size small --send 127.0.0.1:11112
    python -m phantoms breast-us FOLDER --lesion malignant        write a breast ultrasound examination
    python -m phantoms joint-us FOLDER --no-effusion              write a joint ultrasound examination
    python -m phantoms ecg FOLDER --seed 7 --finding long_qt     write an electrocardiogram to FOLDER
    python -m phantoms send FOLDER 127.0.0.1:11112               send every DICOM file below FOLDER

The patient follows from `--seed`. So do the identifiers of `brain-mr`; those of the others follow from the lesion, the
effusion or the finding, too: another one is another study of the same patient.
`--sequences FLAIR` or `--sequences T1` writes one series only; `--called` and `--calling` are the AE titles.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.misc import is_dicom

from phantoms.ecg import FINDINGS, random_heart, random_noise, simulate_ecg, write_ecg
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.send import send_files
from phantoms.sonography import Lesion, WrittenSonogram, write_breast_study, write_joint_study


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 1 where the peer refused an instance."""
    options = _parser().parse_args(arguments)
    if options.command == "brain-mr":
        phantom = simulate_brain_mr(options.seed, size=options.size)
        study = write_brain_mr(phantom, options.folder, sequences=options.sequences)
        print(f"study {study.study_uid}: {len(study.paths)} files in {study.folder}")
        print(f"lesions: {len(phantom.lesion_list)} planted, {phantom.flair.lesion_volume_ml:.2f} mL on the FLAIR grid")
        return _send(study.paths, options.send, options) if options.send else 0
    if options.command == "breast-us":
        breast = write_breast_study(options.folder, Lesion(options.lesion), seed=options.seed)
        return _tell_sonograms(breast, options.lesion, options)
    if options.command == "joint-us":
        joint = write_joint_study(options.folder, effusion=options.effusion, seed=options.seed)
        return _tell_sonograms(joint, "effusion" if options.effusion else "no effusion", options)
    if options.command == "ecg":
        path = _write_ecg(options)
        return _send([path], options.send, options) if options.send else 0
    return _send(sorted(path for path in options.folder.rglob("*") if is_dicom_file(path)), options.peer, options)


def is_dicom_file(path: Path) -> bool:
    """Whether a path is a file with the DICOM prefix (PS3.10 7.1)."""
    return path.is_file() and bool(is_dicom(path))


def _tell_sonograms(written: Sequence[WrittenSonogram], truth: str, options: argparse.Namespace) -> int:
    """Print what an examination holds, and send it where that is asked for."""
    print(f"{len(written)} instances of one series in {options.folder}: two pictures and a clip, {truth}")
    return _send([each.path for each in written], options.send, options) if options.send else 0


def _write_ecg(options: argparse.Namespace) -> Path:
    """Write one recording of a random patient, and print its truth."""
    random = np.random.default_rng([options.seed, 3])
    ecg = simulate_ecg(random_heart(random, options.finding), seed=options.seed, noise=random_noise(random))
    path = write_ecg(ecg, options.folder / "ecg.dcm", seed=options.seed, examination=options.finding or "")
    pr = "none" if ecg.pr is None else f"{ecg.pr:.0f} ms"
    print(f"{path}: {options.finding or 'healthy'}, {ecg.rate:.0f} beats a minute,", end=" ")
    print(f"PR {pr}, QRS {ecg.qrs:.0f} ms, QT {ecg.qt:.0f} ms, axis {ecg.axis:.0f} degrees")
    return path


def _send(paths: Sequence[Path], peer: tuple[str, int], options: argparse.Namespace) -> int:
    report = send_files(paths, *peer, calling_ae_title=options.calling, called_ae_title=options.called)
    print(f"sent {len(report.instances)} instances in {report.seconds:.1f} s")
    for instance in report.failed:
        print(f"refused with status 0x{instance.status:04X}: {instance.path}", file=sys.stderr)
    return 1 if report.failed else 0


def _parser() -> argparse.ArgumentParser:
    titles = argparse.ArgumentParser(add_help=False)
    titles.add_argument("--calling", default="PHANTOM", help="AE title of the scanner")
    titles.add_argument("--called", default="GANTRY", help="AE title of the receiver")
    parser = argparse.ArgumentParser(prog="python -m phantoms", description="Simulated scanners.")
    commands = parser.add_subparsers(dest="command", required=True)
    brain = commands.add_parser("brain-mr", parents=[titles], help="simulate a brain MR examination")
    brain.add_argument("folder", type=Path)
    brain.add_argument("--seed", type=int, default=0)
    brain.add_argument("--size", choices=["full", "small"], default="full")
    brain.add_argument("--sequences", nargs="+", choices=["FLAIR", "T1"], default=["FLAIR", "T1"])
    brain.add_argument("--send", type=_peer, metavar="HOST:PORT")
    breast = commands.add_parser("breast-us", parents=[titles], help="simulate a breast ultrasound examination")
    breast.add_argument("folder", type=Path)
    breast.add_argument("--seed", type=int, default=0)
    breast.add_argument("--lesion", choices=[each.value for each in Lesion], default=Lesion.BENIGN.value)
    breast.add_argument("--send", type=_peer, metavar="HOST:PORT")
    joint = commands.add_parser("joint-us", parents=[titles], help="simulate an ultrasound examination of a joint")
    joint.add_argument("folder", type=Path)
    joint.add_argument("--seed", type=int, default=0)
    joint.add_argument("--effusion", action=argparse.BooleanOptionalAction, default=True, help="fluid in the joint")
    joint.add_argument("--send", type=_peer, metavar="HOST:PORT")
    ecg = commands.add_parser("ecg", parents=[titles], help="simulate an electrocardiogram")
    ecg.add_argument("folder", type=Path)
    ecg.add_argument("--seed", type=int, default=0)
    ecg.add_argument("--finding", choices=sorted(FINDINGS), help="left out, the heart is healthy")
    ecg.add_argument("--send", type=_peer, metavar="HOST:PORT")
    send = commands.add_parser("send", parents=[titles], help="send DICOM files")
    send.add_argument("folder", type=Path)
    send.add_argument("peer", type=_peer, metavar="HOST:PORT")
    return parser


def _peer(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not separator or not port.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


if __name__ == "__main__":
    sys.exit(main())
