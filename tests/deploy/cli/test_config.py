from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.cli.conftest import Gantry


def test_a_right_configuration_is_summarised(gantry: Gantry, config: Path) -> None:
    result = gantry("config", "check", "--config", config)
    assert result.exit_code == 0, result.stderr
    assert "GANTRY at 127.0.0.1:11112" in result.stdout
    assert "PACS at 127.0.0.1:104" in result.stdout
    assert "is valid" in result.stdout


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ("receive: {port: 99999}", "receive.port"),
        ("receive: {pot: 104}", "receive.pot"),
        ("readiness: {quiet_seconds: soon}", "readiness.quiet_seconds"),
        (
            "apps: {mr_brain: {destinations: [pacs]}}\ndestinations: {pacs: {ae_title: P, host: h, port: 1}}",
            "apps.mr_brain",
        ),
        ("apps: {mr_white_matter_lesions: {destinations: [elsewhere]}}", "apps.mr_white_matter_lesions.destinations"),
        (
            "apps: {mr_white_matter_lesions: {destinations: [pacs], settings: {colour: red}}}\n"
            "destinations: {pacs: {ae_title: P, host: h, port: 1}}",
            "'colour'",
        ),
    ],
)
def test_a_wrong_value_is_named_by_its_key(gantry: Gantry, tmp_path: Path, wrong: str, key: str) -> None:
    path = tmp_path / "gantry.yaml"
    path.write_text(wrong, encoding="utf-8")
    result = gantry("config", "check", "--config", path)
    assert result.exit_code == 1
    assert key in result.stderr
    assert str(path) in result.stderr


def test_a_missing_file_is_named(gantry: Gantry, tmp_path: Path) -> None:
    result = gantry("config", "check", "--config", tmp_path / "gantry.yaml")
    assert result.exit_code == 1
    assert str(tmp_path / "gantry.yaml") in result.stderr


def test_the_file_may_be_named_by_the_environment(
    gantry: Gantry, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GANTRY_CONFIG", str(config))
    assert gantry("config", "check").exit_code == 0
