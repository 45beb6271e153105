"""White-matter lesions and the regions they lie in, as a DAG.

::

    study → selection ─┬→ volumes ─┬→ gates
                       │           └→ inputs ─┬→ lesions ─┐
                       │                      ├→ regions ─┴→ burden ─┬→ summary
                       └→ identity ──────────→└→ analysis            ├→ label_maps
                                                                     └→ objects
"""

from __future__ import annotations

from apps.application import StudyApplication
from apps.mr_white_matter_lesions.burden import measure_burden, summarise
from apps.mr_white_matter_lesions.inputs import (
    align_inputs,
    describe_inputs,
    find_lesions,
    find_regions,
    gate_results,
    read_volumes,
)
from apps.mr_white_matter_lesions.likeness import load_references
from apps.mr_white_matter_lesions.results import label_maps, write_objects
from apps.mr_white_matter_lesions.segmentation import load_networks
from operators.infer.device import choose_device


class App(StudyApplication):
    """Lesion and region networks are separate; the intersection of their label maps gives the load of each region."""

    def compose(self) -> None:
        """Join the steps."""
        run, step = self.app_run, self.step
        manifest = run.manifest
        networks = load_networks(run.model_folder, choose_device(run.device))
        minimum = float(run.settings["minimum_lesion_volume_mm3"])

        study, selection, identity = self.read(analysis="identity")
        volumes = step(
            "volumes", read_volumes, selection, manifest=manifest, references=load_references(run.model_folder)
        )
        gates = step("gates", gate_results, volumes)
        inputs = step("inputs", align_inputs, volumes)
        analysis = step("analysis", describe_inputs, identity, inputs)
        lesions = step("lesions", find_lesions, inputs, networks=networks)
        regions = step("regions", find_regions, inputs, networks=networks)
        burden = step("burden", measure_burden, inputs, lesions, regions, minimum_lesion_volume=minimum)
        step("summary", summarise, inputs, burden)
        step("label_maps", label_maps, burden)
        step("objects", write_objects, study, selection, gates, inputs, burden, analysis, manifest=manifest)
