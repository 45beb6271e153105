"""``gantry.yaml``: the one configuration file of a node."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, InitSettingsSource, PydanticBaseSettingsSource

ENVIRONMENT_PREFIX = "GANTRY_"
"""``GANTRY_RECEIVE__PORT=104`` overrides ``receive: {port: ...}`` of the file."""

ENVIRONMENT_DELIMITER = "__"


class ConfigError(ValueError):
    """The configuration is wrong: the message names the file, the key and what is allowed."""


def _application_entity_title(title: str) -> str:
    """Check an AE title (PS3.5 table 6.2-1: at most 16 characters, no backslash, no control character)."""
    title = title.strip(" ")
    if not 1 <= len(title) <= 16:
        raise ValueError("an AE title has 1 to 16 characters")
    if not title.isascii() or not title.isprintable() or "\\" in title:
        raise ValueError("an AE title is of printable ASCII characters without a backslash")
    return title


ApplicationEntityTitle = Annotated[str, AfterValidator(_application_entity_title)]


Host = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ReceiveConfig(_Part):
    """The storage SCP."""

    ae_title: ApplicationEntityTitle = "GANTRY"
    host: Host = "0.0.0.0"
    port: int = Field(default=11112, ge=1, le=65535)
    maximum_pdu_size: int = Field(default=131072, ge=4096)
    maximum_associations: int = Field(default=16, ge=1)
    # How long a peer may be silent within an association before it counts as gone.
    network_timeout_seconds: float = Field(default=60.0, gt=0)


class ReadinessConfig(_Part):
    """When a study counts as complete."""

    quiet_seconds: float = Field(default=5.0, ge=0)
    maximum_wait_seconds: float = Field(default=120.0, ge=0)


class DestinationConfig(_Part):
    """One peer that results are sent to."""

    ae_title: ApplicationEntityTitle
    host: Host
    port: int = Field(ge=1, le=65535)
    first_retry_seconds: float = Field(default=5.0, gt=0)
    longest_retry_seconds: float = Field(default=900.0, gt=0)


class AppConfig(_Part):
    """One app that the node runs: where its results go, on which device, with which settings."""

    destinations: tuple[str, ...] = Field(min_length=1)
    device: str = "auto"
    maximum_attempts: int = Field(default=3, ge=1)
    timeout_seconds: float | None = Field(default=None, gt=0)
    settings: dict[str, float | int | str | bool] = Field(default_factory=dict)
    report_refusals: bool = True


class NodeConfig(_Part):
    """The whole ``gantry.yaml``."""

    data_folder: Path = Path("gantry-data")
    receive: ReceiveConfig = ReceiveConfig()
    readiness: ReadinessConfig = ReadinessConfig()
    destinations: dict[str, DestinationConfig] = Field(default_factory=dict)
    apps: dict[str, AppConfig] = Field(default_factory=dict)
    lease_seconds: float = Field(default=60.0, gt=0)

    @model_validator(mode="after")
    def _destinations_exist(self) -> NodeConfig:
        for name, app in self.apps.items():
            for destination in app.destinations:
                if destination not in self.destinations:
                    raise ValueError(
                        f"apps.{name}.destinations: {destination!r} is not one of the destinations "
                        f"({', '.join(sorted(self.destinations)) or 'none is configured'})"
                    )
        return self


def load_config(path: Path) -> NodeConfig:
    """Read and validate ``gantry.yaml``; environment variables ``GANTRY_*`` override it.

    A relative ``data_folder`` is taken from the file's folder.

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
    folder = (path.resolve().parent / settings.data_folder.expanduser()).resolve()
    return NodeConfig.model_validate({**settings.model_dump(), "data_folder": folder})


def check_apps(config: NodeConfig, path: Path) -> None:
    """Check that every configured app exists and has the settings that are given for it.

    Raises :class:`ConfigError` naming the file, the key and what is allowed.
    """
    # Imported here so that reading a configuration needs no app.
    from apps.run import app_manifest, app_names, merged_settings

    lines = []
    for name, app in config.apps.items():
        if name not in app_names():
            lines.append(f"  apps.{name}: there is no such app; the apps are {', '.join(app_names())}")
            continue
        try:
            merged_settings(app_manifest(name), app.settings)
        except ValueError as error:
            lines.append(f"  apps.{name}.settings: {error}")
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
        arguments = get_args(annotation)
        in_mapping = bool(arguments)
        model = arguments[1] if arguments else _model(annotation)
    return tuple(model.model_fields)


def _model(annotation: object) -> type[BaseModel]:
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        raise TypeError(f"{annotation} has no keys")
    return annotation
