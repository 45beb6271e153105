"""Questions to archives, asked by threads of their own: an archive that is slow to answer stops nobody."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from deploy.node.events import log_failure

Lane = tuple[str, str]
"""What is asked one after another: the name of an archive, and what for."""

Key = tuple[str, str, str, int]
"""What is asked: what for, the archive's name, the Study Instance UID, and the study's revision if it depends on it."""


@dataclass(frozen=True)
class Answer:
    """What came of a question: its value, or a sentence on why there is none; ``asked`` and ``answered`` are times."""

    value: Any
    problem: str
    asked: datetime
    answered: datetime


class Background:
    """Asks questions, each lane in a thread of its own, which is started when it is first needed."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._lanes: dict[Lane, queue.SimpleQueue[tuple[Key, Callable[[], object]]]] = {}
        self._asked: dict[Key, datetime] = {}
        self._answers: dict[Key, Answer] = {}

    def ask(self, lane: Lane, key: Key, question: Callable[[], object]) -> None:
        """Ask, unless the same is being asked; an earlier answer stays until the new one is there."""
        with self._lock:
            if key in self._asked:
                return
            self._asked[key] = self._clock()
            if lane not in self._lanes:
                self._lanes[lane] = queue.SimpleQueue()
                # Ends with the process: what an archive has not answered by then is asked again by the next one.
                threading.Thread(
                    target=self._work, args=(self._lanes[lane],), name=f"{lane[1]} at {lane[0]}", daemon=True
                ).start()
            self._lanes[lane].put((key, question))

    def asked(self, key: Key) -> datetime | None:
        """Return since when a question waits for its answer; None if it does not."""
        with self._lock:
            return self._asked.get(key)

    def answer(self, key: Key) -> Answer | None:
        """Return the last answer to a question, None if there was none yet."""
        with self._lock:
            return self._answers.get(key)

    def forget(self, concerns: Callable[[Key], bool]) -> None:
        """Drop the answers that nobody will want again."""
        with self._lock:
            self._answers = {key: answer for key, answer in self._answers.items() if not concerns(key)}

    def _work(self, questions: queue.SimpleQueue[tuple[Key, Callable[[], object]]]) -> None:
        while True:
            key, question = questions.get()
            value, problem = None, ""
            try:
                value = question()
            # Whatever an archive answers or we make of it, the study is decided over without.
            except Exception as error:
                problem = f"{type(error).__name__}: {error}"
                log_failure("archive-failed", f"{key}: {problem}")
            with self._lock:
                asked = self._asked.pop(key)
                self._answers[key] = Answer(value, problem, asked, self._clock())
