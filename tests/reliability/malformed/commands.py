"""What can be wrong with command sets (PS3.7 section 6.3 and annex E)."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable

from tests.reliability.malformed.texts import HOSTILE
from tests.reliability.upper_layer import command_set, uid_value, us

Elements = list[tuple[int, bytes]]
Mutation = Callable[[Elements, random.Random], bytes]

_FIELDS = (
    0x0001, 0x8001, 0x0010, 0x8010, 0x0020, 0x0021, 0x0030, 0x8030, 0x0100, 0x8100, 0x0110, 0x0120, 0x0130, 0x0140,
    0x0150, 0x0FFF, 0x0000, 0xFFFF, 0x1234,
)  # fmt: skip


def decode(command: bytes) -> Elements:
    """The elements of a valid command set without its group length."""
    position, found = 12, []
    while position < len(command):
        _, element, length = struct.unpack_from("<HHI", command, position)
        found.append((element, command[position + 8 : position + 8 + length]))
        position += 8 + length
    return found


def another_field(elements: Elements, generator: random.Random) -> bytes:
    """A message of another kind, also a response, or of no kind at all."""
    field = generator.choice(_FIELDS)
    return command_set([(tag, us(field) if tag == 0x0100 else value) for tag, value in elements])


def missing_element(elements: Elements, generator: random.Random) -> bytes:
    elements.pop(generator.randrange(len(elements)))
    return command_set(elements)


def repeated_element(elements: Elements, generator: random.Random) -> bytes:
    return command_set([*elements, generator.choice(elements)])


def no_order(elements: Elements, generator: random.Random) -> bytes:
    generator.shuffle(elements)
    return command_set(elements)


def hostile_uid(elements: Elements, generator: random.Random) -> bytes:
    text = generator.choice(HOSTILE)
    return command_set([(tag, text if tag in (0x0002, 0x1000, 0x0003, 0x1001) else value) for tag, value in elements])


def wrong_size(elements: Elements, generator: random.Random) -> bytes:
    """A value of another length than its VR has."""
    index = generator.randrange(len(elements))
    tag, value = elements[index]
    elements[index] = (tag, generator.choice((b"", value[:1], value * 2, value + b"\0" * 3, value * 5000)))
    return command_set(elements)


def wrong_length(elements: Elements, generator: random.Random) -> bytes:
    """A length that leads beyond the end, or into the middle of the next element."""
    content = bytearray(command_set(elements))
    position = generator.choice([0, *_positions(content)])
    length = generator.choice((0, 1, 3, 0x7FFFFFFF, 0xFFFFFFFF, len(content)))
    content[position + 4 : position + 8] = struct.pack("<I", length)
    return bytes(content)


def other_data_set_type(elements: Elements, generator: random.Random) -> bytes:
    """A data set is announced that does not come, or comes unannounced."""
    return command_set(
        [(tag, us(0x0101 if value == us(0) else 0) if tag == 0x0800 else value) for tag, value in elements]
    )


def other_groups(elements: Elements, generator: random.Random) -> bytes:
    """Elements of other groups than 0000."""
    extra = struct.pack("<HHI", generator.choice((2, 8, 0x10, 0xFFFE)), generator.randrange(0x10000), 4) + bytes(4)
    return command_set(elements) + extra


def explicit_vr(elements: Elements, generator: random.Random) -> bytes:
    """A command set in Explicit VR, which is never used for one."""
    return b"".join(
        struct.pack("<HH2sH", 0, tag, b"UI" if len(value) > 2 else b"US", len(value)) + value for tag, value in elements
    )


def noise(elements: Elements, generator: random.Random) -> bytes:
    return generator.randbytes(generator.choice((0, 1, 7, 8, 200, 20000)))


def another_instance(elements: Elements, generator: random.Random) -> bytes:
    """The request says another instance than the data set."""
    other = uid_value(f"2.25.{generator.getrandbits(90)}")
    return command_set([(tag, other if tag == 0x1000 else value) for tag, value in elements])


def _positions(content: bytes | bytearray) -> list[int]:
    position, found = 12, []
    while position < len(content):
        found.append(position)
        position += 8 + int.from_bytes(content[position + 4 : position + 8], "little")
    return found


MUTATIONS: tuple[Mutation, ...] = (
    another_field,
    missing_element,
    repeated_element,
    no_order,
    hostile_uid,
    wrong_size,
    wrong_length,
    other_data_set_type,
    other_groups,
    explicit_vr,
    noise,
    another_instance,
)
