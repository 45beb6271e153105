"""The evidence on whether all of a study has come: plain numbers and who says so."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Count:
    """How many instances the study has by someone who knows it: ``source`` as a person would name it."""

    source: str
    instances: int


@dataclass(frozen=True)
class Ending:
    """How an association or a request ended: ``text`` as one says it of the sender, "released the association".

    ``sent_all`` tells whether the sender ended it in peace (PS3.8 section 7.2) and so has no more to send.
    """

    text: str
    sent_all: bool


@dataclass(frozen=True)
class Announced:
    """What a Modality Performed Procedure Step or an Instance Availability Notification says of the study.

    ``status`` is that of the procedure step (PS3.3 C.4.14), or ``AVAILABLE``; ``instances`` is how many it lists,
    ``absent`` how many of them are not here.
    """

    source: str
    status: str
    instances: int
    absent: int


@dataclass(frozen=True)
class Evidence:
    """Everything that is known about the completeness of one study for one app. Times are in seconds.

    ``quiet`` is the time since the last image or, if that is shorter, since the node listens; ``received`` the number
    of instances here, ``results`` that of results that were sent and have not come back, which an archive counts, too.
    ``receiving`` tells whether an association that brought images of it is open, ``ending`` how the
    last one ended, None if that is not known. ``pause`` is the longest pause
    that the study's sender has lately made within a study. ``lacking`` are sentences on what the app's series lack by
    their geometry and by Images in Acquisition (0020,1002). ``unanswered`` are who was asked and is about to answer,
    ``problems`` sentences on who could not be asked.
    """

    quiet: float
    received: int
    results: int = 0
    receiving: bool = False
    ending: Ending | None = None
    pause: float | None = None
    counts: tuple[Count, ...] = ()
    announced: tuple[Announced, ...] = ()
    lacking: tuple[str, ...] = ()
    unanswered: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    def as_data(self) -> dict[str, object]:
        """Return the evidence as JSON-compatible values; what nobody has said is left out."""
        found = {**asdict(self), "quiet": round(self.quiet, 3)}
        return {name: value for name, value in found.items() if value not in (None, ())}
