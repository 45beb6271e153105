"""All commands of ``gantry``, joined."""

from __future__ import annotations

import typer

from deploy.cli import (
    apps,
    archive,
    backup,
    config,
    demo,
    destinations,
    disk,
    inspect,
    jobs,
    recover,
    run,
    send,
    serve,
    studies,
    train,
)

application = typer.Typer(
    name="gantry",
    help="A DICOM node that runs imaging AI beside a PACS.",
    no_args_is_help=True,
    # A traceback is for an error of ours. It must not show the values of variables: they may name a patient.
    pretty_exceptions_show_locals=False,
)
application.command("serve")(serve.serve)
application.command("demo")(demo.demo)
application.command("run")(run.run)
application.command("inspect")(inspect.inspect)
application.command("send")(send.send)
application.add_typer(apps.commands, name="apps")
application.add_typer(jobs.commands, name="jobs")
application.add_typer(destinations.commands, name="destinations")
application.add_typer(archive.commands, name="archive")
application.add_typer(studies.commands, name="studies")
application.add_typer(config.commands, name="config")
application.add_typer(disk.commands, name="disk")
application.command("recover")(recover.recover)
application.command("backup")(backup.backup)
application.command("restore")(backup.restore)
application.command("train", context_settings=train.PASS_ON, add_help_option=False)(train.train)
