"""Write the build context of an app's MAP: a Dockerfile, and the image's tree below ``rootfs``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from string import Template

import apps
import operators
from apps.parts import missing_parts
from apps.run import app_folder, app_manifest
from deploy.map import layout
from deploy.map.manifests import app_json, pkg_json
from deploy.map.requirements import pinned_requirements
from operators.manifest import Manifest, changed_model_files
from operators.provenance import MANUFACTURER

DEFAULT_BASE_IMAGE = "python:3.11.13-slim-bookworm"
"""The image to build on, by its full version; name one with its digest where builds must be the same for ever."""

MODEL_FOLDER = "model"
# The model has its own place in the image.
NOT_PACKAGED = ("__pycache__", MODEL_FOLDER)

_HERE = Path(__file__).parent


class PackageError(Exception):
    """The app cannot be packaged: the message says why."""


def write_context(name: str, output: Path, *, base_image: str = DEFAULT_BASE_IMAGE) -> Manifest:
    """Write the build context of the app into the new or empty folder ``output``; return the app's manifest.

    Raises :class:`PackageError` where the folder holds something, the app lacks a part or a model file is not the
    manifest's; nothing is written then.
    """
    manifest, folder = app_manifest(name), app_folder(name)
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise PackageError(f"{output} is not an empty folder")
    if missing := missing_parts(folder):
        raise PackageError("\n".join([f"{name} is not whole:", *missing]))
    problems = changed_model_files(manifest, folder / MODEL_FOLDER)
    if problems:
        raise PackageError("\n".join([f"the model of {name} is not the one that its manifest describes:", *problems]))

    root = output / "rootfs"
    _copy_code(name, folder, root)
    # Contents only, as everywhere here: the app's user in the image must be able to read what only its owner may here.
    # An app of rules and filters has no model.
    if manifest.model.files:
        shutil.copytree(folder / MODEL_FOLDER, _inside(root, layout.MODELS) / name, copy_function=shutil.copyfile)
    else:
        (_inside(root, layout.MODELS) / name).mkdir(parents=True)
    _copy_documents(name, folder, root)
    for path, content in ((layout.APP_MANIFEST, app_json(manifest)), (layout.PKG_MANIFEST, pkg_json(manifest))):
        _write(_inside(root, path), json.dumps(content, indent=2) + "\n")
    _write(_inside(root, layout.REQUIREMENTS), "\n".join(pinned_requirements()) + "\n")
    _write(_inside(root, layout.CONFIGURATION), (folder / "app.yaml").read_text(encoding="utf-8"))
    tools = (_HERE / "tools.sh").read_text(encoding="utf-8")
    _write(_inside(root, layout.TOOLS), tools.replace("@COMMAND@", app_json(manifest)["command"]))
    _inside(root, layout.TOOLS).chmod(0o755)
    _write(output / "Dockerfile", dockerfile(manifest, base_image))
    return manifest


def image_tag(manifest: Manifest) -> str:
    """Return the image's name and tag."""
    return f"{manifest.application.name}:{manifest.application.version}"


def dockerfile(manifest: Manifest, base_image: str) -> str:
    """Return the Dockerfile's text."""
    template = Template((_HERE / "Dockerfile.template").read_text(encoding="utf-8"))
    return template.substitute(
        base_image=base_image,
        tag=image_tag(manifest),
        title=_quoted(manifest.application.title),
        version=manifest.application.version,
        description=_quoted(f"{manifest.application.title}: {manifest.model.notice}"),
        licence=_quoted(manifest.model.licence),
        vendor=MANUFACTURER,
        environment=" \\\n".join(f"    {name}={value}" for name, value in layout.ENVIRONMENT.items()),
        requirements=layout.REQUIREMENTS,
        workdir=layout.WORKDIR,
        input=layout.INPUT,
        output=layout.OUTPUT,
        logs=layout.LOGS,
        tools=layout.TOOLS,
    )


def _copy_code(name: str, folder: Path, root: Path) -> None:
    target = _inside(root, layout.APPLICATION)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(Path(operators.__path__[0]), target / "operators", ignore=ignore, copy_function=shutil.copyfile)
    shutil.copytree(
        folder,
        target / "apps" / name,
        ignore=shutil.ignore_patterns(*NOT_PACKAGED),
        copy_function=shutil.copyfile,
    )
    # What all apps share lies beside their folders.
    for module in Path(apps.__path__[0]).glob("*.py"):
        shutil.copyfile(module, target / "apps" / module.name)


def _copy_documents(name: str, folder: Path, root: Path) -> None:
    target = _inside(root, layout.DOCS) / name
    target.mkdir(parents=True)
    card = folder / "README.md"
    shutil.copyfile(card, target / card.name)


def _inside(root: Path, path: str) -> Path:
    """Where an absolute path of the image lies below ``root``."""
    return root / path.lstrip("/")


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _quoted(text: str) -> str:
    """Escape a text for a quoted value in a Dockerfile."""
    return " ".join(text.split()).replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
