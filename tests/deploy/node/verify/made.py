"""Every writer's small object as the results of a run, which a test may spoil before they are verified."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import ExplicitVRLittleEndian

from deploy.node.verify import KnownInstance, VerificationError, verify_results
from operators.outcome import Outcome
from operators.provenance import Analysis
from operators.write.base.result import save
from tests.operators.write.examples.made import Made


@dataclass
class Run:
    """What a run has left in ``folder``, and what the node knows of it."""

    folder: Path
    made: Made
    analysis: Analysis
    outcome: Outcome
    sources: tuple[Path, ...]
    known: dict[str, KnownInstance]

    @property
    def path(self) -> Path:
        """The file of the object that the example is of."""
        return self.folder / f"{self.made.name}.dcm"

    def change(self, change: Callable[[FileDataset], object]) -> None:
        """Spoil the object."""
        dataset = dcmread(self.path)
        change(dataset)
        dataset.save_as(self.path)

    def problems(self) -> list[str]:
        """What verification finds wrong; nothing if it passes."""
        try:
            verify_results(self.folder, self.outcome, self.analysis, sources=self.sources, known=self.known)
        except VerificationError as error:
            return list(error.problems)
        return []


def run_of(made: Made, analysis: Analysis, folder: Path) -> Run:
    """Write the objects and their sources below ``folder``."""
    results, received = folder / "results", folder / "received"
    results.mkdir()
    received.mkdir()
    study = made.object.StudyInstanceUID
    outcome = Outcome(
        app=analysis.algorithm.name,
        version=analysis.algorithm.version,
        input_digest=analysis.input_digest,
        status="analysed",
        files=tuple(save(dataset, results).name for dataset in made.objects.values()),
        segment_voxels={name: dict(counts) for name, counts in made.segment_voxels.items()},
    )
    sources = tuple(
        _save_header(header, received / f"{number}.dcm")
        for number, header in enumerate(made.sources)
        if header.StudyInstanceUID == study
    )
    known = {
        str(header.SOPInstanceUID): KnownInstance(
            str(header.SOPClassUID), str(header.SeriesInstanceUID), str(header.StudyInstanceUID)
        )
        for header in made.sources
    }
    return Run(results, made, analysis, outcome, sources, known)


def _save_header(header: Dataset, path: Path) -> Path:
    header.save_as(path, implicit_vr=False, little_endian=True)
    file = dcmread(path, force=True)
    file.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file.save_as(path, enforce_file_format=True)
    return path
