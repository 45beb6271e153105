"""One case: a valid conversation, what is spoilt in it, and how the requestor ends it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import Enum

from pydicom.uid import MRImageStorage

from tests.reliability.malformed import commands, conversations, data_sets, pdus, requests
from tests.reliability.malformed.conversations import STORE, Conversation, Message
from tests.reliability.upper_layer import ABORT, RELEASE_REQUEST, store_command


class Ending(str, Enum):
    """What the requestor does when it has said everything."""

    RELEASE = "asks for release"
    ABORT = "aborts"
    CLOSE = "closes its side of the connection"
    RESET = "resets the connection"


@dataclass(frozen=True)
class Case:
    """What goes over the wire, in these pieces; ``name`` tells what is wrong.

    ``waits``: the requestor reads the answer to the first piece, its request of an association, before it goes on. One
    that does not breaks PS3.8 section 9.2 already by that.
    """

    number: int
    name: str
    pieces: tuple[bytes, ...]
    waits: bool
    ending: Ending


def case(seed: int, number: int) -> Case:
    """The case of this number; the same every time."""
    generator = random.Random(f"{seed}/{number}")
    study = f"2.25.{generator.getrandbits(80)}"
    conversation = conversations.valid(study, generator)
    names = []
    kind = generator.choice(("request", "pdu", "pdu", "command", "data set", "data set"))
    if kind == "request":
        change = generator.choice(requests.MUTATIONS)
        conversation = replace(conversation, request=change(conversation.request, generator))
        names.append(f"request: {change.__name__}")
    elif kind == "command":
        name, conversation = _spoilt_command(conversation, generator)
        names.append(name)
    elif kind == "data set":
        name, conversation = _spoilt_data_set(study, conversation, generator)
        names.append(name)
    parts = pdus_of(conversation, generator)
    if kind == "pdu" or generator.random() < 0.1:
        change_pdus = generator.choice(pdus.MUTATIONS)
        parts = change_pdus(parts, generator)
        names.append(f"pdu: {change_pdus.__name__}")
    ending = generator.choice((Ending.RELEASE, Ending.RELEASE, Ending.CLOSE, Ending.ABORT, Ending.RESET))
    if ending is Ending.RELEASE:
        parts.append(RELEASE_REQUEST)
    elif ending is Ending.ABORT:
        parts.append(ABORT)
    waits = generator.random() < 0.9
    first = (parts.pop(0),) if waits else ()
    return Case(number, ", ".join(names), first + _pieces(parts, generator), waits, ending)


def pdus_of(conversation: Conversation, generator: random.Random) -> list[bytes]:
    """The conversation's PDUs, in fragments of some size."""
    return conversations.pdus(conversation, generator.choice((60, 300, 4000, 60000)))


def _spoilt_command(conversation: Conversation, generator: random.Random) -> tuple[str, Conversation]:
    index = generator.randrange(len(conversation.messages))
    message = conversation.messages[index]
    change = generator.choice(commands.MUTATIONS)
    spoilt = replace(message, command=change(commands.decode(message.command), generator))
    messages = (*conversation.messages[:index], spoilt, *conversation.messages[index + 1 :])
    return f"command: {change.__name__}", replace(conversation, messages=messages)


def _spoilt_data_set(study: str, conversation: Conversation, generator: random.Random) -> tuple[str, Conversation]:
    change = generator.choice(data_sets.MUTATIONS)
    elements = conversations.instance(study, 1, generator)
    data_set = change(elements, conversation.transfer_syntax, generator)
    command = store_command(1, str(MRImageStorage), f"{study}.1.1")
    return f"data set: {change.__name__}", replace(conversation, messages=(Message(STORE, command, data_set),))


def _pieces(parts: list[bytes], generator: random.Random) -> tuple[bytes, ...]:
    """How the bytes are handed to the network: together, PDU by PDU, or torn at any place."""
    content = b"".join(parts)
    match generator.randrange(4):
        case 0:
            return tuple(parts)
        case 1:
            places = sorted(generator.randrange(len(content) + 1) for _ in range(generator.choice((1, 3, 20))))
            starts, ends = [0, *places], [*places, len(content)]
            return tuple(content[start:end] for start, end in zip(starts, ends, strict=True))
        case _:
            return (content,)
