"""Where things are inside a MAP: MONAI Application Package specification 1.0, "Table of Important Paths"."""

from __future__ import annotations

APPLICATION = "/opt/holoscan/app"
MODELS = "/opt/holoscan/models"
DOCS = "/opt/holoscan/docs"
WORKDIR = "/var/holoscan"
INPUT = "/var/holoscan/input"
OUTPUT = "/var/holoscan/output"
LOGS = "/var/holoscan/logs"
CONFIGURATION = "/var/holoscan/app.yaml"
APP_MANIFEST = "/etc/holoscan/app.json"
PKG_MANIFEST = "/etc/holoscan/pkg.json"
REQUIREMENTS = "/opt/holoscan/app/requirements.txt"
TOOLS = "/var/holoscan/tools"

ENVIRONMENT = {
    "HOLOSCAN_APPLICATION": APPLICATION,
    "HOLOSCAN_INPUT_PATH": INPUT,
    "HOLOSCAN_OUTPUT_PATH": OUTPUT,
    "HOLOSCAN_WORKDIR": WORKDIR,
    "HOLOSCAN_MODEL_PATH": MODELS,
    "HOLOSCAN_CONFIG_PATH": CONFIGURATION,
    "HOLOSCAN_APP_MANIFEST_PATH": APP_MANIFEST,
    "HOLOSCAN_PKG_MANIFEST_PATH": PKG_MANIFEST,
    "HOLOSCAN_DOCS": DOCS,
    "HOLOSCAN_LOGS": LOGS,
    "PYTHONPATH": APPLICATION,
}
"""The variables of the specification's "Table of Environment Variables", and where Python finds the app."""
