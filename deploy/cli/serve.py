"""``gantry serve``: run the node."""

from __future__ import annotations

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import fail_on_index, read_config
from deploy.cli.options import DEFAULT_CONFIG, ConfigFile


def serve(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Run the node until it is told to stop (SIGTERM, Ctrl-C). One line per event goes to standard error."""
    node = read_config(config)
    # Imported after the configuration is known to be right: this takes seconds.
    from sqlalchemy.exc import DatabaseError

    from deploy.node.access import check_access
    from deploy.node.config import ConfigError, check_apps
    from deploy.node.database import NewerDatabaseError
    from deploy.node.lock import DataFolderInUseError
    from deploy.node.recover import DamagedIndexError
    from deploy.node.serve import serve as run_node
    from deploy.node.web import WebPortError
    from operators.manifest import ManifestError

    with explained(ConfigError, ManifestError):
        check_apps(node, config)
        check_access(node, config)
    try:
        status = run_node(node)
    except (DataFolderInUseError, NewerDatabaseError, DamagedIndexError) as error:
        fail(str(error))
    except WebPortError as error:
        fail(f"{config}: {error}")
    except OSError as error:
        if error.filename is not None:
            fail(f"{config}: data_folder {node.data_folder}: {error.filename}: {error.strerror}")
        # The port is taken, or needs rights that this user does not have.
        fail(f"{config}: receive.host {node.receive.host}, receive.port {node.receive.port}: {error.strerror or error}")
    except DatabaseError as error:
        fail_on_index(node.data_folder, error)
    raise typer.Exit(status)
