"""The index: rows in the database for the instances in the spool, made as they come or from the spool alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import insert, or_, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from deploy.node.access import Rejection, Rejections
from deploy.node.database import Database, Instance, Study, is_passing
from deploy.node.events import log, log_failure, record
from deploy.node.file_meta import NotDicomFileError
from deploy.node.header import InstanceHeader, UnreadableHeaderError
from deploy.node.receive.reports import OpenAssociation, Received, RefusedCaller, RefusedInstance
from deploy.node.spool import Arrival, Spool, StoredInstance, TornFileError

_BATCH = 500
"""Instances per transaction when many are indexed at once."""


def index_instance(session: Session, stored: StoredInstance) -> None:
    """Write the rows of one stored instance; see :func:`index_instances`."""
    index_instances(session, [stored])


def index_instances(session: Session, batch: Sequence[StoredInstance]) -> None:
    """Write the rows of stored instances, in the order in which they came; what is already there changes nothing.

    A new image makes its study undecided again, so that readiness looks at all of it.
    """
    paths, contents = _already_there(session, batch)
    studies: dict[str, Study] = {}
    rows = []
    for stored in batch:
        header = stored.header
        content = header.sop_instance_uid, stored.sha256
        if stored.path in paths or content in contents:
            continue
        paths.add(stored.path)
        contents.add(content)
        study = studies.get(header.study_instance_uid) or _study(session, stored)
        studies[header.study_instance_uid] = study
        rows.append(_row(stored))
        if stored.is_first_copy:
            study.last_received = max(study.last_received, stored.received)
            study.deleted = None
            study.reopen()
        else:
            record(
                session,
                "conflicting-instance",
                f"{stored.calling_ae_title or 'an unnamed sender'} sent another instance under the SOP Instance UID "
                f"{header.sop_instance_uid}: the first one stays in use, this one is kept as {stored.path}",
                study=header.study_instance_uid,
                path=stored.path,
                sha256=stored.sha256,
            )
    if rows:
        # Studies first: the instances refer to them.
        session.flush()
        session.execute(insert(Instance), rows)


def _already_there(session: Session, batch: Sequence[StoredInstance]) -> tuple[set[str], set[tuple[str, str]]]:
    """The paths of a batch that are indexed, and the contents (SOP Instance UID and digest), under whatever path."""
    paths: set[str] = set()
    contents: set[tuple[str, str]] = set()
    for start in range(0, len(batch), _BATCH):
        part = batch[start : start + _BATCH]
        uids = {stored.header.sop_instance_uid for stored in part}
        found = session.execute(
            select(Instance.path, Instance.sop_instance_uid, Instance.sha256).where(
                or_(Instance.path.in_([stored.path for stored in part]), Instance.sop_instance_uid.in_(uids))
            )
        )
        for path, uid, sha256 in found:
            paths.add(path)
            contents.add((uid, sha256))
    return paths, contents


def _study(session: Session, stored: StoredInstance) -> Study:
    uid = stored.header.study_instance_uid
    study = session.get(Study, uid)
    if study is None:
        study = _new_study(stored.header, stored)
        session.add(study)
        # From now on the session finds it.
        session.flush()
        record(
            session,
            "study-arrived",
            f"first image of a study from {stored.calling_ae_title or 'an unnamed sender'}",
            study=uid,
        )
    return study


def _row(stored: StoredInstance) -> dict[str, object]:
    header = stored.header
    return {
        "study_instance_uid": header.study_instance_uid,
        "series_instance_uid": header.series_instance_uid,
        "sop_instance_uid": header.sop_instance_uid,
        "sop_class_uid": header.sop_class_uid,
        "transfer_syntax_uid": stored.transfer_syntax_uid,
        "path": stored.path,
        "sha256": stored.sha256,
        "size": stored.size,
        "conflicting": not stored.is_first_copy,
        "calling_ae_title": stored.calling_ae_title,
        "received": stored.received,
    }


def reconcile(database: Database, spool: Spool) -> int:
    """Index what is in the spool and not in the database, and drop rows whose file is gone; return the number indexed.

    To be called before receiving starts: a killed node may have stored an instance and not indexed it. A file that
    cannot be read is an event, and stays where it is; one that a loss of power has torn is set aside.
    """
    indexed, lost = _index_unknown(database, spool)
    if lost:
        with database.write() as session:
            _forget(session, lost)
    return indexed


def _index_unknown(database: Database, spool: Spool) -> tuple[int, list[str]]:
    """Index what is in the spool and not in the database; return the number, and the paths whose file is gone."""
    with database.read() as session:
        known = set(session.scalars(select(Instance.path)))
    found = set()
    unknown = []
    for path in spool.paths():
        found.add(path)
        if path not in known:
            unknown.append(path)
    indexed = 0
    for start in range(0, len(unknown), _BATCH):
        with database.write() as session:
            for path in unknown[start : start + _BATCH]:
                indexed += _index_file(session, spool, path)
    return indexed, sorted(known - found)


def instance_files(session: Session, study_instance_uid: str) -> dict[str, str]:
    """Return the file of each instance of a study that is in use, by SOP Instance UID; paths are below the spool."""
    rows = session.execute(
        select(Instance.sop_instance_uid, Instance.path)
        .where(Instance.study_instance_uid == study_instance_uid, Instance.conflicting.is_(False))
        .order_by(Instance.id)
    )
    return {row.sop_instance_uid: row.path for row in rows}


class ReceiveIndex:
    """Writes what the receiver processes tell into the database.

    It is a :class:`deploy.node.receive.reports.ReceiveListener`.
    """

    def __init__(self, database: Database, rejections: Rejections) -> None:
        self._database = database
        self._rejections = rejections

    def received(self, batch: Sequence[Received]) -> None:
        """Index what has come, all in one transaction: the sender does not wait for it."""
        try:
            self._write(batch)
        except DBAPIError as error:
            if is_passing(error) or len(batch) == 1:
                raise
            # One thing that the database does not take must not keep the others out.
            self._write_each(batch)

    def receiver_died(self, spool: Spool) -> None:
        """Index what a receiver process has stored and not told."""
        indexed, _ = _index_unknown(self._database, spool)
        log("recovered", f"indexed {indexed} instances of which the receiver process had not told")

    def refused_caller(self, refused: RefusedCaller) -> None:
        """Count a caller that was turned away."""
        self._rejections.add(Rejection(**vars(refused)))

    def _write(self, batch: Sequence[Received]) -> None:
        # What is only of the spool can be had from it again.
        rebuildable = all(isinstance(each, StoredInstance) for each in batch)
        with self._database.write(rebuildable=rebuildable) as session:
            index_instances(session, [each for each in batch if isinstance(each, StoredInstance)])
            for each in batch:
                if isinstance(each, StoredInstance):
                    continue
                if isinstance(each, RefusedInstance):
                    _record_refusal(session, each)
                else:
                    _record_association(session, each)

    def _write_each(self, batch: Sequence[Received]) -> None:
        failed = None
        for each in batch:
            try:
                self._write([each])
            except DBAPIError as error:
                if is_passing(error):
                    raise
                failed = error
                log_failure("index-failed", f"{each} could not be recorded")
        if failed is not None:
            raise failed


def _record_refusal(session: Session, refusal: RefusedInstance) -> None:
    record(
        session,
        "instance-refused",
        f"refused {refusal.sop_instance_uid or 'an instance'} from {refusal.calling_ae_title} with status "
        f"0x{refusal.status:04X}: {refusal.reason}",
        study=refusal.study_instance_uid,
        status=refusal.status,
    )


def _record_association(session: Session, association: OpenAssociation) -> None:
    """Record what an association brought, for each study."""
    for uid, counts in association.studies.items():
        parts = [f"{counts[arrival]} {meaning}" for arrival, meaning in _MEANINGS.items() if counts[arrival]]
        record(
            session,
            "received",
            f"{association.calling_ae_title} sent {', '.join(parts)} and {association.ending}",
            study=uid,
            ending=association.ending,
            sent_all=association.sent_all,
            **{arrival.value: counts[arrival] for arrival in Arrival},
        )


_MEANINGS = {
    Arrival.NEW: "new instances",
    Arrival.DUPLICATE: "that were there already",
    Arrival.CONFLICTING: "that differ from those there under the same UID",
}


def _new_study(header: InstanceHeader, stored: StoredInstance) -> Study:
    # Senders break the lengths of PS3.5 table 6.2-1; what is shown to people may be cut.
    return Study(
        study_instance_uid=header.study_instance_uid,
        patient_id=header.patient_id[:64],
        patient_name=header.patient_name,
        accession_number=header.accession_number[:16],
        study_date=header.study_date[:8],
        description=header.study_description[:64],
        first_received=stored.received,
        last_received=stored.received,
    )


def _index_file(session: Session, spool: Spool, path: str) -> int:
    try:
        stored = spool.read(path)
        spool.make_durable(path)
    except TornFileError as error:
        aside = spool.set_aside(path)
        text = f"{path} was never acknowledged and did not reach the disk whole ({error}): it is kept as {aside}"
        record(session, "torn-file", text, study=path.partition("/")[0], path=aside)
        return 0
    except (OSError, NotDicomFileError, UnreadableHeaderError) as error:
        record(session, "unreadable-file", f"{path} in the spool cannot be indexed: {error}", path=path)
        return 0
    index_instance(session, stored)
    session.flush()
    return 1


def _forget(session: Session, paths: list[str]) -> None:
    for path in paths:
        row = session.scalars(select(Instance).where(Instance.path == path)).one()
        record(
            session,
            "file-gone",
            f"{path} is no longer in the spool: the instance is forgotten",
            study=row.study_instance_uid,
            path=path,
        )
        session.delete(row)
