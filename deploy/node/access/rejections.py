"""What was refused, in the log of events: every refusal counts, a flood of them cannot fill the database."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

from deploy.node.bell import Bell
from deploy.node.database import Database
from deploy.node.events import record

KIND = "association-rejected"
"""The kind of the event."""

WINDOW_SECONDS = 60.0
"""How long equal refusals are only counted after one was recorded."""

MAXIMUM_GROUPS = 20
"""How many different callers are told apart at a time; what more there are is counted together."""

_Group = tuple[str, str, str]

_OTHERS: _Group = ("", "", "")


@dataclass(frozen=True)
class Rejection:
    """One refused caller; ``reason`` is a short code such as those of ``Reason``, ``text`` a sentence for people.

    What is not known, as when TLS itself has failed, is empty, and ``certificate_names`` None.
    """

    reason: str
    text: str
    address: str
    calling_ae_title: str = ""
    called_ae_title: str = ""
    certificate_names: tuple[str, ...] | None = None

    @property
    def group(self) -> _Group:
        """What refusals have in common that are counted together."""
        return self.calling_ae_title, self.address, self.reason


@dataclass
class _Counted:
    # What is told of the group: its last refusal.
    last: Rejection
    count: int = 0
    recorded: float | None = None


class Rejections:
    """Counts refusals and records them: the first of a caller at once, the next ones within a minute as one event.

    The sum of ``count`` over the events is the exact number of refusals once :meth:`run` has ended. Usable from any
    thread.
    """

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._groups: dict[_Group, _Counted] = {}
        self._by_reason: Counter[str] = Counter()
        self._bell = Bell()

    def add(self, rejection: Rejection) -> None:
        """Count one refusal. Never waits for the database: :meth:`run` writes."""
        with self._lock:
            self._by_reason[rejection.reason] += 1
            group = rejection.group
            if group not in self._groups and len(self._groups) >= MAXIMUM_GROUPS:
                group = _OTHERS
            counted = self._groups.setdefault(group, _Counted(rejection))
            counted.last = rejection
            counted.count += 1
        self._bell.ring()

    def by_reason(self) -> dict[str, int]:
        """Return the number of refusals by reason since the node has started."""
        with self._lock:
            return dict(self._by_reason)

    def run(self, stop: threading.Event) -> None:
        """Record what is counted until ``stop`` is set, then the rest."""
        self._bell.work_until(stop, self.write)
        self.write(rest=True)

    def write(self, *, rest: bool = False) -> bool:
        """Record what is due, with ``rest`` everything that is counted; return False. Only one thread may call it."""
        now = self._clock()
        with self._lock:
            for group, counted in list(self._groups.items()):
                if counted.count == 0 and _is_over(counted, now):
                    del self._groups[group]
            due = {
                group: (counted.last, counted.count)
                for group, counted in self._groups.items()
                if counted.count and (rest or _is_over(counted, now))
            }
        if not due:
            return False
        with self._database.write() as session:
            for group, (rejection, count) in due.items():
                facts = asdict(rejection)
                del facts["text"]  # it is in the event's own
                record(session, KIND, _told(rejection, count, group), count=count, **facts)
        with self._lock:
            for group, (_, count) in due.items():
                self._groups[group].count -= count
                self._groups[group].recorded = now
        return False


def _is_over(counted: _Counted, now: float) -> bool:
    return counted.recorded is None or now - counted.recorded >= WINDOW_SECONDS


def _told(rejection: Rejection, count: int, group: _Group) -> str:
    caller = f"{rejection.calling_ae_title or 'a caller'} at {rejection.address or 'an unknown address'}"
    if group == _OTHERS:
        return f"{count} callers refused, the last one {caller}: {rejection.text}"
    times = "" if count == 1 else f" {count} times"
    return f"{caller} refused{times}: {rejection.text}"
