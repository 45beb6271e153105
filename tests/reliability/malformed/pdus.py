"""What can be wrong with PDUs: their types, lengths, order and fragments."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.reliability.upper_layer import ABORT, RELEASE_REQUEST, p_data, pdu

Pdus = list[bytes]
Mutation = Callable[[Pdus, random.Random], Pdus]

_LENGTHS = (0, 1, 3, 4, 5, 0x7FFFFFFF, 0xFFFFFFFF, 0xFFFFFFFE, 0x01000000)


def any_index(parts: Pdus, generator: random.Random) -> int:
    """The index of one of the PDUs."""
    return generator.randrange(len(parts))


def wrong_type(parts: Pdus, generator: random.Random) -> Pdus:
    index = any_index(parts, generator)
    parts[index] = bytes((generator.choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 0x80, 0xFF)),)) + parts[index][1:]
    return parts


def wrong_length(parts: Pdus, generator: random.Random) -> Pdus:
    index = any_index(parts, generator)
    length = generator.choice((*_LENGTHS, len(parts[index]) - 6 + generator.choice((-2, -1, 1, 2, 100))))
    parts[index] = parts[index][:2] + struct.pack(">I", max(length, 0)) + parts[index][6:]
    return parts


def truncated(parts: Pdus, generator: random.Random) -> Pdus:
    index = any_index(parts, generator)
    return [*parts[:index], parts[index][: generator.randrange(len(parts[index]))]]


def flipped_bytes(parts: Pdus, generator: random.Random) -> Pdus:
    index = any_index(parts, generator)
    content = bytearray(parts[index])
    for _ in range(generator.choice((1, 2, 8))):
        content[generator.randrange(min(len(content), generator.choice((12, 300, 1 << 20))))] = generator.randrange(256)
    parts[index] = bytes(content)
    return parts


def dropped(parts: Pdus, generator: random.Random) -> Pdus:
    parts.pop(any_index(parts, generator))
    return parts or [RELEASE_REQUEST]


def repeated(parts: Pdus, generator: random.Random) -> Pdus:
    index = any_index(parts, generator)
    return [*parts[: index + 1], *parts[index : index + 1] * generator.choice((1, 1, 5)), *parts[index + 1 :]]


def shuffled(parts: Pdus, generator: random.Random) -> Pdus:
    generator.shuffle(parts)
    return parts


def inserted(parts: Pdus, generator: random.Random) -> Pdus:
    """A PDU that does not belong there: of any type, with bytes of any kind."""
    kind = generator.choice((0, 1, 2, 3, 4, 5, 6, 7, 9, 0x50, 0xFF))
    other = generator.choice(
        (
            pdu(kind, generator.randbytes(generator.choice((0, 1, 4, 68, 200)))),
            pdu(kind, bytes(4)),
            ABORT,
            RELEASE_REQUEST,
            b"GET / HTTP/1.1\r\nHost: gantry\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # a TLS ClientHello's first bytes
            generator.randbytes(generator.choice((1, 5, 6, 7, 1000))),
        )
    )
    parts.insert(generator.randrange(len(parts) + 1), other)
    return parts


def wrong_values(parts: Pdus, generator: random.Random) -> Pdus:
    """Presentation data values with lengths, context IDs or control headers that cannot be."""
    index = generator.randrange(1, len(parts)) if len(parts) > 1 else 0
    content = bytearray(parts[index])
    if len(content) < 12:
        return parts
    match generator.randrange(4):
        case 0:
            content[6:10] = struct.pack(">I", generator.choice((*_LENGTHS, len(content) - 9, len(content) + 10)))
        case 1:
            content[10] = generator.choice((0, 2, 9, 99, 254, 255))
        case 2:
            content[11] = generator.choice((0, 1, 2, 3, 4, 0x80, 0xFF))
        case _:
            # Several values in one PDU, of which the last has no room.
            content += struct.pack(">IBB", generator.choice(_LENGTHS), content[10], content[11])
            content[2:6] = struct.pack(">I", len(content) - 6)
    parts[index] = bytes(content)
    return parts


def never_last(parts: Pdus, generator: random.Random) -> Pdus:
    """Fragments go on and on, and none is marked as the last one."""
    command = generator.random() < 0.5
    size = generator.choice((0, 1, 2, 1000))
    count = generator.choice((1, 50, 500))
    endless = p_data(generator.choice((1, 3)), generator.randbytes(size), command=command, last=False)
    return [*parts[: generator.choice((1, 2))], endless * count]


def interleaved(parts: Pdus, generator: random.Random) -> Pdus:
    """Fragments of another message, or of a command set, between those of a data set."""
    other = p_data(generator.choice((1, 3, 5)), generator.randbytes(20), command=True, last=generator.random() < 0.5)
    parts.insert(generator.randrange(1, len(parts) + 1), other)
    return parts


def data_first(parts: Pdus, generator: random.Random) -> Pdus:
    """A data set without a command set before it."""
    parts.insert(1, p_data(1, generator.randbytes(64), command=False, last=True))
    return parts


def pipelined(parts: Pdus, generator: random.Random) -> Pdus:
    """A flood: the same messages again and again, and no answer is waited for."""
    return [parts[0], *parts[1:] * generator.choice((3, 20))]


MUTATIONS: tuple[Mutation, ...] = (
    wrong_type,
    wrong_length,
    truncated,
    flipped_bytes,
    dropped,
    repeated,
    shuffled,
    inserted,
    wrong_values,
    never_last,
    interleaved,
    data_first,
    pipelined,
)
