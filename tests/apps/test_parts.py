from __future__ import annotations

import re
from pathlib import Path

import pytest

from apps.parts import missing_parts
from apps.run import app_folder, app_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An app that has every part."""
    (tmp_path / "app.py").write_text("class App:\n    pass\n")
    (tmp_path / "__main__.py").touch()
    (tmp_path / "README.md").touch()
    return tmp_path


@pytest.mark.parametrize("name", app_names())
def test_every_app_here_is_whole(name: str) -> None:
    assert missing_parts(app_folder(name)) == ()


@pytest.mark.parametrize("part", ["app.py", "__main__.py", "README.md"])
def test_what_is_absent_is_named(folder: Path, part: str) -> None:
    assert missing_parts(folder) == ()
    (folder / part).unlink()
    (problem,) = missing_parts(folder)
    assert problem.startswith(f"{part} is absent: ")


def test_everything_that_is_absent_is_named_at_once(tmp_path: Path) -> None:
    assert len(missing_parts(tmp_path)) == 3


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("class Application:\n    pass\n", "app.py has no class App"),
        ("class App\n", "app.py is no Python: .*line 1"),
        ("class App:\n    text = '\0'\n", "app.py is no Python: .*null"),
    ],
)
def test_a_dag_that_cannot_be_made_is_told(folder: Path, text: str, problem: str) -> None:
    (folder / "app.py").write_text(text)
    (found,) = missing_parts(folder)
    assert re.match(problem, found)
