"""The memory of a node's processes over a run."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

import numpy as np

from tests.reliability.processes import resident_bytes

_EVERY_SECONDS = 1.0
_WARMING = 0.25
"""Share of a run in which caches and pools still fill."""

FLAT = 0.05


@dataclass
class Memory:
    """Samples of the proportional set size of a process tree; what several processes share counts once."""

    samples: list[tuple[float, int]] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def watch(self, root: int) -> None:
        """Sample until :meth:`stop`."""

        def sample() -> None:
            while True:
                if resident := resident_bytes(root):
                    self.samples.append((time.monotonic(), resident))
                if self._stop.wait(_EVERY_SECONDS):
                    return

        self._thread = threading.Thread(target=sample, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Take no more samples."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    @property
    def growth(self) -> float:
        """By how much of its mean the straight line through the samples rises, after a quarter of the run."""
        settled = np.array(self.samples[int(len(self.samples) * _WARMING) :], dtype=float)
        if len(settled) < 2:
            return 0.0
        slope, _ = np.polyfit(settled[:, 0] - settled[0, 0], settled[:, 1], 1)
        return float(slope * (settled[-1, 0] - settled[0, 0]) / settled[:, 1].mean())

    @property
    def is_flat(self) -> bool:
        """Whether it grows by less than 5 %."""
        return self.growth < FLAT

    def table(self) -> list[tuple[str, object]]:
        """The samples as rows."""
        sizes = [size / 2**20 for _, size in self.samples] or [0.0]
        return [
            ("memory at the start, at most, at the end (MiB)", f"{sizes[0]:.0f}, {max(sizes):.0f}, {sizes[-1]:.0f}"),
            ("  growth after the first quarter (%)", round(100 * self.growth, 1)),
        ]
