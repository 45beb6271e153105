"""What the folder of every app must hold."""

from __future__ import annotations

import ast
from pathlib import Path

_APP = "app.py"
_PARTS = {
    _APP: "the DAG",
    "__main__.py": "the command of the packaged app",
    "README.md": "the model card",
}


def missing_parts(folder: Path) -> tuple[str, ...]:
    """Return a sentence for each part that an app's folder lacks; nothing is imported for it."""
    absent = [f"{name} is absent: {what}" for name, what in _PARTS.items() if not (folder / name).is_file()]
    if (folder / _APP).is_file():
        absent += _problems_of_dag(folder / _APP)
    return tuple(absent)


def _problems_of_dag(path: Path) -> list[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as error:
        return [f"{_APP} is no Python: {error}"]
    if any(isinstance(node, ast.ClassDef) and node.name == "App" for node in tree.body):
        return []
    return [f"{_APP} has no class App, which a run makes and starts"]
