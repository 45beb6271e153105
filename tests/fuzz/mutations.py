"""What can go wrong with a DICOM file: each function changes one file of a study, as a tree or as bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random

from tests.fuzz.structure import (
    BIG_ENDIAN,
    PIXEL_DATA,
    UNDEFINED,
    Element,
    File,
    Item,
    nested,
)
from tests.fuzz.values import KEYWORDS, any_value, keyword_of, odd_value, tag_of

_VRS = tuple(
    b"AE AS AT CS DA DS DT FD FL IS LO LT OB OD OF OL OV OW PN SH SL SQ SS ST SV TM UC UI UL UN UR US UT UV ??".split()
)

_NATIVE_SYNTAXES = tuple(f"1.2.840.10008.1.2{suffix}" for suffix in ("", ".1", ".2", ".1.99"))
_TRANSFER_SYNTAXES = (
    *_NATIVE_SYNTAXES,
    "1.2.840.10008.1.2.5",
    *(f"1.2.840.10008.1.2.4.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 102, 201)),
    "1.2.3",
    "",
)

TreeMutation = Callable[[Random, File], None]
ByteMutation = Callable[[Random, bytes], bytes]


def _pick(random: Random, file: File) -> tuple[list[Element], int] | None:
    """Some element of the file: nested ones less often than those at the top."""
    lists = [elements for elements in file.walk() if elements]
    if not lists:
        return None
    # The first is the file meta information; the second the top level.
    elements = lists[min(1, len(lists) - 1)] if random.random() < 0.5 else random.choice(lists)
    return elements, random.randrange(len(elements))


def _pick_in(random: Random, file: File, wanted: Callable[[Element], bool]) -> Element | None:
    found = [element for elements in file.walk() for element in elements if wanted(element)]
    return random.choice(found) if found else None


def set_odd_value(random: Random, file: File) -> None:
    """Give a geometry or pixel attribute, wherever it stands, an odd value."""
    element = _pick_in(random, file, lambda each: each.items is None and keyword_of(each.tag) is not None)
    keyword = keyword_of(element.tag) if element else None
    if element and keyword:
        element.value = odd_value(random, keyword, file.transfer_syntax == BIG_ENDIAN)


def add_attribute(random: Random, file: File) -> None:
    """Add an attribute that was not there, at its place."""
    keyword = random.choice(KEYWORDS)
    value = odd_value(random, keyword, file.transfer_syntax == BIG_ENDIAN)
    tag = tag_of(keyword)
    vr = b"US" if tag[0] == 0x0028 and len(value) == 2 else b"DS" if tag[0] in (0x0018, 0x0020) else b"CS"
    file.elements[:] = [element for element in file.elements if element.tag != tag] + [Element(tag, vr, value)]
    file.elements.sort(key=lambda element: element.tag)


def change_value(random: Random, file: File) -> None:
    """Give any element another value."""
    if picked := _pick(random, file):
        element = picked[0][picked[1]]
        if element.items is None:
            element.value = any_value(random, element.vr)


def flip_value(random: Random, file: File) -> None:
    """Flip a bit in the value of any element."""
    if (picked := _pick(random, file)) and (element := picked[0][picked[1]]).items is None and element.value:
        element.value = flip_bits(random, element.value, 1)


def change_length(random: Random, file: File) -> None:
    """Let an element, a sequence or an item lie about its length."""
    if picked := _pick(random, file):
        element = picked[0][picked[1]]
        target: Element | Item = element
        if element.items and random.random() < 0.5:
            target = random.choice(element.items)
        right = len(element.value)
        target.length = random.choice(
            (0, 1, right + 1, right + 2, max(0, right - 1), max(0, right - 2), UNDEFINED, 0xFFFFFFFE, 0x7FFFFFFF,
             random.randrange(1 << 16), random.randrange(1 << 32), 0xFFFF)
        )  # fmt: skip


def change_vr(random: Random, file: File) -> None:
    """Give an element another value representation, known or not."""
    if picked := _pick(random, file):
        picked[0][picked[1]].vr = random.choice(_VRS)


def change_tag(random: Random, file: File) -> None:
    """Give an element the tag of another, a neighbouring one, or any."""
    if picked := _pick(random, file):
        elements, index = picked
        group, number = elements[index].tag
        elements[index].tag = random.choice(
            (
                random.choice(elements).tag,
                (group, number ^ (1 << random.randrange(16))),
                (group ^ (1 << random.randrange(16)), number),
                tag_of(random.choice(KEYWORDS)),
                (0xFFFE, random.choice((0xE000, 0xE00D, 0xE0DD))),
            )
        )


def delete_element(random: Random, file: File) -> None:
    """Take one element, or one item, out."""
    if picked := _pick(random, file):
        elements, index = picked
        if elements[index].items and random.random() < 0.5:
            elements[index].items.pop(random.randrange(len(elements[index].items)))  # type: ignore[union-attr,arg-type]
        else:
            del elements[index]


def delete_important(random: Random, file: File) -> None:
    """Take a geometry or pixel attribute out."""
    wanted = [elements for elements in file.walk() if any(keyword_of(element.tag) for element in elements)]
    if wanted:
        elements = random.choice(wanted)
        elements.remove(random.choice([element for element in elements if keyword_of(element.tag)]))


def duplicate_element(random: Random, file: File) -> None:
    """Let one element, or one item, stand there twice."""
    if picked := _pick(random, file):
        elements, index = picked
        items = elements[index].items
        if items and random.random() < 0.5:
            items.insert(random.randrange(len(items) + 1), random.choice(items))
        else:
            elements.insert(random.choice((index, random.randrange(len(elements) + 1))), elements[index])


def move_element(random: Random, file: File) -> None:
    """Move an element elsewhere: out of order, into another sequence, behind the pixel data."""
    lists = list(file.walk())
    if picked := _pick(random, file):
        element = picked[0].pop(picked[1])
        target = picked[0] if random.random() < 0.6 else random.choice(lists)
        target.insert(random.randrange(len(target) + 1), element)


def swap_items(random: Random, file: File) -> None:
    """Reorder the items of a sequence, or the fragments of the pixel data."""
    if element := _pick_in(random, file, lambda each: len(each.items or ()) > 1):
        random.shuffle(element.items)  # type: ignore[arg-type]


def change_sequence(random: Random, file: File) -> None:
    """Another form of length for a sequence, delimiters left out, or an item more."""
    if element := _pick_in(random, file, lambda each: each.items is not None):
        items = element.items or []
        match random.randrange(6):
            case 0:
                element.undefined = not element.undefined
            case 1:
                for item in items:
                    item.undefined = not item.undefined
            case 2:
                element.undefined, element.delimited = True, False
            case 3 if items:
                item = random.choice(items)
                item.undefined, item.delimited = True, False
            case 4:
                items.append(Item())
            case _:
                items[:] = items[: len(items) // 2]


def nest_deeply(random: Random, file: File) -> None:
    """Put a sequence into a sequence, some or very many levels deep."""
    levels, undefined = random.choice((3, 30, 300)), random.random() < 0.5
    inner = nested(file.transfer_syntax, (0x0008, 0x1140), levels, undefined)
    file.elements.insert(random.randrange(len(file.elements) + 1), inner)


def change_fragments(random: Random, file: File) -> None:
    """Split, join, drop, repeat, shorten or damage fragments, the first of which is the Basic Offset Table."""
    element = file.find(PIXEL_DATA)
    if element is None or not element.items:
        set_odd_value(random, file)
        return
    items = element.items
    at = random.randrange(len(items))
    fragment = items[at].fragment or b""
    match random.randrange(9):
        case 0:
            del items[at]
        case 1:
            items.insert(at, Item(fragment=fragment))
        case 2:
            cut = random.randrange(len(fragment) + 1)
            items[at : at + 1] = [Item(fragment=fragment[:cut]), Item(fragment=fragment[cut:])]
        case 3:
            items[at:] = [Item(fragment=b"".join(item.fragment or b"" for item in items[at:]))]
        case 4:
            items[at].fragment = fragment[: random.randrange(len(fragment) + 1)]
        case 5:
            items[0].fragment = random.choice(
                (b"", random.randbytes(4 * random.randrange(1, 5)), b"\0\0\0\0\xff\xff\xff\xff")
            )
        case 6 | 7 if fragment:
            items[at].fragment = flip_bits(random, fragment, random.choice((1, 2, 8)))
        case _:
            items.insert(at, Item(fragment=random.randbytes(random.choice((0, 1, 2, 20)))))


def change_pixel_data(random: Random, file: File) -> None:
    """Pixel data under another length or tag: shorter, longer, floating point, none."""
    element = file.find(PIXEL_DATA)
    if element is None or element.items is not None:
        change_fragments(random, file)
        return
    match random.randrange(5):
        case 0:
            element.value = element.value[: random.randrange(len(element.value) + 1)]
        case 1:
            element.value += random.randbytes(random.choice((1, 2, 4, 100)))
        case 2:
            element.tag, element.vr = ((0x7FE0, 0x0008), b"OF") if random.random() < 0.5 else ((0x7FE0, 0x0009), b"OD")
        case 3:
            element.value = b""
        case _:
            element.items, element.undefined = [Item(fragment=b""), Item(fragment=element.value)], True


def swap_transfer_syntax(random: Random, file: File) -> None:
    """Announce another transfer syntax than the data set has."""
    for element in file.meta:
        if element.tag == (0x0002, 0x0010):
            syntax = random.choice(_TRANSFER_SYNTAXES).encode()
            element.value = syntax + b"\0" * (len(syntax) % 2)


def recode(random: Random, file: File) -> None:
    """Write the data set in another native transfer syntax: valid but for the order of bytes within values."""
    element = file.find(PIXEL_DATA)
    if element is None or element.items is None:
        file.transfer_syntax = random.choice(_NATIVE_SYNTAXES)
        for each in file.meta:
            if each.tag == (0x0002, 0x0010):
                syntax = file.transfer_syntax.encode()
                each.value = syntax + b"\0" * (len(syntax) % 2)


def add_element(random: Random, file: File) -> None:
    """An element of any tag and value representation: trailing padding, groups out of the way, private ones."""
    vr = random.choice(_VRS)
    tag = random.choice(
        ((0xFFFC, 0xFFFC), (0x0029, 0x1010), (0x0009, 0x0010), (0x7FE0, 0x0001), (0x0000, 0x0000), (0x6000, 0x3000),
         (0x0008, 0x0000), (0x0028, 0x3000), (random.randrange(1 << 16), random.randrange(1 << 16)))
    )  # fmt: skip
    items = [Item()] if vr == b"SQ" else None
    element = Element(tag, vr, b"" if items else any_value(random, vr), items)
    file.elements.insert(random.randrange(len(file.elements) + 1), element)
    if random.random() < 0.7:
        file.elements.sort(key=lambda each: each.tag)


def flip_bits(random: Random, content: bytes, count: int) -> bytes:
    """Flip bits anywhere."""
    changed = bytearray(content)
    if not changed:
        return content
    for _ in range(count):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def flip_header(random: Random, content: bytes) -> bytes:
    """Flip bits in the header, where most bits decide something."""
    end = min(len(content), 132 + random.choice((200, 1200)))
    return content[:132] + flip_bits(random, content[132:end], random.choice((1, 1, 2, 5))) + content[end:]


def flip_anywhere(random: Random, content: bytes) -> bytes:
    """Flip bits anywhere in the file."""
    return flip_bits(random, content, random.choice((1, 2, 5, 20)))


def truncate(random: Random, content: bytes) -> bytes:
    """Cut the file: anywhere, or a few bytes before its end."""
    if random.random() < 0.5:
        return content[: random.randrange(len(content) + 1)]
    return content[: -random.choice((1, 2, 3, 4, 8, 9, 12, 40))]


def splice(random: Random, content: bytes) -> bytes:
    """Take bytes out and put others in, so that everything behind moves."""
    at = random.randrange(132, max(133, len(content)))
    inserted = random.choice((b"", random.randbytes(random.choice((1, 2, 4))), content[at : at + 20]))
    return content[:at] + inserted + content[at + random.choice((0, 0, 1, 2, 4, 30)) :]


def append(random: Random, content: bytes) -> bytes:
    """Let something follow the data set."""
    return content + random.choice((b"\0", b"\0" * 200, random.randbytes(8), content[132:], b"\xfc\xff\xfc\xff"))


def strip_preamble(random: Random, content: bytes) -> bytes:
    """Take the preamble away, or the prefix with it: what is left still begins with a data element."""
    return content[random.choice((128, 132, 132)) :]


def overwrite(random: Random, content: bytes) -> bytes:
    """Bytes that mean something to a parser, written over others."""
    token = random.choice(
        (b"\xfe\xff\x00\xe0", b"\xfe\xff\x0d\xe0", b"\xfe\xff\xdd\xe0\0\0\0\0", b"\xe0\x7f\x10\x00",
        b"\xff\xff\xff\xff",
         b"\0\0\0\0", b"SQ\0\0\xff\xff\xff\xff", b"DICM", b"\x28\x00\x10\x00US\x02\x00")
    )  # fmt: skip
    at = random.randrange(128, max(129, len(content)))
    return content[:at] + token + content[at + len(token) :]


TREE: Mapping[str, TreeMutation] = {
    mutation.__name__: mutation
    for mutation in (
        set_odd_value, add_attribute, change_value, flip_value, change_length, change_vr, change_tag, delete_element,
        delete_important, duplicate_element, move_element, swap_items, change_sequence, nest_deeply, change_fragments,
        change_pixel_data, swap_transfer_syntax, recode, add_element,
    )
}  # fmt: skip
"""Mutations of the tree, by name."""

BYTES: Mapping[str, ByteMutation] = {
    mutation.__name__: mutation
    for mutation in (flip_header, flip_anywhere, truncate, splice, append, overwrite, strip_preamble)
}
"""Mutations of the bytes, by name."""

_WEIGHTS = {
    "set_odd_value": 4, "add_attribute": 2, "change_value": 2, "change_length": 2, "change_vr": 2, "change_tag": 2,
    "delete_important": 2, "move_element": 2, "change_sequence": 2, "change_fragments": 2,
}  # fmt: skip

TREE_NAMES = tuple(name for name in TREE for _ in range(_WEIGHTS.get(name, 1)))
BYTE_NAMES = tuple(BYTES)
"""Names to draw from: the more important mutations stand there several times."""
