"""The attributes of real result objects: module, type and where each value comes from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from deploy.conformance.markdown import table
from deploy.conformance.origins import is_told_in_one_row, origin
from deploy.node.verify.elements import tag_of
from deploy.node.verify.iods import IOD, ItemRule, Module, iod_of

COMMON_MODULES = (
    "patient",
    "clinical-trial-subject",
    "general-study",
    "patient-study",
    "clinical-trial-study",
    "general-equipment",
    "enhanced-general-equipment",
    "sop-common",
)
"""Modules that are the same in every result, and described once."""

# Deeper items are not told one by one.
_DEEPEST = 4


@dataclass(frozen=True)
class Example:
    """One result and its variants, of another input, of another time, of another app: they tell whence a value comes.

    ``source`` is the header of an instance that was analysed.
    """

    object: Dataset
    source: Dataset
    other_input: Dataset
    other_time: Dataset
    other_app: Dataset


@dataclass(frozen=True)
class Row:
    """One attribute: ``depth`` counts the sequences around it; ``value`` tells where its value comes from."""

    module: str
    depth: int
    keyword: str
    tag: int
    type: str
    value: str


def attribute_table(examples: Sequence[Example], modules: Iterable[str] | None = None) -> str:
    """Return the attributes of objects of one SOP class; all modules but the common ones, or only these."""
    rows: dict[tuple[str, ...], Row] = {}
    iod = iod_of(examples[0].object.SOPClassUID)
    assert iod is not None
    wanted = set(modules) if modules is not None else {module.key for module in iod.modules} - set(COMMON_MODULES)
    for example in examples:
        for path, row in _rows(example, iod):
            if row.module in wanted:
                rows.setdefault(path, row)
    return table(
        ("module", "attribute", "tag", "type", "value"),
        (
            (
                title(row.module),
                f"{'>' * row.depth}{row.keyword}",
                f"({row.tag >> 16:04X},{row.tag & 0xFFFF:04X})",
                row.type,
                row.value,
            )
            for _, row in sorted(rows.items(), key=lambda item: _order(item[0]))
        ),
    )


def module_list(sop_class_uid: str, examples: Sequence[Example]) -> str:
    """Return the modules of an IOD, with those that the objects use."""
    iod = iod_of(sop_class_uid)
    assert iod is not None
    used = {row.module for example in examples for _, row in _rows(example, iod)}
    return ", ".join(f"{title(module.key)} ({module.usage})" for module in iod.modules if module.key in used)


def title(module: str) -> str:
    """Return a module's name as people write it."""
    words = {"sr": "SR", "sop": "SOP", "icc": "ICC", "sc": "SC", "rt": "RT", "roi": "ROI", "voi": "VOI", "lut": "LUT"}
    return " ".join(words.get(word, word.capitalize()) for word in module.split("-") if word)


def _order(path: tuple[str, ...]) -> tuple[int, ...]:
    return tuple(tag_of(keyword) for keyword in path)


def _rows(example: Example, iod: IOD) -> Iterator[tuple[tuple[str, ...], Row]]:
    """Yield the attributes of an object with their paths, each path once."""
    seen: set[tuple[str, ...]] = set()
    for element in example.object:
        module = _module_of(element.keyword, iod)
        rule = module.rule.attributes[int(element.tag)]
        # Of what the module and others say together, the stricter; content items have types of their own.
        strictest = module.usage == "M" and module.rule is not iod.content
        kind = iod.root.attributes[element.tag].type if strictest else rule.type
        variants = (example.other_input, example.other_time, example.other_app)
        others = [variant.get(element.tag) for variant in variants]
        told = _Telling(example.source, module.key, seen)
        yield from told.element(element, others, (element.keyword,), kind, rule.item)


@dataclass(frozen=True)
class _Telling:
    """Tells the attributes of one module; ``seen`` are the paths that have been told."""

    source: Dataset
    module: str
    seen: set[tuple[str, ...]]

    def element(
        self,
        element: DataElement,
        others: Sequence[DataElement | None],
        path: tuple[str, ...],
        kind: str,
        rule: ItemRule | None,
    ) -> Iterator[tuple[tuple[str, ...], Row]]:
        if path not in self.seen:
            self.seen.add(path)
            value = origin(element, others, self.source, is_nested=len(path) > 1)
            yield path, Row(self.module, len(path) - 1, element.keyword, int(element.tag), kind, value)
        if element.VR != "SQ" or is_told_in_one_row(element) or len(path) > _DEEPEST:
            return
        for number, item in enumerate(element.value):
            for nested in item:
                known = rule.attributes.get(int(nested.tag)) if rule is not None else None
                yield from self.element(
                    nested,
                    [_nested(other, number, nested) for other in others],
                    (*path, nested.keyword),
                    known.type if known is not None else "",
                    known.item if known is not None else None,
                )


def _nested(other: DataElement | None, number: int, element: DataElement) -> DataElement | None:
    if other is None or number >= len(other.value):
        return None
    found: DataElement | None = other.value[number].get(element.tag)
    return found


def _module_of(keyword: str, iod: IOD) -> Module:
    return _modules(iod)[keyword]


@lru_cache(maxsize=64)
def _modules(iod: IOD) -> Mapping[str, Module]:
    """Return the module that each attribute of the data set is told under: a mandatory one before the others."""
    found: dict[str, Module] = {}
    for module in sorted(iod.modules, key=lambda module: module.usage != "M"):
        for attribute in module.rule.attributes.values():
            found.setdefault(attribute.keyword, module)
    return found
