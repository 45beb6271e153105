"""The reference in docs/configuration.md has every key of the configuration, with its default, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path
from typing import get_args, get_origin

import pytest
import yaml
from pydantic import BaseModel

from deploy.node.config import NodeConfig, check_apps, load_config

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "configuration.md"


def as_yaml(value: object) -> str:
    """A default as it would stand in the file."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (tuple, frozenset)):
        return f"[{', '.join(sorted(map(as_yaml, value)))}]"
    return str(value.value if isinstance(value, Enum) else value)


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Every key below a model, and its default as the reference writes it."""
    for name, field in model.model_fields.items():
        inner = "NAME." if get_origin(field.annotation) is dict else ""
        for candidate, parts in ((field.annotation, ""), *((each, inner) for each in get_args(field.annotation))):
            if isinstance(candidate, type) and issubclass(candidate, BaseModel):
                yield from keys(candidate, f"{prefix}{name}.{parts}")
                break
        else:
            default = None if field.is_required() else field.get_default(call_default_factory=True)
            value = "none" if default in (None, {}) else f"`{as_yaml(default)}`"
            yield prefix + name, "required" if field.is_required() else value


def test_every_key_is_described_with_its_default() -> None:
    rows = re.findall(r"^\| `([a-zA-Z_.]+)` \| (.+?) \| .+ \|$", REFERENCE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(keys(NodeConfig))


@pytest.mark.parametrize("document", ["README.md", "docs/configuration.md", "docs/operations.md"])
def test_examples_are_valid_configurations(document: str, tmp_path: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    blocks = [
        match.group(0) for match in re.finditer(r"^ *data_folder: .*(?:\n(?! *(?:```|END)).*)*", text, re.MULTILINE)
    ]
    assert blocks
    for number, block in enumerate(blocks):
        indent = len(block) - len(block.lstrip(" "))
        path = tmp_path / f"{number}.yaml"
        path.write_text("\n".join(line[indent:] for line in block.splitlines()), encoding="utf-8")
        assert yaml.safe_load(path.read_text(encoding="utf-8"))
        check_apps(load_config(path), path)
