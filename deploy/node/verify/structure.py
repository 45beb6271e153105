"""Modules, attributes and types (PS3.3 section 5.4 and annex A): what has to be there, is, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.node.verify.conditions import CONDITIONS
from deploy.node.verify.content_items import CONTENT_SEQUENCE, content_problems
from deploy.node.verify.copied import COPIED, COPIED_TAGS
from deploy.node.verify.elements import Element, Item, tag_name
from deploy.node.verify.functional_groups import PER_FRAME, SHARED, functional_group_problems
from deploy.node.verify.iods import IOD, Attribute, ItemRule, Module, iod_of

_PIXEL_DATA = {
    "image-pixel": "PixelData",
    "floating-point-image-pixel": "FloatPixelData",
    "double-floating-point-image-pixel": "DoubleFloatPixelData",
}
"""What an image has of each of its pixel modules."""


def structure_problems(root: Item) -> Iterator[str]:
    """Yield what an object lacks or has too much by its IOD."""
    sop_class_uid = root.text("SOPClassUID")
    iod = iod_of(sop_class_uid)
    if not sop_class_uid:
        yield "SOPClassUID is absent or empty (type 1)"
    if iod is None:
        yield f"the SOP class {sop_class_uid or '(none)'} is none that results are of"
        return
    yield from _Check(iod).data_set(root)
    if iod.content is not None:
        yield from content_problems(root)
    yield from functional_group_problems(root, sop_class_uid)


class _Check:
    """Checks items against rules. Equal items are one object after reading and are checked once."""

    def __init__(self, iod: IOD) -> None:
        self._iod = iod
        self._done: set[tuple[int, int]] = set()

    def data_set(self, root: Item) -> Iterator[str]:
        yield from self.item(root, self._iod.root, "")
        for module in self._iod.modules:
            if module.usage != "M" and self._is_present(module, root):
                for problem in _requirements(root, module.rule, ""):
                    yield f"{problem} (module {module.key})"
        if self._iod.has_pixels and not any(root.has(keyword) for keyword in _PIXEL_DATA.values()):
            yield "there is no pixel data"

    def _is_present(self, module: Module, root: Item) -> bool:
        """Whether an optional module is used: something is there that only it requires."""
        if module.key in _PIXEL_DATA:
            return root.has(_PIXEL_DATA[module.key])
        mandatory = self._iod.root.attributes
        return any(
            attribute.type == "1" and attribute.tag in root.elements and mandatory[attribute.tag].type == "3"
            for attribute in module.rule.required
        )

    def item(self, item: Item, rule: ItemRule, path: str) -> Iterator[str]:
        key = (id(item), id(rule))
        if key in self._done:
            return
        self._done.add(key)
        # Which functional groups are needed depends on the object and not on the item.
        if path not in (f"{SHARED}/", f"{PER_FRAME}/"):
            yield from _requirements(item, rule, path)
        for tag, element in item.elements.items():
            known = rule.attributes.get(_first_overlay(tag))
            if known is None:
                # Private attributes are told of by another check.
                if not tag >> 16 & 1 and (path or tag not in COPIED_TAGS):
                    yield f"{path}{tag_name(tag)} does not belong to the IOD"
            elif element.items:
                yield from self._items(element, known, path)

    def _items(self, element: Element, known: Attribute, path: str) -> Iterator[str]:
        if known.keyword == CONTENT_SEQUENCE and self._iod.content is not None:
            for item in element.items:
                yield from self._content_item(item)
        elif known.item is not None and known.keyword not in COPIED:
            path = f"{path}{known.keyword}/"
            for item in element.items:
                yield from self.item(item, known.item, path)

    def _content_item(self, item: Item) -> Iterator[str]:
        """Check what the content item holds; which attributes it has depends on its value type."""
        rules = self._iod.content
        assert rules is not None
        for tag, element in item.elements.items():
            known = rules.attributes.get(tag)
            if known is not None and element.items:
                yield from self._items(element, known, "")


def _requirements(item: Item, rule: ItemRule, path: str) -> Iterator[str]:
    for attribute in rule.required:
        element = item.elements.get(attribute.tag)
        if element is None:
            yield f"{path}{attribute.keyword} is absent (type {attribute.type})"
        elif attribute.type == "1" and element.is_empty:
            yield f"{path}{attribute.keyword} is empty (type 1)"
    for attribute in rule.conditional:
        condition = CONDITIONS.get(attribute.keyword)
        if condition is None:
            continue
        element = item.elements.get(attribute.tag)
        lacks = element is None or (attribute.type == "1C" and element.is_empty)
        if lacks and condition.required(item):
            yield (
                f"{path}{attribute.keyword} is absent or empty, but required {condition.says} "
                f"(type {attribute.type}, PS3.3 {condition.section})"
            )
        elif element is not None and not condition.may_be_present and not condition.required(item):
            yield f"{path}{attribute.keyword} is there, but only allowed {condition.says} (PS3.3 {condition.section})"


def _first_overlay(tag: int) -> int:
    """Return the tag of the first overlay for those of the other fifteen (PS3.5 section 7.6)."""
    return tag & 0xFF00FFFF if 0x60000000 <= tag < 0x60200000 else tag
