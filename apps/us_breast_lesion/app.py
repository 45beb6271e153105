"""Masses in ultrasound of the breast, as a DAG.

::

    study → selection ─┬→ pictures ─┬→ verdicts ─┬→ gates
                       │            └────────────┴→ clips ─┬→ summary
                       └→ analysis                         ├→ label_maps
                                                           └→ results → objects
"""

from __future__ import annotations

from apps.application import StudyApplication
from apps.us_breast_lesion.clips import find_masses
from apps.us_breast_lesion.explanation import with_explanations
from apps.us_breast_lesion.model import load_model
from apps.us_breast_lesion.results import label_maps, summarise, write_objects
from operators.check.checked_tissue import gate_results, judge, read_tissue
from operators.infer.device import choose_device
from operators.measure.least_area import LeastArea


class App(StudyApplication):
    """Every frame is judged by itself; in those that are accepted a network outlines masses."""

    def compose(self) -> None:
        """Join the steps."""
        run, step = self.app_run, self.step
        manifest = run.manifest
        model = load_model(run.model_folder, choose_device(run.device))
        smallest = LeastArea(
            area_mm2=float(run.settings["minimum_area_mm2"]), part=float(run.settings["minimum_area_percent"]) / 100
        )

        study, selection, analysis = self.read()
        pictures = step("pictures", read_tissue, selection)
        verdicts = step("verdicts", judge, pictures, model=model)
        gates = step("gates", gate_results, pictures, verdicts)
        clips = step("clips", find_masses, pictures, verdicts, model=model, smallest=smallest)
        step("summary", summarise, clips, gates)
        step("label_maps", label_maps, clips)
        results = step("results", write_objects, study, selection, gates, clips, analysis, manifest=manifest)
        explain = bool(run.settings["explain"])
        step("objects", with_explanations, results, clips, analysis, manifest=manifest, model=model, explain=explain)
