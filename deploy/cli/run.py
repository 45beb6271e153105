"""``gantry run``: one app on one folder, without a node."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.options import AppName

if TYPE_CHECKING:
    from operators.outcome import Outcome


def run(
    app: AppName,
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="A folder with the DICOM files of one study.")],
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="Folder for the results and outcome.json.")],
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    setting: Annotated[
        list[str] | None, typer.Option(metavar="KEY=VALUE", help="Another value for one of the app's settings.")
    ] = None,
) -> None:
    """Run an app on a folder of DICOM files and write the result objects.

    The exit status is 0 for results and for a study that the app refuses to analyse, 1 for a failure.
    """
    import yaml

    from apps.run import ChangedModelError, merged_settings, run_app
    from deploy.cli.apps import read_manifest
    from deploy.cli.screen import console
    from operators.infer.device import choose_device
    from operators.refused import Refused

    # Whatever goes wrong inside Holoscan is raised as well.
    os.environ.setdefault("HOLOSCAN_LOG_LEVEL", "OFF")
    manifest = read_manifest(app)
    if not source.is_dir():
        fail(f"there is no folder {source}")
    given = {}
    for text in setting or []:
        key, separator, value = text.partition("=")
        if not separator:
            fail(f"--setting {text!r} is not KEY=VALUE")
        # Read like a value in gantry.yaml: 3 is a number, true a truth value.
        given[key] = yaml.safe_load(value)
    with explained(ValueError):
        merged_settings(manifest, given)
        choose_device(device)
    with explained(Refused, ChangedModelError), console.status(f"{app} is analysing {source}"):
        outcome = run_app(app, source, output, device=device, settings=given)
    _show(outcome, output)


def _show(outcome: Outcome, output: Path) -> None:
    from rich.markup import escape

    from deploy.cli.gates import show_gates
    from deploy.cli.screen import console, show_table

    if outcome.decisions:
        show_table(
            ("series", "role", "", "reason"),
            [
                (
                    item.series_description or item.series_instance_uid,
                    item.role,
                    "yes" if item.chosen else "no",
                    item.reason,
                )
                for item in outcome.decisions
            ],
            title="Series",
        )
    show_gates(outcome.gates, title="Gates")
    # The summary of a refusal says by itself that there is no analysis.
    if outcome.status == "analysed":
        console.print(f"[green]analysed:[/] {escape(outcome.told)}")
    else:
        console.print(outcome.summary, style="yellow", markup=False)
    for name in outcome.files:
        console.print(f"  {output / name}", markup=False)
    seconds = ", ".join(f"{step} {value:.2f} s" for step, value in outcome.seconds.items())
    console.print(f"time: {seconds}")
