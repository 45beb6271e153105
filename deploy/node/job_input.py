"""The input of a job: the files of its instances, of the study itself and of earlier ones, laid out for the app."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from deploy.node.database import PriorStudy
from deploy.node.index import instance_files
from deploy.node.spool import Spool


@dataclass(frozen=True)
class JobInput:
    """The files of a job's instances in the spool; ``priors`` are those of earlier studies, by Study Instance UID."""

    study: tuple[Path, ...]
    priors: Mapping[str, tuple[Path, ...]]


def job_input(session: Session, spool: Spool, study_instance_uid: str, uids: Iterable[str]) -> JobInput:
    """Return the files of the instances that a job on a study is for, as absolute paths.

    Raises :class:`FileNotFoundError` naming the instances that are not in the index.
    """
    asked = select(PriorStudy.prior_study_instance_uid).where(PriorStudy.study_instance_uid == study_instance_uid)
    wanted = set(uids)
    files: dict[str, tuple[Path, ...]] = {}
    for study in (study_instance_uid, *session.scalars(asked)):
        held = {uid: path for uid, path in instance_files(session, study).items() if uid in wanted}
        wanted -= set(held)
        if held:
            files[study] = tuple(spool.folder / path for path in held.values())
    if wanted:
        raise FileNotFoundError(f"{len(wanted)} instances are not in the spool, e.g. {min(wanted)}")
    return JobInput(files.pop(study_instance_uid, ()), files)


def lay_out(given: JobInput, folder: Path, priors_folder: Path) -> Path | None:
    """Put a job's instances, and nothing else, into new folders; return that of the priors if there are any.

    There is one folder for each earlier study.
    """
    _put(given.study, folder)
    for uid, files in given.priors.items():
        _put(files, priors_folder / uid)
    return priors_folder if given.priors else None


def _put(files: Iterable[Path], folder: Path) -> None:
    folder.mkdir(parents=True)
    for file in files:
        try:
            os.link(file, folder / file.name)
        # Not every file system has hard links, and the spool may be on another one.
        except OSError:
            shutil.copyfile(file, folder / file.name)
