"""Whether instances are safe in the spool: what storage commitment promises."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy import select

from deploy.node.database import Database, Instance
from deploy.node.file_meta import NotDicomFileError
from deploy.node.header import UnreadableHeaderError, is_uid
from deploy.node.services.statuses import REASON_CLASS_INSTANCE_CONFLICT, REASON_NO_SUCH_INSTANCE
from deploy.node.spool import Spool, TornFileError

_BATCH = 500
"""Values in one SQL statement."""


def failure_reasons(database: Database, spool: Spool, instances: Sequence[Sequence[str]]) -> dict[tuple[str, str], int]:
    """Return Failure Reason (0008,1197) of each (SOP Class UID, SOP Instance UID) that is not safe; none if all are.

    An instance is safe when its file is there under its final name, on disk, and of
    that class. Raises :class:`OSError` when the spool cannot be read: that is no answer.
    """
    wanted = {sop_instance for _, sop_instance in instances}
    classes = _indexed(database, spool, wanted)
    # The index may be moments behind the spool.
    for sop_instance, found in _in_spool(spool, wanted - classes.keys()).items():
        classes[sop_instance] |= found
    reasons = {}
    for sop_class, sop_instance in instances:
        if sop_instance not in classes:
            reasons[sop_class, sop_instance] = REASON_NO_SUCH_INSTANCE
        elif sop_class not in classes[sop_instance]:
            reasons[sop_class, sop_instance] = REASON_CLASS_INSTANCE_CONFLICT
    return reasons


def _indexed(database: Database, spool: Spool, wanted: Iterable[str]) -> defaultdict[str, set[str]]:
    """The SOP classes of what is indexed and still there, by SOP Instance UID. What is indexed is durable."""
    classes: defaultdict[str, set[str]] = defaultdict(set)
    rest = iter(wanted)
    with database.read() as session:
        while batch := list(islice(rest, _BATCH)):
            rows = session.execute(
                select(Instance.sop_instance_uid, Instance.sop_class_uid, Instance.path).where(
                    Instance.sop_instance_uid.in_(batch)
                )
            )
            for sop_instance, sop_class, path in rows:
                if (spool.folder / path).is_file():
                    classes[sop_instance].add(sop_class)
    return classes


def _in_spool(spool: Spool, wanted: set[str]) -> dict[str, set[str]]:
    """The same from the folders alone, made durable here: a file has its name a moment before it is."""
    classes: dict[str, set[str]] = {}
    if not wanted:
        return classes
    for study in _entries(spool.folder):
        # Beside the studies are folders of the spool's own.
        for series in _entries(study) if is_uid(study.name) else ():
            for path in _entries(series):
                if path.suffix != ".dcm" or path.stem not in wanted:
                    continue
                relative = str(path.relative_to(spool.folder))
                try:
                    header = spool.read(relative).header
                # What is no whole instance cannot be promised.
                except (TornFileError, NotDicomFileError, UnreadableHeaderError):
                    continue
                spool.make_durable(relative)
                classes.setdefault(header.sop_instance_uid, set()).add(header.sop_class_uid)
    return classes


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    # Retention may delete a study meanwhile.
    except FileNotFoundError:
        return []
