"""What IODs are made of (PS3.3 annex A and C): modules, attributes, types; from ``iods.json``."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from deploy.node.verify.elements import tag_of

TABLE = Path(__file__).with_name("iods.json")

AttributeType = Literal["1", "1C", "2", "2C", "3"]

# Of two modules that both have an attribute, the stricter type holds (PS3.3 section 5.4).
_STRICTEST_FIRST = ("1", "2", "1C", "2C", "3")


@dataclass(frozen=True)
class Attribute:
    """One attribute of an item: its type and, for a sequence whose items the table describes, these."""

    keyword: str
    type: AttributeType
    item: ItemRule | None = None

    @property
    def tag(self) -> int:
        """The attribute's tag."""
        return tag_of(self.keyword)


@dataclass(frozen=True, eq=False)
class ItemRule:
    """The attributes that an item may have, by tag.

    ``required`` are those of type 1 and 2, ``conditional`` those of type 1C and 2C.
    """

    attributes: dict[int, Attribute]
    required: tuple[Attribute, ...] = field(init=False)
    conditional: tuple[Attribute, ...] = field(init=False)

    def __post_init__(self) -> None:
        found = self.attributes.values()
        object.__setattr__(self, "required", tuple(item for item in found if item.type in ("1", "2")))
        object.__setattr__(self, "conditional", tuple(item for item in found if item.type.endswith("C")))


@dataclass(frozen=True, eq=False)
class Module:
    """One module of an IOD: ``key`` is its name, ``usage`` M, C or U (PS3.3 section A.1.3)."""

    key: str
    usage: str
    rule: ItemRule


@dataclass(frozen=True, eq=False)
class IOD:
    """One IOD: ``root`` is what its modules say together, where the optional ones require nothing of themselves.

    ``content`` are the attributes of content items, if it is a report's. Which of them are required depends on the
    value type, so they are not among those of ``root``.
    """

    key: str
    modules: tuple[Module, ...]
    root: ItemRule
    content: ItemRule | None

    @property
    def has_pixels(self) -> bool:
        """Whether an object of this IOD is an image."""
        return any(module.key in _PIXEL_MODULES for module in self.modules)

    @property
    def must_list_references(self) -> bool:
        """Whether every reference has to stand in the Common Instance Reference module, too (PS3.3 C.12.2)."""
        return any(module.key == "common-instance-reference" and module.usage != "U" for module in self.modules)


_PIXEL_MODULES = ("image-pixel", "floating-point-image-pixel")
_CONTENT_MODULE = "sr-document-content"


@lru_cache(maxsize=64)
def iod_of(sop_class_uid: str) -> IOD | None:
    """Return the IOD of a SOP class; None if it is none of a result."""
    table = _table()
    key = table["sop_classes"].get(sop_class_uid)
    if key is None:
        return None
    modules = tuple(Module(name, usage, _rule(table["modules"][name])) for name, usage in table["iods"][key])
    content = next((module.rule for module in modules if module.key == _CONTENT_MODULE), None)
    rules = [
        module.rule if module.usage == "M" and module.rule is not content else _relaxed(module.rule)
        for module in modules
    ]
    root = _merged(rules)
    for module in modules:
        for keyword in _SPECIALISED.get(module.key, ()):
            attribute = module.rule.attributes[tag_of(keyword)]
            root = ItemRule({**root.attributes, attribute.tag: attribute})
    return IOD(key, modules, root, content)


_SPECIALISED = {"sc-multi-frame-image": ("FrameIncrementPointer",)}
"""Attributes by the module whose milder type overrides that of the others (PS3.3 C.8.6.3)."""


@lru_cache(maxsize=1)
def _table() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(TABLE.read_text(encoding="utf-8"))
    return content


@lru_cache(maxsize=4096)
def _rule(number: int) -> ItemRule:
    attributes = [
        Attribute(keyword, kind, _rule(nested[0]) if nested else None)
        for keyword, kind, *nested in _table()["items"][number]
    ]
    return ItemRule({attribute.tag: attribute for attribute in attributes})


def _relaxed(rule: ItemRule) -> ItemRule:
    """Return what an optional module adds: it may be there; within its sequences its own types hold."""
    return ItemRule({tag: Attribute(known.keyword, "3", known.item) for tag, known in rule.attributes.items()})


def _merged(rules: Iterable[ItemRule]) -> ItemRule:
    found: dict[int, list[Attribute]] = {}
    for rule in rules:
        for tag, attribute in rule.attributes.items():
            found.setdefault(tag, []).append(attribute)
    return ItemRule({tag: _merged_attribute(same) for tag, same in found.items()})


def _merged_attribute(same: list[Attribute]) -> Attribute:
    if len(same) == 1:
        return same[0]
    strictest = min((attribute.type for attribute in same), key=_STRICTEST_FIRST.index)
    nested = [attribute.item for attribute in same if attribute.item is not None]
    unique = list(dict.fromkeys(nested))
    item = None if not unique else unique[0] if len(unique) == 1 else _merged(unique)
    return Attribute(same[0].keyword, strictest, item)
