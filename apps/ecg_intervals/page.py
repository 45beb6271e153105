"""What stands on the plot."""

from __future__ import annotations

from apps.ecg_intervals.measured import Measured
from operators.manifest import Manifest
from operators.write.pages.ecg_paper import EcgPage


def page_of(measured: Measured, manifest: Manifest) -> EcgPage:
    """Return numbers, flags and the marks of all waves."""
    ecg = measured.analysis
    numbers = [
        f"Rate {ecg.rate:.0f} /min",
        *(f"{name} {value:.0f} ms" for name, value in (("PR", ecg.pr), ("QRS", ecg.qrs), ("QT", ecg.qt)) if value),
        *(f"QTc {name} {value:.0f} ms" for name, value in ecg.qtc.items()),
        *([f"Axis {ecg.axes.qrs:.0f} deg"] if ecg.axes.qrs is not None else []),
    ]
    rhythm = ecg.facts.rhythm.value
    spans = [*(wave for beat in ecg.beats for wave in beat.waves), *ecg.blocked_p]
    return EcgPage(
        title=manifest.application.title,
        lines=[
            "   ".join(numbers),
            f"{rhythm[:1].upper()}{rhythm[1:]}. {measured.more or 'No other flag'}",
            *ecg.unmeasured,
        ],
        notice=manifest.footer,
        key="blue: P, QRS, end of T",
        marks=[(start, end) for start, end in spans if start is not None and end is not None],
    )
