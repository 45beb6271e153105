"""One small object of every writer, for the tests that hold for all of them: verification, conformance, AIR.

Whoever finishes a writer adds a function to a file of ``examples`` and its name to ``EVERY_OBJECT``; afterwards
``python -m tests.docs.conformance`` writes the conformance statement anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from operators.provenance import Analysis
from tests.operators.write.examples import (
    choices,
    documents,
    findings,
    pictures,
    reports,
    segmentations,
    signals,
    spaces,
)
from tests.operators.write.examples.made import Made

EVERY_OBJECT: Mapping[str, Callable[[Analysis], Made]] = {
    "segmentation": segmentations.binary,
    "segmentation, deflated": segmentations.deflated,
    "segmentation, label map": segmentations.label_map,
    "segmentation, label map in RLE": segmentations.label_map_rle,
    "segmentation, probability in JPEG-LS": segmentations.probability,
    "segmentation, nothing found": segmentations.nothing_found,
    "rt structure set": segmentations.contours,
    "measurement report": findings.measurement_report,
    "measurement report, every row": reports.full_measurement_report,
    "refusal report": findings.refusal_report,
    "mammography CAD report": reports.mammography_cad_report,
    "ECG report": reports.ecg_report,
    "waveform annotation report": reports.waveform_annotation_report,
    "echo report": reports.echo_report,
    "secondary capture": pictures.page,
    "secondary capture, grey": pictures.grey_page,
    "multi-frame secondary capture, single bit": pictures.single_bit_frames,
    "multi-frame secondary capture, grey": pictures.grey_frames,
    "multi-frame secondary capture, deep grey": pictures.deep_grey_frames,
    "multi-frame secondary capture, colour": pictures.colour_frames,
    "multi-frame secondary capture, on source slices": pictures.placed_frames,
    "parametric map": pictures.parametric_map,
    "parametric map, quantised": pictures.quantised_map,
    "spatial registration": spaces.spatial_registration,
    "spatial registration across studies": spaces.registration_across_studies,
    "deformable spatial registration": spaces.deformable_spatial_registration,
    "tractography results": signals.tracts,
    "waveform": signals.filtered_ecg,
    "key object selection": choices.key_object_selection,
    "presentation state": choices.presentation_state,
    "presentation state, colour": choices.colour_presentation_state,
    "encapsulated PDF": documents.page,
    "encapsulated STL": documents.surface,
    "bulk annotations": documents.slide_annotations,
    "bulk annotations, 3D": documents.slide_annotations_in_space,
}
"""Every example by name."""
