"""What can be wrong with data sets (PS3.5 section 7), and deflate bombs (PS3.5 A.5)."""

from __future__ import annotations

import functools
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace

from tests.reliability.malformed.conversations import Element, Elements, deflate, encode
from tests.reliability.malformed.texts import HOSTILE
from tests.reliability.upper_layer import DEFLATED, EXPLICIT, IMPLICIT

Mutation = Callable[[Elements, str, random.Random], bytes]

_IDENTIFIERS = ((0x0008, 0x0016), (0x0008, 0x0018), (0x0020, 0x000D), (0x0020, 0x000E))
_BOMB_BYTES = 1 << 28
_UNDEFINED = 0xFFFFFFFF


def hostile_uid(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    tag = generator.choice(_IDENTIFIERS)
    text = generator.choice(HOSTILE)
    return encode([replace(e, value=text) if (e.group, e.element) == tag else e for e in elements], syntax)


def hostile_text(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    """Any text value: names, descriptions, character sets, dates."""
    index = generator.choice([i for i, e in enumerate(elements) if isinstance(e.value, bytes) and e.vr != b"OW"])
    changed = replace(elements[index], value=generator.choice((*HOSTILE, generator.randbytes(70000))))
    return encode([*elements[:index], changed, *elements[index + 1 :]], syntax)


def missing_element(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    index = generator.randrange(len(elements))
    return encode([*elements[:index], *elements[index + 1 :]], syntax)


def repeated_element(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    index = generator.randrange(len(elements))
    return encode([*elements[: index + 1], *elements[index:]], syntax)


def no_order(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    return encode(generator.sample(elements, len(elements)), syntax)


def other_groups(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    """Elements of a command set or of File Meta Information inside the data set."""
    extra = Element(generator.choice((0, 2, 4, 6)), generator.choice((0, 2, 3, 0x10)), b"UI", b"1.2\0")
    return encode([extra, *elements], syntax)


def deep_sequences(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    """Sequences within sequences, ended or not."""
    depth = generator.choice((10, 1000, 20000))
    vr = b"" if syntax == IMPLICIT else b"SQ\0\0"
    one = struct.pack("<HH", 0x0008, 0x1140) + vr + struct.pack("<I", _UNDEFINED)
    one += struct.pack("<HHI", 0xFFFE, 0xE000, _UNDEFINED)
    end = struct.pack("<HHIHHI", 0xFFFE, 0xE00D, 0, 0xFFFE, 0xE0DD, 0)
    nested = one * depth + (end * depth if generator.random() < 0.5 else b"")
    plain = EXPLICIT if syntax == DEFLATED else syntax
    content = encode(elements[:7], plain) + nested + encode(elements[8:], plain)
    return deflate(content) if syntax == DEFLATED else content


def wrong_length(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    """One element's length is another one."""
    index = generator.randrange(len(elements))
    plain = EXPLICIT if syntax == DEFLATED else syntax
    content = bytearray(encode(elements, plain))
    start = len(encode(elements[:index], plain))
    if plain == IMPLICIT or elements[index].vr in (b"SQ", b"OW"):
        at = start + (4 if plain == IMPLICIT else 8)
        content[at : at + 4] = struct.pack("<I", generator.choice((0, 1, 3, 0x7FFFFFFF, 0xFFFFFFFE, _UNDEFINED)))
    else:
        content[start + 6 : start + 8] = struct.pack("<H", generator.choice((0, 1, 3, 0x7FFF, 0xFFFF)))
    return deflate(bytes(content)) if syntax == DEFLATED else bytes(content)


def wrong_vr(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    index = generator.randrange(len(elements))
    vr = generator.choice((b"UN", b"SQ", b"OB", b"??", b"\0\0", b"UT", b"AT", b"FD"))
    changed = replace(elements[index], vr=vr)
    return encode([*elements[:index], changed, *elements[index + 1 :]], syntax)


def truncated(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    content = encode(elements, syntax)
    return content[: generator.randrange(len(content))]


def flipped_bytes(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    content = bytearray(encode(elements, syntax))
    for _ in range(generator.choice((1, 4, 30))):
        content[generator.randrange(len(content))] = generator.randrange(256)
    return bytes(content)


def trailing_bytes(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    return encode(elements, syntax) + generator.randbytes(generator.choice((1, 2, 8, 100)))


def another_syntax(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    """Encoded in another transfer syntax than was negotiated."""
    return encode(elements, generator.choice([other for other in (EXPLICIT, IMPLICIT, DEFLATED) if other != syntax]))


def noise(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    return generator.randbytes(generator.choice((0, 1, 8, 1000, 100_000)))


def bomb(elements: Elements, syntax: str, generator: random.Random) -> bytes:
    """A quarter of a megabyte that would be a quarter of a gigabyte: in the pixels, or before the identifiers."""
    if syntax != DEFLATED:
        return noise(elements, syntax, generator)
    in_header = generator.random() < 0.5
    before, after = (elements[:1], elements[1:]) if in_header else (elements[:-1], ())
    group, number = (0x0008, 0x0006) if in_header else (0x7FE0, 0x0010)
    long_element = struct.pack("<HH4sI", group, number, b"OB\0\0", _BOMB_BYTES)
    content = (
        _unfinished(encode(before, EXPLICIT) + long_element) + _deflated_zeros() + deflate(encode(after, EXPLICIT))
    )
    return content + b"\0" * (len(content) % 2)


@functools.cache
def _deflated_zeros() -> bytes:
    return _unfinished(*[bytes(1 << 20)] * (_BOMB_BYTES >> 20))


def _unfinished(*parts: bytes) -> bytes:
    """Deflated such that other deflated bytes may follow: ended at a whole byte, and not marked as the end."""
    compressor = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    return b"".join(map(compressor.compress, parts)) + compressor.flush(zlib.Z_FULL_FLUSH)


MUTATIONS: tuple[Mutation, ...] = (
    hostile_uid,
    hostile_uid,
    hostile_text,
    missing_element,
    repeated_element,
    no_order,
    other_groups,
    deep_sequences,
    wrong_length,
    wrong_vr,
    truncated,
    flipped_bytes,
    trailing_bytes,
    another_syntax,
    noise,
    bomb,
)
