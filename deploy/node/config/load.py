"""Reading ``gantry.yaml``: what is wrong is an error that names the key and says what is allowed."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

from deploy.node.config.node import NodeConfig

ENVIRONMENT_PREFIX = "GANTRY_"
"""``GANTRY_RECEIVE__PORT=104`` overrides ``receive: {port: ...}`` of the file."""

ENVIRONMENT_DELIMITER = "__"


class ConfigError(ValueError):
    """The configuration is wrong: the message names the file, the key and what is allowed."""


def load_config(path: Path) -> NodeConfig:
    """Read and validate ``gantry.yaml``; environment variables ``GANTRY_*`` override it.

    Relative paths are taken from the file's folder.

    Raises :class:`ConfigError` naming the file and every wrong key.
    """
    content = _read_yaml(path)
    _check_environment(path)

    class Settings(NodeConfig, BaseSettings):
        model_config = {
            "env_prefix": ENVIRONMENT_PREFIX,
            "env_nested_delimiter": ENVIRONMENT_DELIMITER,
            "extra": "forbid",
            "frozen": True,
            "allow_inf_nan": False,
        }

        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return env_settings, InitSettingsSource(settings_cls, init_kwargs=content)

    try:
        settings = Settings()
    except ValidationError as error:
        lines = [f"  {_explain(item)}" for item in error.errors()]
        raise ConfigError("\n".join([f"{path} is not a valid configuration:", *lines])) from error
    return NodeConfig.model_validate(_resolved(settings.model_dump(), path.resolve().parent))


def check_apps(config: NodeConfig, path: Path) -> None:
    """Check that every configured app exists and has the settings that are given for it.

    Raises :class:`ConfigError` naming the file, the key and what is allowed.
    """
    # Imported here so that reading a configuration needs no app.
    from apps.run import app_manifest, app_names, merged_settings
    from operators.read.expression import ExpressionError, compile_condition

    lines = []
    for name, app in config.apps.items():
        if name not in app_names():
            lines.append(f"  apps.{name}: there is no such app; the apps are {', '.join(app_names())}")
            continue
        try:
            merged_settings(app_manifest(name), app.settings)
        except ValueError as error:
            lines.append(f"  apps.{name}.settings: {error}")
        try:
            compile_condition(app.stat_when or "false")
        except ExpressionError as error:
            lines.append(f"  apps.{name}.stat_when: {error}")
        if app.priors is not None and all(role.origin == "study" for role in app_manifest(name).inputs.values()):
            lines.append(f"  apps.{name}.priors: no role of the app is played by an earlier study: leave the key out")
    if lines:
        raise ConfigError("\n".join([f"{path} is not a valid configuration:", *lines]))


class _UniqueKeyLoader(yaml.SafeLoader):
    """YAML keeps the last of two equal keys without a word: here the second one is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        for index, key in enumerate(keys):
            if key in keys[:index]:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is there twice", node.value[index][0].start_mark
                )
        return super().construct_mapping(node, deep)


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeyLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    if content is None:
        return {}
    if not isinstance(content, dict) or not all(isinstance(key, str) for key in content):
        raise ConfigError(f"{path} is not a valid configuration: the top level must be keys with values")
    return content


def _check_environment(path: Path) -> None:
    """pydantic-settings passes over a variable whose first key is unknown: a misspelt one must be an error."""
    known = {name.upper() for name in NodeConfig.model_fields}
    for variable in os.environ:
        name = variable.upper().removeprefix(ENVIRONMENT_PREFIX)
        if name == variable.upper() or ENVIRONMENT_DELIMITER not in name:
            continue
        key = name.split(ENVIRONMENT_DELIMITER)[0]
        if key not in known:
            raise ConfigError(
                f"environment variable {variable} (which overrides {path}): unknown key {key.lower()}; "
                f"allowed are {', '.join(NodeConfig.model_fields)}"
            )


def _explain(item: ErrorDetails) -> str:
    """One validation error as a line: the key, what is allowed and what was found."""
    location = item["loc"]
    # A validator over the whole file has no location: its message names the key.
    key = ".".join(map(str, location))
    message = item["msg"].removeprefix("Value error, ")
    if item["type"] == "extra_forbidden":
        return f"{key}: unknown key; allowed are {', '.join(_keys_beside(location))}"
    if item["type"] == "missing":
        return f"{key}: this key is required"
    return f"{key}: {message}, not {item['input']!r}" if key else message


def _resolved(value: Any, folder: Path) -> Any:
    """The same values, with every relative path taken from ``folder``."""
    if isinstance(value, Path):
        return (folder / value.expanduser()).resolve()
    if isinstance(value, dict):
        return {key: _resolved(each, folder) for key, each in value.items()}
    return value


def _keys_beside(location: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that are allowed where an unknown one was found."""
    model: type[BaseModel] = NodeConfig
    in_mapping = False
    for part in location[:-1]:
        # The name of a destination or an app is free; the keys below it belong to the mapping's value type.
        if in_mapping:
            in_mapping = False
            continue
        annotation = model.model_fields[str(part)].annotation
        in_mapping = get_origin(annotation) is dict
        model = _model(annotation)
    return tuple(model.model_fields)


def _model(annotation: object) -> type[BaseModel]:
    """The model in an annotation such as ``ReceiveConfig``, ``WebConfig | None`` or ``dict[str, AppConfig]``."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    raise TypeError(f"{annotation} has no keys")
