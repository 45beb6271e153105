"""Intervals of an electrocardiogram, as a DAG.

::

    study → selection ─┬→ recording ─┬→ measured ─┬→ summary
                       │             └→ gates ────┴→ objects
                       └→ analysis ────────────────↗
"""

from __future__ import annotations

from apps.application import StudyApplication
from apps.ecg_intervals.likeness import REFERENCE, judge_likeness
from apps.ecg_intervals.measured import measure
from apps.ecg_intervals.results import summarise, write_objects
from operators.check.domain_shift import Reference
from operators.read.ecg import EcgInstance, read_newest_ecg
from operators.read.selection import Selection


class App(StudyApplication):
    """Beats, waves and intervals of one recording, and the rules on them."""

    def compose(self) -> None:
        """Join the steps."""
        run, step = self.app_run, self.step
        manifest = run.manifest

        study, selection, analysis = self.read()
        recording = step("recording", newest_recording, selection)
        gates = step("gates", judge_likeness, recording, reference=Reference.load(run.model_folder / REFERENCE))
        measured = step("measured", measure, recording)
        step("summary", summarise, recording, measured)
        step(
            "objects",
            write_objects,
            study,
            selection,
            recording,
            measured,
            gates,
            analysis,
            manifest=manifest,
            maximum_annotated_beats=int(run.settings["maximum_annotated_beats"]),
        )


def newest_recording(selection: Selection) -> EcgInstance:
    """Read the newest recording of the chosen series."""
    return read_newest_ecg(selection.series["ecg"])
