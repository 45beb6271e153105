"""Build a MAP's image with the container tool that is installed."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

from deploy.map.context import image_tag
from operators.manifest import Manifest

BUILDERS = ("docker", "podman")


class BuildError(Exception):
    """The image was not built: the message holds the tool's last lines."""


def find_builder() -> str | None:
    """Return the first of the known container tools that is installed, or None."""
    return next((name for name in BUILDERS if shutil.which(name)), None)


def build_command(builder: str, manifest: Manifest, context: Path) -> str:
    """Return the command that builds the image, as one types it."""
    return shlex.join(_arguments(builder, manifest, context))


def build_image(builder: str, manifest: Manifest, context: Path) -> str:
    """Build the image and return its tag. Raises :class:`BuildError`."""
    done = subprocess.run(
        _arguments(builder, manifest, context), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode:
        raise BuildError(f"{build_command(builder, manifest, context)} failed:\n{done.stderr[-2000:].strip()}")
    return image_tag(manifest)


def _arguments(builder: str, manifest: Manifest, context: Path) -> list[str]:
    return [builder, "build", "--tag", image_tag(manifest), str(context)]
