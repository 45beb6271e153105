"""Run an app on a folder of DICOM: the one way in for the node, the command line and the MAP."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from operators.check.frames import FramesRefusedByGate
from operators.check.gate import GateResult, RefusedByGate
from operators.manifest import Manifest, changed_model_files, load_manifest
from operators.outcome import Decision, Gate, Outcome, voxels_of_segments
from operators.provenance import Analysis, ReplacedResult, input_digest
from operators.read.selection import Selection, select_series
from operators.read.study import Study, read_priors, read_study
from operators.refused import Refused
from operators.write.base.result import save
from operators.write.refusal_report import write_refusal_report
from operators.write.refused_frames import write_refused_frames

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

    from operators.dag import FunctionApplication

Setting = float | int | str | bool

_REFUSED_FRAMES = "refused_frames"
"""The output, a Key Object Selection, that names the frames which a gate refused, also where all of them were."""


class UnknownAppError(ValueError):
    """No app of that name is installed: the message lists those that are."""


class ChangedModelError(RuntimeError):
    """The model's files are not those of the manifest: the message names each of them."""


@dataclass(frozen=True)
class AppRun:
    """Everything that one run of an app is given.

    ``settings`` are the manifest's, with the site's own values in their place; ``started`` is timezone-aware.
    ``replaces`` are earlier results, on less of the same study, that those of this run replace. ``priors_folder`` holds
    a folder for each earlier study of the patient that was found; None where the app has no role for one.
    """

    manifest: Manifest
    model_folder: Path
    input_folder: Path
    device: str
    settings: Mapping[str, Setting]
    started: datetime
    replaces: tuple[ReplacedResult, ...] = ()
    priors_folder: Path | None = None


def app_names() -> tuple[str, ...]:
    """Return the names of the installed apps: the folders beside this file that hold an ``app.yaml``."""
    return tuple(sorted(path.parent.name for path in Path(__file__).parent.glob("*/app.yaml")))


def app_folder(name: str) -> Path:
    """Return an app's folder. Raises :class:`UnknownAppError`."""
    if name not in app_names():
        raise UnknownAppError(f"there is no app {name!r}; installed are: {', '.join(app_names())}")
    return Path(__file__).parent / name


def model_folder_of(name: str) -> Path:
    """Return the folder of the model that an app comes with. Raises :class:`UnknownAppError`."""
    return app_folder(name) / "model"


def app_manifest(name: str) -> Manifest:
    """Return an app's validated manifest. Raises :class:`UnknownAppError` or ``ManifestError``."""
    return load_manifest(app_folder(name) / "app.yaml")


def merged_settings(manifest: Manifest, settings: Mapping[str, Setting] | None) -> dict[str, Setting]:
    """Return the manifest's settings with the given ones in their place.

    Raises :class:`ValueError` for a setting that the app does not have, or of another type than its default.
    """
    merged: dict[str, Setting] = dict(manifest.settings)
    for key, value in (settings or {}).items():
        if key not in merged:
            raise ValueError(f"the app has no setting {key!r}; it has: {', '.join(merged) or 'none'}")
        default = merged[key]
        if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not type(default):
            raise ValueError(f"setting {key!r} must be of type {type(default).__name__}, not {value!r}")
        merged[key] = value
    return merged


def analysis_of(
    manifest: Manifest,
    study: Study,
    selection: Selection,
    *,
    settings: Mapping[str, Setting],
    started: datetime,
    replaces: Sequence[ReplacedResult] = (),
) -> Analysis:
    """Return the identity of the analysis of a selection; where nothing was chosen, of the whole study.

    The settings are among its parameters, so every result tells those that it was made with.
    """
    uids = selection.sop_instance_uids or tuple(instance.sop_instance_uid for instance in study.instances)
    digest = input_digest(manifest.algorithm, settings, uids)
    parameters = {name: str(value) for name, value in settings.items()}
    return Analysis(manifest.algorithm, digest, started, parameters, tuple(replaces))


def prepare_app(name: str) -> None:
    """Import all that a run of the app needs, which takes seconds. Raises :class:`UnknownAppError`."""
    app_folder(name)
    importlib.import_module(f"apps.{name}.app")


def run_app(
    name: str,
    input_folder: Path,
    output_folder: Path,
    *,
    device: str = "auto",
    settings: Mapping[str, Setting] | None = None,
    started: datetime | None = None,
    model_folder: Path | None = None,
    replaces: Sequence[ReplacedResult] = (),
    priors_folder: Path | None = None,
) -> Outcome:
    """Analyse the study in ``input_folder``; write the results and ``outcome.json`` into ``output_folder``.

    An input that must not be analysed gives an outcome "refused" and a report that says so, if the study can be
    read at all; everything else that goes wrong is raised, first of all :class:`ChangedModelError`. ``started`` is the
    time in the results: the same time and the same input give the same bytes. It is taken from SOURCE_DATE_EPOCH
    (seconds), else the clock. ``replaces`` and ``priors_folder`` are those of :class:`AppRun`.
    """
    begin = time.perf_counter()
    manifest = app_manifest(name)
    run = AppRun(
        manifest,
        model_folder or model_folder_of(name),
        input_folder,
        device,
        merged_settings(manifest, settings),
        started or _now(),
        tuple(replaces),
        priors_folder,
    )
    # Every result names the model by its digest: it must be that model.
    if changed := changed_model_files(manifest, run.model_folder):
        raise ChangedModelError(f"the model of {name} is not the one that its manifest describes: {'; '.join(changed)}")
    output_folder.mkdir(parents=True, exist_ok=True)
    application = _application(name, run)
    try:
        application.run()
    except Refused as refused:
        gates = refused.gates if isinstance(refused, RefusedByGate) else application.result("gates") or ()
        outcome = _refuse(run, refused, gates, output_folder)
    else:
        outcome = _conclude(run, application, output_folder)
    outcome = outcome.model_copy(update={"seconds": {**application.seconds, "total": time.perf_counter() - begin}})
    outcome.save(output_folder)
    return outcome


def _application(name: str, run: AppRun) -> FunctionApplication:
    # Only here, so that listing apps or reading a manifest does not load the frameworks.
    import torch

    # More threads than the app asks for would take cores from its neighbours, and gain little.
    torch.set_num_threads(run.manifest.resources.cpu)
    application: FunctionApplication = importlib.import_module(f"apps.{name}.app").App(run)
    return application


def _now() -> datetime:
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    return datetime.fromtimestamp(int(epoch), timezone.utc) if epoch else datetime.now().astimezone()


def _conclude(run: AppRun, application: FunctionApplication, output_folder: Path) -> Outcome:
    analysis: Analysis = application.result("analysis")
    objects = application.result("objects")
    # An app without segmentations has no label maps.
    label_maps = application.result("label_maps") or {}
    voxels = {output: voxels_of_segments(labels) for output, labels in label_maps.items()}
    return Outcome(
        app=run.manifest.application.name,
        version=run.manifest.application.version,
        input_digest=analysis.input_digest,
        status="analysed",
        summary=application.result("summary"),
        notice=run.manifest.model.notice,
        files=tuple(save(dataset, output_folder).name for dataset in objects.values()),
        decisions=_decisions(application.result("selection")),
        gates=_gates(application.result("gates") or ()),
        segment_voxels=voxels,
    )


def _refuse(run: AppRun, refused: Refused, gates: Sequence[GateResult], output_folder: Path) -> Outcome:
    """Report the refusal in the study. A study that cannot be read at all cannot be reported on: Refused again."""
    study = read_study(run.input_folder)
    selection = select_series(study, run.manifest, read_priors(run.priors_folder))
    analysis = analysis_of(
        run.manifest, study, selection, settings=run.settings, started=run.started, replaces=run.replaces
    )
    name, output = next(
        (name, output) for name, output in run.manifest.outputs.items() if output.object == "measurement_report"
    )
    report = write_refusal_report(
        name,
        output,
        study,
        refused,
        analysis,
        decisions=selection.decisions,
        gates=gates,
        notice=run.manifest.model.notice,
    )
    return Outcome(
        app=run.manifest.application.name,
        version=run.manifest.application.version,
        input_digest=analysis.input_digest,
        status="refused",
        reason=refused.reason.value,
        detail=refused.detail,
        summary=f"not analysed: {refused}",
        notice=run.manifest.model.notice,
        files=tuple(
            save(dataset, output_folder).name for dataset in (report, *_refused_frames(run, refused, analysis))
        ),
        decisions=_decisions(selection),
        gates=_gates(gates),
    )


def _refused_frames(run: AppRun, refused: Refused, analysis: Analysis) -> tuple[FileDataset, ...]:
    """Return the document that names the refused frames, where frames were refused and the app has such an output."""
    output = run.manifest.outputs.get(_REFUSED_FRAMES)
    if not isinstance(refused, FramesRefusedByGate) or output is None:
        return ()
    named = write_refused_frames(_REFUSED_FRAMES, output, refused.frames, analysis)
    return () if named is None else (named,)


def _decisions(selection: Selection) -> tuple[Decision, ...]:
    return tuple(Decision(**vars(decision)) for decision in selection.decisions)


def _gates(results: Sequence[GateResult]) -> tuple[Gate, ...]:
    return tuple(Gate.of(result) for result in results)
