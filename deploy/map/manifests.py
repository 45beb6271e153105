"""The two manifests of a MAP, made from the app's own (MONAI Application Package specification 1.0)."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from deploy.map import layout
from operators.manifest import Manifest

API_VERSION = "1.0.0"
SDK = "monai-deploy"
SDK_DISTRIBUTION = "monai-deploy-app-sdk"


def app_json(manifest: Manifest) -> dict[str, Any]:
    """Return the Application Manifest: how the app is started, with which variables, and what goes in and out."""
    return {
        "apiVersion": API_VERSION,
        "type": "application",
        "command": f"python3 -m apps.{manifest.application.name}",
        "environment": dict(layout.ENVIRONMENT),
        "input": {"path": layout.INPUT, "formats": ["file"]},
        "output": {"path": layout.OUTPUT, "format": "file"},
        "sdk": SDK,
        "sdkVersion": version(SDK_DISTRIBUTION),
        "timeout": manifest.resources.timeout,
        "version": manifest.application.version,
        "workingDirectory": layout.WORKDIR,
    }


def pkg_json(manifest: Manifest) -> dict[str, Any]:
    """Return the Package Manifest: where app and model are, and what a run needs."""
    resources = manifest.resources
    return {
        "apiVersion": API_VERSION,
        "applicationRoot": layout.APPLICATION,
        "modelRoot": layout.MODELS,
        "models": [{"name": manifest.application.name, "path": manifest.application.name}],
        "resources": {
            "cpu": resources.cpu,
            "gpu": resources.gpu,
            "memory": resources.memory,
            "gpuMemory": resources.gpuMemory,
        },
        "version": manifest.application.version,
    }
