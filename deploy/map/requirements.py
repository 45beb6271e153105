"""Which packages an app needs, pinned to the versions that run here."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

DIRECT = (
    "cel-python",
    "highdicom",
    "holoscan-cu13",
    "imagecodecs",
    "matplotlib",
    "monai-deploy-app-sdk",
    "numpy",
    "pikepdf",
    "pillow",
    "pydantic",
    "pydicom",
    "pylibjpeg[all]",
    "pyyaml",
    "safetensors",
    "scikit-image",
    "scipy",
    "simpleitk",
    "torch",
)
"""What `operators` and the apps import; the node's own dependencies are not among them."""

OPTIONAL = ("av",)
"""What `operators` imports only where it is needed: part of the image where it is installed here."""

# Every image for Python brings its own.
_PART_OF_PYTHON = frozenset({"pip", "setuptools"})


def pinned_requirements() -> tuple[str, ...]:
    """Return `name==version` of every package that an app's run needs, as installed here, in the order of names.

    Raises ``importlib.metadata.PackageNotFoundError`` where one is absent.
    """
    found: dict[str, str] = {}
    waiting = [Requirement(name) for name in (*DIRECT, *filter(_is_installed, OPTIONAL))]
    visited: set[tuple[str, frozenset[str]]] = set()
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        key = (name, frozenset(wanted.extras))
        if key in visited or name in _PART_OF_PYTHON:
            continue
        visited.add(key)
        installed = distribution(wanted.name)
        # A local version such as 2.13.0+cpu names a build, which the image chooses for itself.
        found[name] = installed.version.partition("+")[0]
        for text in installed.requires or ():
            requirement = Requirement(text)
            extras = wanted.extras or {""}
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(requirement)
    return tuple(f"{name}=={version}" for name, version in sorted(found.items()))


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
