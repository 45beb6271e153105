"""What the DAG of every app begins with."""

from __future__ import annotations

from pathlib import Path

from apps.run import AppRun, analysis_of
from operators.dag import FunctionApplication, FunctionOperator
from operators.manifest import Manifest
from operators.read.selection import Selection, require_series
from operators.read.study import Study, read_priors, read_study


class StudyApplication(FunctionApplication):
    """A DAG on one study. A subclass's ``compose`` calls :meth:`read` first; ``app_run`` is what the run was given.

    ::

        study → selection → analysis
    """

    def __init__(self, run: AppRun) -> None:
        self.app_run = run
        super().__init__()

    def read(self, *, analysis: str = "analysis") -> tuple[FunctionOperator, FunctionOperator, FunctionOperator]:
        """Add the steps ``study``, ``selection`` and ``analysis``, and return them.

        The last one is called otherwise where an app adds to the analysis before its results are written; the step
        ``analysis`` is then the app's own.
        """
        run = self.app_run
        study = self.step("study", read_study, source=run.input_folder)
        selection = self.step("selection", choose_series, study, manifest=run.manifest, priors_folder=run.priors_folder)
        identity = self.step(
            analysis,
            analysis_of,
            study,
            selection,
            manifest=run.manifest,
            settings=run.settings,
            started=run.started,
            replaces=run.replaces,
        )
        return study, selection, identity


def choose_series(study: Study, manifest: Manifest, priors_folder: Path | None) -> Selection:
    """Choose the series for each role, of earlier studies where the manifest asks for these.

    Raises :class:`operators.refused.Refused`, with every series' reason, where a needed one is missing.
    """
    return require_series(study, manifest, read_priors(priors_folder))
