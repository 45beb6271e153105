"""``gantry config``: is the configuration right?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile

if TYPE_CHECKING:
    from deploy.node.config import NodeConfig

commands = typer.Typer(help="The node's configuration.", no_args_is_help=True)


@commands.command("check")
def check(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Check the configuration, the apps that it names and their model files, without starting anything."""
    from apps.run import app_manifest, model_folder_of
    from deploy.cli.access import show_access
    from deploy.cli.screen import show_fields, show_table
    from deploy.node.access import access_warnings, check_access
    from deploy.node.config import ConfigError, check_apps
    from operators.manifest import ManifestError, changed_model_files

    node = read_config(config)
    with explained(ConfigError, ManifestError):
        check_apps(node, config)
        check_access(node, config)
        problems = {name: changed_model_files(app_manifest(name), model_folder_of(name)) for name in node.apps}
    lines = [f"apps.{name}: {problem}" for name, found in problems.items() for problem in found]
    if lines:
        fail("\n".join([f"{config}: an app's model is not the one that its manifest describes:", *lines]))
    show_fields(
        {
            "receives as": f"{node.receive.ae_title} at {node.receive.host}:{node.receive.port}",
            "keeps its data in": node.data_folder,
            "a study is complete": f"after {node.readiness.quiet_seconds:g} s without a new image, "
            f"at the latest after {node.readiness.maximum_wait_seconds:g} s",
        }
    )
    if node.peers:
        show_access(node)
    show_table(
        ("app", "device", "results go to"),
        [
            (
                name,
                app.device,
                "\n".join(f"{key}: {_address(node, key)}" for key in app.destinations),
            )
            for name, app in node.apps.items()
        ],
    )
    if not node.apps:
        typer.echo("No app is configured: studies are received and kept, and nothing is analysed.")
    for warning in access_warnings(node):
        typer.echo(f"warning: {warning}", err=True)
    typer.echo(f"{config} is valid.")


def _address(node: NodeConfig, destination: str) -> str:
    from deploy.node.config import SENDER

    if destination == SENDER:
        return "whoever sent the study"
    found = node.destinations[destination]
    return found.url or f"{found.ae_title} at {found.host}:{found.port}"
