from __future__ import annotations

from pathlib import Path

import pytest

from deploy.node.config import ConfigError, check_apps, load_config

WHOLE = """
data_folder: data
receive: {ae_title: AI, port: 104}
peers:
  ct: {ae_title: CT, networks: [10.1.0.0/16, "fd00::/8"]}
readiness: {quiet_seconds: 2}
destinations:
  pacs: {ae_title: ARCHIVE, host: pacs.example, port: 11112}
apps:
  mr_white_matter_lesions:
    destinations: [pacs]
    settings: {minimum_lesion_volume_mm3: 5}
"""


def write(folder: Path, content: str) -> Path:
    path = folder / "gantry.yaml"
    path.write_text(content, encoding="utf-8")
    return path


def error_of(path: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_a_whole_file_is_read(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, WHOLE))
    assert config.receive.ae_title == "AI"
    assert config.receive.port == 104
    assert config.readiness.quiet_seconds == 2
    assert config.destinations["pacs"].host == "pacs.example"
    assert config.apps["mr_white_matter_lesions"].destinations == ("pacs",)
    check_apps(config, tmp_path / "gantry.yaml")


def test_a_relative_data_folder_is_taken_from_the_files_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert load_config(write(tmp_path, WHOLE)).data_folder == tmp_path / "data"


def test_an_empty_file_gives_the_defaults(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, ""))
    assert config.receive.port == 11112
    assert config.data_folder == tmp_path / "gantry-data"


def test_the_environment_overrides_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GANTRY_RECEIVE__PORT", "2762")
    monkeypatch.setenv("GANTRY_DESTINATIONS__PACS__HOST", "other.example")
    config = load_config(write(tmp_path, WHOLE))
    assert config.receive.port == 2762
    assert config.receive.ae_title == "AI"
    assert config.destinations["pacs"].host == "other.example"


def test_a_misspelt_environment_variable_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, WHOLE)
    monkeypatch.setenv("GANTRY_RECIEVE__PORT", "2762")
    message = error_of(path)
    assert "GANTRY_RECIEVE__PORT" in message
    assert "receive" in message
    monkeypatch.delenv("GANTRY_RECIEVE__PORT")
    monkeypatch.setenv("GANTRY_RECEIVE__PROT", "2762")
    assert "receive.prot: unknown key; allowed are ae_title" in error_of(path)


@pytest.mark.parametrize(
    ("content", "key", "allowed"),
    [
        ("recieve: {}", "recieve", "data_folder, receive"),
        ("receive: {prot: 104}", "receive.prot", "ae_title, host, port"),
        ("receive: {port: 70000}", "receive.port", "less than or equal to 65535"),
        ("receive: {port: many}", "receive.port", "integer"),
        ("receive: {ae_title: A_TITLE_OF_17_CHARS}", "receive.ae_title", "1 to 16 characters"),
        ("receive: {ae_title: ' '}", "receive.ae_title", "1 to 16 characters"),
        ("receive: {ae_title: 'A\\B'}", "receive.ae_title", "without a backslash"),
        ("receive: {ae_title: Ä}", "receive.ae_title", "ASCII"),
        ("readiness: {quiet_seconds: .inf}", "readiness.quiet_seconds", "finite"),
        ("destinations: {pacs: {ae_title: A, host: '', port: 1}}", "destinations.pacs.host", "at least 1"),
        ("destinations: {pacs: {ae_title: A, port: 1}}", "destinations.pacs", "host and port"),
        (
            "destinations: {pacs: {ae_title: A, host: h, port: 1, retries: 1}}",
            "destinations.pacs.retries",
            "first_retry",
        ),
        ("apps: {a: {destinations: []}}", "apps.a.destinations", "at least 1"),
        ("apps: {a: {destinations: [x]}}", "apps.a.destinations", "none is configured"),
        ("apps: {a: {destinations: [x], gpu: 1}}", "apps.a.gpu", "device"),
    ],
)
def test_a_wrong_file_names_the_key_and_what_is_allowed(tmp_path: Path, content: str, key: str, allowed: str) -> None:
    message = error_of(write(tmp_path, content))
    assert f"{key}:" in message
    assert allowed in message


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    message = error_of(write(tmp_path, "receive: {port: 0}\nreadiness: {quiet_seconds: -1}\nlease_seconds: 0"))
    assert {"receive.port", "readiness.quiet_seconds", "lease_seconds"} <= {
        line.split(":")[0].strip() for line in message.splitlines()
    }


@pytest.mark.parametrize("content", ["receive: {port: 1", "- 1", "receive: {port: 1, port: 2}", "1: 2"])
def test_what_is_no_mapping_of_unique_keys_is_an_error(tmp_path: Path, content: str) -> None:
    error_of(write(tmp_path, content))


def test_an_absent_file_is_an_error(tmp_path: Path) -> None:
    error_of(tmp_path / "gantry.yaml")


def test_an_unknown_app_lists_those_that_exist(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE.replace("mr_white_matter_lesions", "mr_white_mater"))
    with pytest.raises(ConfigError, match=r"apps\.mr_white_mater: .*mr_white_matter_lesions"):
        check_apps(load_config(path), path)


def test_an_unknown_setting_of_an_app_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path, WHOLE.replace("minimum_lesion_volume_mm3", "minimum_volume"))
    with pytest.raises(ConfigError, match=r"apps\.mr_white_matter_lesions\.settings: .*minimum_lesion_volume_mm3"):
        check_apps(load_config(path), path)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("stat_when: 'Modalty == \"CT\"'", r"stat_when: .*did you mean 'Modality'"),
        ("stat_when: 'Modality'", "stat_when: .*gives string, not true or false"),
        ("priors: {archive: pacs}", "priors: no role of the app is played by an earlier study"),
        ("priors: {archive: other}", r"priors\.archive: 'other' is not one of the archives \(pacs\)"),
        ("readiness: {archive: other}", r"readiness\.archive: 'other' is not one of the archives \(pacs\)"),
        ("readiness: {quiet_seconds: 90}", "longest_quiet_seconds is at least quiet_seconds"),
    ],
)
def test_what_is_wrong_with_the_rules_of_an_app_is_told(tmp_path: Path, key: str, said: str) -> None:
    content = f"""
archives: {{pacs: {{ae_title: PACS, host: pacs, port: 104}}}}
destinations: {{pacs: {{ae_title: PACS, host: pacs, port: 104}}}}
apps: {{mr_white_matter_lesions: {{destinations: [pacs], {key}}}}}
"""
    path = write(tmp_path, content)
    with pytest.raises(ConfigError, match=said):
        check_apps(load_config(path), path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("receive: {port: 11112}\nweb: {port: 11112}", r"web\.port: 11112 is also receive\.port"),
        ("receive: {host: 10.0.0.1}\nweb: {host: 0.0.0.0, port: 11112}", r"web\.port: 11112 is also receive\.port"),
        ("receive: {host: 10.0.0.1}\nweb: {host: 127.0.0.1, port: 11112}", None),
    ],
)
def test_two_sides_of_the_node_do_not_share_a_port(tmp_path: Path, content: str, said: str | None) -> None:
    path = write(tmp_path, content)
    if said is None:
        assert load_config(path).web is not None
        return
    with pytest.raises(ConfigError, match=said):
        load_config(path)
