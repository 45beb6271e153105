"""``gantry apps``: the installed apps, what they are for and whether they are whole."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.cli.failure import explained, fail
from deploy.cli.index import open_index
from deploy.cli.options import DEFAULT_CONFIG, AppName, ConfigFile

if TYPE_CHECKING:
    from operators.manifest import Manifest

commands = typer.Typer(help="The installed apps.", no_args_is_help=True)


@commands.command("list")
def list_apps() -> None:
    """List the installed apps."""
    from apps.run import app_manifest, app_names
    from deploy.cli.screen import show_table
    from operators.manifest import ManifestError

    with explained(ManifestError):
        manifests = [app_manifest(name) for name in app_names()]
    show_table(
        ("name", "title", "version", "model"),
        [
            (item.application.name, item.application.title, item.application.version, item.model.notice)
            for item in manifests
        ],
    )


@commands.command("show")
def show_app(app: AppName) -> None:
    """Show one app: what it is for, its limits, inputs, outputs and model."""
    from deploy.cli.screen import console, show_fields, show_table

    manifest = read_manifest(app)
    part = manifest.application
    console.print(f"[bold]{part.title}[/]  {part.name} {part.version}")
    console.print(f"[bold yellow]{manifest.model.notice}[/]")
    show_fields(
        {
            "quiet time": f"{manifest.quiet_seconds:g} s" if manifest.quiet_seconds is not None else "the node's",
            "intended use": manifest.intended_use,
            "limits": "\n".join(f"- {limit}" for limit in manifest.limits),
            "takes studies where": manifest.accepts,
            "needs": _needs(manifest),
        }
    )
    for name, role in manifest.inputs.items():
        show_table(
            ("a series must meet", "otherwise it is"),
            [(requirement.require, requirement.otherwise) for requirement in role.where],
            title=f"\nInput {name}: {role.title} ({', '.join(role.sop_classes)})",
        )
        if role.prefer:
            console.print("of several, the largest:", ", then ".join(role.prefer), markup=False)
    show_table(
        ("output", "object", "title", "series number"),
        [(name, item.object, item.title, item.series_number) for name, item in manifest.outputs.items()],
        title="\nOutputs",
    )
    resources = manifest.resources
    show_fields(
        {
            "files": "\n".join(f"{file.path}  {file.sha256}" for file in manifest.model.files),
            "SHA-256 in results": manifest.model.digest if manifest.model.files else "no model",
            "origin": manifest.model.origin,
            "licence": manifest.model.licence,
            "device UID": manifest.algorithm.device_uid,
        },
        title="Model",
    )
    show_fields(
        {
            **{f"setting {key}": value for key, value in manifest.settings.items()},
            "processor cores": resources.cpu,
            "memory": resources.memory,
            "GPUs": resources.gpu,
            "counts as hung after": f"{resources.timeout} s",
        },
        title="Settings and resources",
    )


@commands.command("check")
def check_app(app: AppName) -> None:
    """Check that an app is whole: its manifest, its parts and the digests of its model files."""
    from apps.parts import missing_parts
    from apps.run import app_folder, model_folder_of
    from operators.manifest import changed_model_files

    manifest = read_manifest(app)
    if missing := missing_parts(app_folder(app)):
        fail("\n".join([f"{app} is not whole:", *missing]))
    problems = changed_model_files(manifest, model_folder_of(app))
    if problems:
        fail("\n".join([f"the model of {app} is not the one that its manifest describes:", *problems]))
    files = len(manifest.model.files)
    typer.echo(f"{app} {manifest.application.version}: manifest valid, {files} model file(s) unchanged")


@commands.command("pause")
def pause_app(app: AppName, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Have the node begin no job of an app until it is resumed; runs under way go on, and studies are received."""
    from deploy.node.jobs import pause_app as pause

    read_manifest(app)
    paused = pause(open_index(config), app, asked_by=getpass.getuser())
    typer.echo(f"{app} {'is paused' if paused else 'was paused already'}")


@commands.command("resume")
def resume_app(app: AppName, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a paused app begin jobs."""
    from deploy.node.jobs import resume_app as resume

    resumed = resume(open_index(config), app, asked_by=getpass.getuser())
    typer.echo(f"{app} {'begins jobs again' if resumed else 'was not paused'}")


@commands.command("package")
def package_app(
    app: AppName,
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the build context; made new.")],
    base_image: Annotated[str, typer.Option(help="The image to build on.")] = "",
    build: Annotated[bool, typer.Option("--build", help="Build the image with docker or podman.")] = False,
) -> None:
    """Write the build context of an app's MONAI Application Package (MAP)."""
    from deploy.map.build import BuildError, build_command, build_image, find_builder
    from deploy.map.context import DEFAULT_BASE_IMAGE, PackageError, write_context

    manifest = read_manifest(app)
    with explained(PackageError):
        write_context(app, output, base_image=base_image or DEFAULT_BASE_IMAGE)
    typer.echo(f"{output}: build context of {app} {manifest.application.version}")
    builder = find_builder()
    if not build or builder is None:
        if build:
            fail(f"neither docker nor podman is installed here; elsewhere: {build_command('docker', manifest, output)}")
        typer.echo(f"build it with: {build_command(builder or 'docker', manifest, output)}")
        return
    with explained(BuildError):
        typer.echo(f"built {build_image(builder, manifest, output)}")


def read_manifest(app: str) -> Manifest:
    """Return an app's manifest; an unknown app or a wrong manifest ends the command with a message."""
    from apps.run import UnknownAppError, app_manifest
    from operators.manifest import ManifestError

    with explained(UnknownAppError, ManifestError):
        return app_manifest(app)


def _needs(manifest: Manifest) -> str:
    parts = [", ".join(manifest.required)] if manifest.required else []
    if manifest.at_least_one_of:
        parts.append(f"at least one of {', '.join(manifest.at_least_one_of)}")
    return "; ".join(parts)
