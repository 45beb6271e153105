"""Make ``iods.json`` from the tables of PS3.3 that highdicom ships: ``python -m deploy.node.verify.iods.generate``.

highdicom's tables are private to it, 23 MB large and take 0.4 s to load. What the IODs of results need of them is
small, as most of it is macros that come again and again: every different item is kept once, by its number.
"""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import highdicom

from deploy.node.verify.iods.sop_classes import RESULT_SOP_CLASSES

TABLE = Path(__file__).with_name("iods.json")


def table() -> str:
    """Return the text of ``iods.json``."""
    sop_classes = _shipped("sop_class_iod_map")
    iods, modules = _shipped("iod_module_map"), _shipped("module_attribute_map")
    chosen = {uid: sop_classes[uid] for uid in RESULT_SOP_CLASSES}
    used = {iod: [[module["key"], module["usage"]] for module in iods[iod]] for iod in sorted(set(chosen.values()))}
    items: dict[str, int] = {}
    roots = {
        key: _number(_tree(modules[key]), items) for key in sorted({key for parts in used.values() for key, _ in parts})
    }
    lines = [
        f'"source": {json.dumps(f"highdicom {highdicom.__version__}")}',
        _block("sop_classes", "{}", [f"{json.dumps(uid)}: {json.dumps(iod)}" for uid, iod in sorted(chosen.items())]),
        _block("iods", "{}", [f"{json.dumps(iod)}: {json.dumps(parts)}" for iod, parts in used.items()]),
        _block("modules", "{}", [f"{json.dumps(key)}: {number}" for key, number in roots.items()]),
        _block("items", "[]", list(items)),
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _shipped(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(files(highdicom).joinpath(f"_standard/{name}.json").read_text("utf-8"))
    return content


def _tree(rows: list[dict[str, Any]]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the attributes of a module: type and, for a sequence, the attributes of its items, by keyword."""
    tree: dict[str, Any] = {}
    for row in rows:
        attributes = tree
        for sequence in row["path"]:
            attributes = attributes[sequence][1]
        attributes[row["keyword"]] = (row["type"], {})
    return tree


def _number(tree: dict[str, tuple[str, dict[str, Any]]], items: dict[str, int]) -> int:
    """Return the number of an item; one that is not known yet is added after those that it holds."""
    attributes = [
        [keyword, kind, *([_number(nested, items)] if nested else [])] for keyword, (kind, nested) in tree.items()
    ]
    return items.setdefault(json.dumps(attributes), len(items))


def _block(name: str, brackets: str, lines: list[str]) -> str:
    return f'"{name}": {brackets[0]}\n' + ",\n".join(lines) + f"\n{brackets[1]}"


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
