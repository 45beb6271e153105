"""What can be wrong with the request of an association (PS3.8 9.3.2 and annex D)."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.reliability.malformed.conversations import proposals
from tests.reliability.malformed.texts import HOSTILE
from tests.reliability.upper_layer import EXPLICIT, VERIFICATION, Proposal, associate_request, item, pdu

Mutation = Callable[[bytes, random.Random], bytes]

_USER_ITEMS = (0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x60, 0x00, 0xFF)


def hostile_titles(request: bytes, generator: random.Random) -> bytes:
    title = generator.choice(HOSTILE)[:16].ljust(16, generator.choice((b" ", b"\0", b"\xff")))
    start = generator.choice((10, 26))
    return request[:start] + title + request[start + 16 :]


def wrong_item(request: bytes, generator: random.Random) -> bytes:
    """An item of another type or length, with the PDU's own length kept right."""
    position, starts = 74, []
    while position + 4 <= len(request):
        starts.append(position)
        position += 4 + int.from_bytes(request[position + 2 : position + 4], "big")
    start = generator.choice(starts)
    content = bytearray(request)
    if generator.random() < 0.5:
        content[start] = generator.randrange(256)
    else:
        length = generator.choice((0, 1, 3, 4, 0xFFFF, int.from_bytes(content[start + 2 : start + 4], "big") + 1))
        content[start + 2 : start + 4] = struct.pack(">H", length & 0xFFFF)
    return bytes(content)


def odd_contexts(request: bytes, generator: random.Random) -> bytes:
    """Presentation context IDs that are even, double, or too many; syntaxes that are none."""
    match generator.randrange(5):
        case 0:
            identifiers = [0, 2, 4, 254]
        case 1:
            identifiers = [1, 1, 1, 3]
        case 2:
            identifiers = list(range(1, 256, 2)) * generator.choice((1, 3))
        case 3:
            return associate_request([Proposal(1, "", ("",)), Proposal(3, VERIFICATION, ())])
        case _:
            bad = generator.choice(HOSTILE).decode("latin-1")
            return associate_request([Proposal(1, bad[:64], (bad, EXPLICIT)), *proposals(EXPLICIT)[1:]])
    return associate_request([Proposal(identifier, VERIFICATION) for identifier in identifiers])


def no_context(request: bytes, generator: random.Random) -> bytes:
    return associate_request([])


def wrong_version(request: bytes, generator: random.Random) -> bytes:
    return request[:6] + generator.choice((b"\0\0", b"\xff\xff", b"\0\2")) + request[8:]


def wrong_application_context(request: bytes, generator: random.Random) -> bytes:
    return request.replace(b"1.2.840.10008.3.1.1.1", b"1.2.840.10008.3.1.1.9")


def maximum_length(request: bytes, generator: random.Random) -> bytes:
    """A peer that can take nothing, or says that it can take anything."""
    return associate_request(proposals(EXPLICIT), maximum_length=generator.choice((0, 1, 6, 7, 12, 0xFFFFFFFF)))


def more_user_items(request: bytes, generator: random.Random) -> bytes:
    """User information of every kind, as it may be or not."""
    kind = generator.choice(_USER_ITEMS)
    content = generator.choice(
        (
            b"",
            bytes(2),
            generator.randbytes(generator.choice((1, 4, 20, 3000))),
            struct.pack(">H", 0xFFFF),
            struct.pack(">BBH", 2, 1, 5) + b"guest" + struct.pack(">H", 0xFFFF),
            struct.pack(">H", 17) + b"1.2.840.10008.1.1" + b"\1\1",
        )
    )
    extra = item(kind, content) * generator.choice((1, 2, 20))
    start = request.rindex(item(0x51, struct.pack(">I", 65536)))
    user = request[start:] + extra
    return pdu(0x01, request[6 : start - 4] + item(0x50, user))


def large(request: bytes, generator: random.Random) -> bytes:
    """A request of megabytes, whose items are all well formed."""
    return pdu(0x01, request[6:] + item(0x20, bytes((9, 0, 0, 0)) + bytes(60000)) * generator.choice((2, 40)))


MUTATIONS: tuple[Mutation, ...] = (
    hostile_titles,
    wrong_item,
    odd_contexts,
    no_context,
    wrong_version,
    wrong_application_context,
    maximum_length,
    more_user_items,
    large,
)
