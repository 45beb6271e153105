"""An app as the node runs it: its manifest, and what the site has configured for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from apps.run import Setting, app_manifest, merged_settings
from deploy.node.config import NodeConfig, PriorsConfig, ReadinessConfig
from operators.manifest import Manifest


@dataclass(frozen=True)
class RoutedApp:
    """An app that the node runs: its manifest, and its settings with the site's own values in their place.

    ``readiness`` is what the site has set for it, None without; ``stat_when`` the condition that makes a job STAT.
    """

    manifest: Manifest
    settings: Mapping[str, Setting]
    readiness: ReadinessConfig | None = None
    stat_when: str | None = None
    priors: PriorsConfig | None = None

    @property
    def minds_pauses(self) -> bool:
        """Whether the app waits as long as the study's sender is known to pause: not where it needs one object only."""
        return self.manifest.quiet_seconds is None or self.readiness is not None

    def readiness_within(self, node: ReadinessConfig) -> ReadinessConfig:
        """Return what the app decides by: the site's own values for it, else the node's.

        Of the node's, the app's manifest can shorten the quiet time: an app of one object, as an ECG is, waits for no
        second one.
        """
        if self.readiness is not None:
            return self.readiness
        if self.manifest.quiet_seconds is None:
            return node
        return node.model_copy(update={"quiet_seconds": min(node.quiet_seconds, self.manifest.quiet_seconds)})


def routed_apps(config: NodeConfig) -> dict[str, RoutedApp]:
    """Load the manifest of every configured app. Raises ``UnknownAppError``, ``ManifestError`` or ``ValueError``."""
    manifests = {name: app_manifest(name) for name in config.apps}
    return {
        name: RoutedApp(
            manifest,
            merged_settings(manifest, config.apps[name].settings),
            config.apps[name].readiness,
            config.apps[name].stat_when,
            config.apps[name].priors,
        )
        for name, manifest in manifests.items()
    }
