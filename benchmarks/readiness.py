"""How long one look of readiness takes, with many studies arriving and waiting.

An hour of a large hospital has 250 examinations; here are 30 studies being received, 30 that wait (some of 500 images)
and 3,000 that are decided over. Prints the time of one look (ms) when nothing has changed, when images come, and when a
study of 500 slices settles and its headers are read. ``python -m benchmarks.readiness``
"""

from __future__ import annotations

import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from pydicom.filereader import read_file_meta_info
from pydicom.uid import ExplicitVRLittleEndian, MRImageStorage

from apps.run import app_manifest
from deploy.node.config import ReadinessConfig
from deploy.node.database import Database, Instance, ProcedureStep, Study, open_database
from deploy.node.readiness import Readiness
from deploy.node.routed_app import RoutedApp
from deploy.node.spool import Spool
from phantoms.mr_brain.dicom import write_brain_mr
from phantoms.mr_brain.simulate import simulate_brain_mr

APP = "mr_white_matter_lesions"
DECIDED = 3000
ARRIVING = 30
WAITING = 30
LARGE = 500
LOOKS = 50


def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp(prefix="gantry-readiness-"))
    try:
        measure(folder)
    finally:
        shutil.rmtree(folder)


def measure(folder: Path) -> None:
    """Fill a node's database and spool, and time the looks."""
    database, spool = open_database(folder), Spool(folder)
    images = write_brain_mr(simulate_brain_mr(3, size="small"), folder / "images").series["FLAIR"].paths
    now = datetime.now(timezone.utc)
    ahead = timedelta(0)
    manifest = app_manifest(APP)
    with database.write() as session:
        session.add_all(study(f"1.2.{number}", now, decided=now) for number in range(DECIDED))
    for number in range(WAITING):
        fill(database, spool, f"1.3.{number}", images, LARGE if number % 10 == 0 else 60, now)
        with database.write() as session:
            session.add(procedure_step(f"1.3.{number}", now))
    arriving = [f"1.4.{number}" for number in range(ARRIVING)]
    for uid in arriving:
        fill(database, spool, uid, images, 60, now + timedelta(hours=1))

    readiness = Readiness(
        database,
        spool,
        {APP: RoutedApp(manifest, manifest.settings)},
        ReadinessConfig(maximum_wait_seconds=1e6),
        lambda uid: True,
        clock=lambda: now + ahead,
    )
    ahead = timedelta(seconds=30)
    print(f"{ARRIVING} studies arriving, {WAITING} waiting ({WAITING // 10} of {LARGE} images), {DECIDED} decided")
    show("the first look, which reads the headers of all that wait", [timed(readiness.ready_studies)])
    show("nothing has changed", [timed(readiness.ready_studies) for _ in range(LOOKS)])
    changes = []
    for number in range(LOOKS):
        with database.write(rebuildable=True) as session:
            for uid in arriving:
                row = session.get_one(Study, uid)
                row.reopen()
                row.last_received = now + ahead + timedelta(milliseconds=number)
        changes.append(timed(readiness.ready_studies))
    show("an image has come of each study that arrives", changes)
    settles = []
    for _ in range(10):
        with database.write(rebuildable=True) as session:
            session.get_one(Study, "1.3.0").reopen()
        settles.append(timed(readiness.ready_studies))
    show(f"a study of {LARGE} images has settled", settles)
    database.close()


def study(uid: str, received: datetime, decided: datetime | None = None) -> Study:
    """A row of a study that was received at that time."""
    return Study(study_instance_uid=uid, first_received=received, last_received=received, decided=decided)


def procedure_step(uid: str, now: datetime) -> ProcedureStep:
    """A procedure step that lists images that have not come: the study waits."""
    listed = [f"{uid}.{number}" for number in range(LARGE)]
    return ProcedureStep(
        sop_instance_uid=f"{uid}.9",
        study_instance_uid=uid,
        status="COMPLETED",
        sop_instance_uids=[*listed, "2.25.1"],
        updated=now,
    )


def fill(database: Database, spool: Spool, uid: str, images: tuple[Path, ...], count: int, received: datetime) -> None:
    """Put images of a study into the spool and the index, without a receiver."""
    series = spool.folder / uid / f"{uid}.1"
    series.mkdir(parents=True)
    rows = []
    for number in range(count):
        path = series / f"{uid}.1.{number}.dcm"
        path.write_bytes(with_other_uid(images[number % len(images)], number))
        rows.append(
            Instance(
                study_instance_uid=uid,
                series_instance_uid=f"{uid}.1",
                sop_instance_uid=f"{uid}.1.{number}",
                sop_class_uid=MRImageStorage,
                transfer_syntax_uid=ExplicitVRLittleEndian,
                path=str(path.relative_to(spool.folder)),
                sha256=f"{uid}.{number}",
                size=path.stat().st_size,
                calling_ae_title="SCANNER",
                received=received,
            )
        )
    with database.write() as session:
        session.add(study(uid, received))
        session.flush()
        session.add_all(rows)


def with_other_uid(path: Path, number: int) -> bytes:
    """The bytes of an image as those of another instance, of the same length."""
    uid = str(read_file_meta_info(path).MediaStorageSOPInstanceUID)
    return path.read_bytes().replace(uid.encode(), f"{uid[:-4]}{number:04}".encode())


def timed(work: Callable[[], object]) -> float:
    """The time of one call in milliseconds."""
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)


def show(what: str, times: list[float]) -> None:
    """Print median and maximum."""
    print(f"{what:<60} median {statistics.median(times):7.2f} ms   maximum {max(times):7.2f} ms   of {len(times)}")


if __name__ == "__main__":
    main()
