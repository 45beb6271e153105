"""Values by their representation and multiplicity (PS3.5 section 6.2 and 6.4), and private data, which has no place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from pydicom.datadict import dictionary_has_tag, dictionary_VM, dictionary_VR

from deploy.node.verify.copied import COPIED_TAGS
from deploy.node.verify.elements import Element, Item, decoded, tag_name, tag_of
from deploy.node.verify.terms import term_problem

_LONGEST = {
    "AE": 16, "AS": 4, "CS": 16, "DA": 8, "DS": 16, "DT": 26, "IS": 12, "LO": 64, "LT": 10240, "SH": 16, "ST": 1024,
    "TM": 14, "UI": 64,
}  # fmt: skip
"""Characters of one value (PS3.5 table 6.2-1); of a person name, of one component group."""

_PATTERNS = {
    "AS": re.compile(r"\d{3}[DWMY]"),
    "CS": re.compile(r"[A-Z0-9 _]*"),
    "DA": re.compile(r"\d{4}(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"),
    "DS": re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"),
    "DT": re.compile(r"\d{4}((0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])([0-5]\d([0-5]\d|60)?)?)?)?)?"
                     r"(\.\d{1,6})?([+-][01]\d[0-5]\d)?"),
    "IS": re.compile(r"[+-]?\d+"),
    "TM": re.compile(r"([01]\d|2[0-3])([0-5]\d(([0-5]\d|60)(\.\d{1,6})?)?)?"),
    "UI": re.compile(r"(0|[1-9]\d*)(\.(0|[1-9]\d*))*"),
}  # fmt: skip

_SIZES = {
    "AT": 4, "FD": 8, "FL": 4, "OD": 8, "OF": 4, "OL": 4, "OV": 8, "OW": 2, "SL": 4, "SS": 2, "SV": 8, "UL": 4,
    "US": 2, "UV": 8,
}  # fmt: skip
"""Bytes of one value."""

_BULK = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_TEXTS = frozenset({"LO", "LT", "PN", "SH", "ST", "UC", "UR", "UT"})
_ONE_VALUE = frozenset({"LT", "ST", "UR", "UT"})
"""Texts in which a backslash is a character (PS3.5 section 6.4)."""

# PS3.5 section 6.1.3: formatting belongs to longer texts only.
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_CONTROL_IN_PARAGRAPHS = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")
_PARAGRAPHS = frozenset({"LT", "ST", "UT"})

_LARGEST_INTEGER_STRING = 2**31

_CONTRIBUTING_EQUIPMENT = tag_of("ContributingEquipmentSequence")


def value_problems(root: Item) -> Iterator[str]:
    """Yield values that break the rules of their VR, wrong VRs and multiplicities, unknown terms, private elements."""
    yield from _Values().item(root, "")


class _Values:
    """Judges values. The same value in the same element is judged once."""

    def __init__(self) -> None:
        self._done: set[tuple[int, bytes]] = set()
        self._items: set[int] = set()

    def item(self, item: Item, path: str, *, copied: bool = False) -> Iterator[str]:
        if id(item) in self._items:
            return
        self._items.add(id(item))
        for tag, element in item.elements.items():
            if tag >> 16 & 1:
                yield f"{path}{tag_name(tag)} is private"
                continue
            own = copied or tag in COPIED_TAGS
            if element.items:
                nested = f"{path}{tag_name(tag)}/"
                for child in element.items:
                    from_source = own or (tag == _CONTRIBUTING_EQUIPMENT and not _is_ours(child))
                    yield from self.item(child, nested, copied=from_source)
            elif not own and (tag, element.value) not in self._done:
                if len(element.value) < 1024:
                    self._done.add((tag, element.value))
                for problem in element_problems(tag, element, tuple(item.encodings)):
                    yield f"{path}{tag_name(tag)} {problem}"


def _is_ours(equipment: Item) -> bool:
    return any(code.text("CodeValue") == "109102" for code in equipment.items("PurposeOfReferenceCodeSequence"))


def element_problems(tag: int, element: Element, encodings: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with the value of one element that is no sequence."""
    vr = element.vr
    if vr not in _expected_vrs(tag):
        yield f"has the value representation {vr}, not {' or '.join(sorted(_expected_vrs(tag))) or 'any known'}"
        return
    if vr == "SQ" or element.fragments is not None or not element.value:
        return
    size = _SIZES.get(vr)
    if size is not None and len(element.value) % size:
        yield f"has {len(element.value)} bytes, which are no values of {size}"
        return
    if vr in _BULK:
        return
    if size is not None:
        yield from _multiplicity_problems(tag, len(element.value) // size)
        return
    try:
        text = decoded(element.value, encodings)
    except (ValueError, LookupError):
        yield f"{element.value[:40]!r} is not in the character set"
        return
    if vr == "UI":
        text = text.rstrip("\0")
    values = [text] if vr in _ONE_VALUE else text.split("\\")
    yield from _multiplicity_problems(tag, len(values))
    for value in values:
        yield from _text_problems(vr, value.rstrip(" ") if vr in _TEXTS else value.strip(" "))
    if problem := term_problem(tag, [value.strip(" ") for value in values]):
        yield problem


def _text_problems(vr: str, value: str) -> Iterator[str]:
    if vr == "PN":
        yield from _name_problems(value)
    elif vr in _LONGEST and len(value) > _LONGEST[vr]:
        yield f"{value[:40]!r}... has {len(value)} characters, {vr} allows {_LONGEST[vr]}"
    elif value and vr in _PATTERNS and not _PATTERNS[vr].fullmatch(value):
        yield f"{value[:40]!r} is no {vr}"
    elif vr == "IS" and value and not -_LARGEST_INTEGER_STRING <= int(value) < _LARGEST_INTEGER_STRING:
        yield f"{value} is too large for IS"
    if (_CONTROL_IN_PARAGRAPHS if vr in _PARAGRAPHS else _CONTROL).search(value):
        yield f"{value[:40]!r} holds a control character"


def _name_problems(value: str) -> Iterator[str]:
    groups = value.split("=")
    if len(groups) > 3:
        yield f"{value[:40]!r} has {len(groups)} component groups"
    for group in groups:
        if group.count("^") > 4:
            yield f"{value[:40]!r} has {group.count('^') + 1} components"
        if len(group) > 64:
            yield f"{value[:40]!r}... has {len(group)} characters, PN allows 64 in a group"


def _multiplicity_problems(tag: int, count: int) -> Iterator[str]:
    allowed = _multiplicity(tag)
    if allowed is None:
        return
    least, most, step = allowed
    if count < least or (most is not None and count > most) or count % step:
        yield f"has {count} values, not {dictionary_VM(_in_dictionary(tag))}"


@lru_cache(maxsize=4096)
def _multiplicity(tag: int) -> tuple[int, int | None, int] | None:
    """Return the least and largest number of values and what it is a multiple of (PS3.5 section 6.4)."""
    if not dictionary_has_tag(_in_dictionary(tag)):
        return None
    # Several alternatives, e.g. "1-n or 1", are retired attributes'.
    text = dictionary_VM(_in_dictionary(tag)).split(" ")[0]
    least, _, most = text.partition("-")
    if not most:
        return int(least), int(least), 1
    if most == "n":
        return int(least), None, 1
    if most.endswith("n"):
        return int(least), None, int(most[:-1])
    return int(least), int(most), 1


@lru_cache(maxsize=4096)
def _expected_vrs(tag: int) -> frozenset[str]:
    known = _in_dictionary(tag)
    return frozenset(dictionary_VR(known).split(" or ")) if dictionary_has_tag(known) else frozenset()


def _in_dictionary(tag: int) -> int:
    return tag & 0xFF00FFFF if 0x60000000 <= tag < 0x60200000 else tag
