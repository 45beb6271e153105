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
    (row,) = (line for line in result.stdout.splitlines() if "mr1" in line)
    assert [cell.strip() for cell in row.split("│")[1:-1]] == [
        "mr1",
        "MR1",
        "10.0.0.0/24",
        "GANTRY",
        "title and network",
        "echo, store",
    ]
    assert "warning" not in result.stderr


def test_what_is_doubtful_is_a_warning(gantry: Gantry, tmp_path: Path) -> None:
    path = tmp_path / "gantry.yaml"
    path.write_text("{}", encoding="utf-8")
    result = gantry("config", "check", "--config", path)
    assert result.exit_code == 0
    assert "warning: peers: nobody may send to this node" in result.stderr


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
        ("peers: {ct: {ae_title: CT}}", "peers.ct.networks"),
        ("peers: {ct: {ae_title: CT, networks: [10.0.0.5/24]}}", "has host bits set"),
        ("peers: {ct: {ae_title: CT, networks: [10.0.0.5], may: [send]}}", "peers.ct.may"),
        ("peers: {ct: {ae_title: CT, networks: [10.0.0.5], tls: true}}", "peers.ct.tls"),
        ("receive: {tls: {certificate: c, key: k, trusted: t}}", "receive.tls.certificate"),
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
