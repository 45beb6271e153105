"""Valid conversations in parts that can be spoilt one by one: the request of the association, then messages."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from pydicom.uid import MRImageStorage

from tests.reliability.upper_layer import (
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    VERIFICATION,
    Proposal,
    associate_request,
    command_set,
    echo_command,
    p_data,
    store_command,
    uid_value,
    us,
)

STORE, ECHO, COMMIT, STEP = 1, 3, 5, 7
"""Presentation context IDs in every conversation; the storage context's transfer syntax varies."""

COMMITMENT = "1.2.840.10008.1.20.1"
COMMITMENT_INSTANCE = "1.2.840.10008.1.20.1.1"
PROCEDURE_STEP = "1.2.840.10008.3.1.2.3.3"


@dataclass(frozen=True)
class Element:
    """One data element: tag, VR and value, or the items of a sequence."""

    group: int
    element: int
    vr: bytes
    value: bytes | tuple[tuple[Element, ...], ...]


Elements = tuple[Element, ...]


@dataclass(frozen=True)
class Message:
    """One message before it is cut into fragments."""

    context: int
    command: bytes
    data_set: bytes | None = None


@dataclass(frozen=True)
class Conversation:
    """What a requestor says, by parts."""

    request: bytes
    messages: tuple[Message, ...]
    transfer_syntax: str


def proposals(transfer_syntax: str) -> tuple[Proposal, ...]:
    """The presentation contexts of every conversation."""
    return (
        Proposal(STORE, str(MRImageStorage), (transfer_syntax,)),
        Proposal(ECHO, VERIFICATION, (IMPLICIT,)),
        Proposal(COMMIT, COMMITMENT, (EXPLICIT, IMPLICIT)),
        Proposal(STEP, PROCEDURE_STEP, (EXPLICIT, IMPLICIT)),
    )


def instance(study: str, number: int, generator: random.Random) -> Elements:
    """A small MR instance, as elements in the order of their tags."""
    pixels = generator.randbytes(2 * 16 * 16)
    source = ((Element(8, 0x1150, b"UI", uid(MRImageStorage)), Element(8, 0x1155, b"UI", uid(f"{study}.9.9"))),)
    return (
        Element(8, 0x0005, b"CS", b"ISO_IR 100"),
        Element(8, 0x0016, b"UI", uid(MRImageStorage)),
        Element(8, 0x0018, b"UI", uid(f"{study}.1.{number}")),
        Element(8, 0x0020, b"DA", b"20260105"),
        Element(8, 0x0050, b"SH", b"A1"),
        Element(8, 0x0060, b"CS", b"MR"),
        Element(8, 0x1030, b"LO", b"Fuzzed"),
        Element(8, 0x1140, b"SQ", source),
        Element(0x10, 0x0010, b"PN", b"Fuzz^Network"),
        Element(0x10, 0x0020, b"LO", b"F1"),
        Element(0x20, 0x000D, b"UI", uid(study)),
        Element(0x20, 0x000E, b"UI", uid(f"{study}.1")),
        Element(0x20, 0x0013, b"IS", f"{number:<4}".encode()),
        Element(0x28, 0x0002, b"US", us(1)),
        Element(0x28, 0x0004, b"CS", b"MONOCHROME2 "),
        Element(0x28, 0x0010, b"US", us(16)),
        Element(0x28, 0x0011, b"US", us(16)),
        Element(0x28, 0x0100, b"US", us(16)),
        Element(0x28, 0x0101, b"US", us(16)),
        Element(0x28, 0x0102, b"US", us(15)),
        Element(0x28, 0x0103, b"US", us(0)),
        Element(0x7FE0, 0x0010, b"OW", pixels),
    )


def uid(text: str) -> bytes:
    """A UID as a value."""
    return uid_value(text)


def encode(elements: Sequence[Element], transfer_syntax: str) -> bytes:
    """The data set's bytes (PS3.5 section 7)."""
    content = b"".join(_encode(element, transfer_syntax != IMPLICIT) for element in elements)
    return deflate(content) if transfer_syntax == DEFLATED else content


def deflate(content: bytes) -> bytes:
    """Deflated as PS3.5 A.5 has it: RFC 1951 alone, of even length."""
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = compressor.compress(content) + compressor.flush()
    return deflated + b"\0" * (len(deflated) % 2)


def _encode(element: Element, explicit: bool) -> bytes:
    if isinstance(element.value, bytes):
        value = element.value
    else:
        items = (b"".join(_encode(each, explicit) for each in each_item) for each_item in element.value)
        value = b"".join(struct.pack("<HHI", 0xFFFE, 0xE000, len(content)) + content for content in items)
    tag = struct.pack("<HH", element.group, element.element)
    if not explicit:
        return tag + struct.pack("<I", len(value)) + value
    if element.vr in (b"OB", b"OW", b"SQ", b"UN", b"UT", b"OF", b"OD", b"OL", b"UC", b"UR"):
        return tag + element.vr + b"\0\0" + struct.pack("<I", len(value)) + value
    return tag + element.vr + struct.pack("<H", len(value) & 0xFFFF) + value


def valid(study: str, generator: random.Random) -> Conversation:
    """A conversation that a node answers throughout."""
    transfer_syntax = generator.choice((EXPLICIT, EXPLICIT, IMPLICIT, DEFLATED))
    kind = generator.randrange(10)
    if kind == 0:
        messages: tuple[Message, ...] = (Message(ECHO, echo_command(1)),)
    elif kind == 1:
        messages = (commitment(study, generator),)
    elif kind == 2:
        messages = (procedure_step(study),)
    else:
        messages = tuple(
            store(study, number, transfer_syntax, generator) for number in range(1, generator.randint(1, 2) + 1)
        )
    return Conversation(associate_request(proposals(transfer_syntax)), messages, transfer_syntax)


def store(study: str, number: int, transfer_syntax: str, generator: random.Random) -> Message:
    """A C-STORE request."""
    data_set = encode(instance(study, number, generator), transfer_syntax)
    return Message(STORE, store_command(number, str(MRImageStorage), f"{study}.1.{number}"), data_set)


def commitment(study: str, generator: random.Random) -> Message:
    """An N-ACTION request for storage commitment (PS3.4 J.3.2)."""
    command = command_set(
        [
            (0x0003, uid(COMMITMENT)),
            (0x0100, us(0x0130)),
            (0x0110, us(1)),
            (0x0800, us(0)),
            (0x1001, uid(COMMITMENT_INSTANCE)),
            (0x1008, us(1)),
        ]
    )
    reference = (Element(8, 0x1150, b"UI", uid(MRImageStorage)), Element(8, 0x1155, b"UI", uid(f"{study}.1.1")))
    elements = (
        Element(8, 0x1195, b"UI", uid(f"2.25.{generator.getrandbits(100)}")),
        Element(8, 0x1199, b"SQ", (reference,)),
    )
    return Message(COMMIT, command, encode(elements, EXPLICIT))


def procedure_step(study: str) -> Message:
    """An N-CREATE request for a performed procedure step (PS3.4 F.7.2)."""
    command = command_set(
        [
            (0x0002, uid(PROCEDURE_STEP)),
            (0x0100, us(0x0140)),
            (0x0110, us(1)),
            (0x0800, us(0)),
            (0x1000, uid(f"{study}.7")),
        ]
    )
    elements = (
        Element(0x40, 0x0252, b"CS", b"IN PROGRESS "),
        Element(0x40, 0x0270, b"SQ", ((Element(0x20, 0x000D, b"UI", uid(study)),),)),
    )
    return Message(STEP, command, encode(elements, EXPLICIT))


def pdus(conversation: Conversation, fragment_size: int) -> list[bytes]:
    """The PDUs in order: the request, then each message in fragments."""
    found = [conversation.request]
    for message in conversation.messages:
        found.append(p_data(message.context, message.command, command=True, last=True))
        if message.data_set is not None:
            starts = range(0, max(len(message.data_set), 1), fragment_size)
            for start in starts:
                part = message.data_set[start : start + fragment_size]
                found.append(
                    p_data(message.context, part, command=False, last=start + fragment_size >= len(message.data_set))
                )
    return found
