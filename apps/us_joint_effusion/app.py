"""Effusions in ultrasound of finger and wrist joints, as a DAG.

::

    study → selection ─┬→ pictures ─┬→ verdicts ─┬→ gates
                       │            └────────────┴→ clips ─┬→ findings ─┬→ summary
                       └→ analysis                         │            └→ objects
                                                           └→ label_maps
"""

from __future__ import annotations

from apps.application import StudyApplication
from apps.us_joint_effusion.clips import find_effusions
from apps.us_joint_effusion.findings import joint_findings
from apps.us_joint_effusion.model import load_model
from apps.us_joint_effusion.results import label_maps, summarise, write_objects
from operators.check.checked_tissue import gate_results, judge, read_tissue
from operators.infer.device import choose_device
from operators.measure.least_area import LeastArea


class App(StudyApplication):
    """Every frame is judged by itself; in those that are accepted a network outlines at most one effusion."""

    def compose(self) -> None:
        """Join the steps."""
        run, step = self.app_run, self.step
        manifest = run.manifest
        model = load_model(run.model_folder, choose_device(run.device))
        least = LeastArea(
            area_mm2=float(run.settings["minimum_area_mm2"]), part=float(run.settings["minimum_area_percent"]) / 100
        )

        study, selection, analysis = self.read()
        pictures = step("pictures", read_tissue, selection)
        verdicts = step("verdicts", judge, pictures, model=model)
        gates = step("gates", gate_results, pictures, verdicts)
        clips = step("clips", find_effusions, pictures, verdicts, model=model, least=least)
        findings = step("findings", joint_findings, clips)
        step("summary", summarise, findings, clips, gates)
        step("label_maps", label_maps, clips)
        step("objects", write_objects, study, selection, gates, clips, findings, analysis, manifest=manifest)
