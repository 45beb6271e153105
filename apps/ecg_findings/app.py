"""Findings of an electrocardiogram, as a DAG.

::

    study → selection ─┬→ instance → heart → gates → classified ─┬→ summary
                       │         └────────────────────↗         └→ objects
                       └→ analysis ───────────────────────────────↗
"""

from __future__ import annotations

from apps.application import StudyApplication
from apps.ecg_findings.classify import classify, judge_domain, load_model
from apps.ecg_findings.heart import measure_heart
from apps.ecg_findings.results import summarise, write_objects
from operators.infer.device import choose_device
from operators.read.ecg import EcgInstance, read_newest_ecg
from operators.read.selection import Selection


class App(StudyApplication):
    """A network's labels with calibrated probabilities, where the recording is like those that it knows."""

    def compose(self) -> None:
        """Join the steps."""
        run, step = self.app_run, self.step
        manifest = run.manifest
        model = load_model(run.model_folder, choose_device(run.device))

        study, selection, analysis = self.read()
        instance = step("instance", newest_instance, selection)
        heart = step("heart", measure_heart, instance)
        gates = step("gates", judge_domain, instance, heart, model=model)
        classified = step("classified", classify, instance, gates, model=model, explain=bool(run.settings["explain"]))
        step("summary", summarise, classified)
        step("objects", write_objects, study, selection, instance, heart, classified, analysis, manifest=manifest)


def newest_instance(selection: Selection) -> EcgInstance:
    """Read the newest recording of the chosen series."""
    return read_newest_ecg(selection.series["ecg"])
