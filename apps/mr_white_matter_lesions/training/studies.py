"""Where training studies come from: the MR simulator, or a folder laid out as the WMH Challenge's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import SimpleITK as sitk  # noqa: N813

from apps.mr_white_matter_lesions.training.samples import (
    LabelledScan,
    LabelledStudy,
    make_samples,
    save_samples,
)
from apps.mr_white_matter_lesions.training.settings import TARGETS, Target, TrainingSettings
from operators.align.resample import Affine

TRAINING_SEED = 10_000
"""Phantom seeds count upwards from here for training ..."""
HELD_OUT_SEED = 90_000
"""... and from here for evaluation: the two never meet."""


def training_seeds(count: int) -> range:
    """Seeds of the simulated training studies."""
    if count > HELD_OUT_SEED - TRAINING_SEED:
        raise ValueError(f"at most {HELD_OUT_SEED - TRAINING_SEED} training studies, not {count}")
    return range(TRAINING_SEED, TRAINING_SEED + count)


def held_out_seeds(count: int) -> range:
    """Seeds of the simulated studies that no network has learned from."""
    return range(HELD_OUT_SEED, HELD_OUT_SEED + count)


def simulated_study(seed: int) -> LabelledStudy:
    """A full-size simulated study with its truth."""
    # The simulator is an extra of the package: a hospital that only runs the app does not install it.
    from phantoms.mr_brain import simulate_brain_mr

    phantom = simulate_brain_mr(seed)
    flair, t1 = (
        LabelledScan(scan.array, scan.affine, scan.lesions.astype(np.uint8), scan.regions)
        for scan in (phantom.flair, phantom.t1)
    )
    return LabelledStudy(f"phantom-{seed}", flair, t1)


def study_folders(folder: Path) -> list[Path]:
    """The cases of a data folder: every folder that holds ``pre/FLAIR.nii.gz``, ``pre/T1.nii.gz``, ``wmh.nii.gz``."""
    found = sorted(
        wmh.parent
        for wmh in folder.rglob("wmh.nii.gz")
        if (wmh.parent / "pre/FLAIR.nii.gz").is_file() and (wmh.parent / "pre/T1.nii.gz").is_file()
    )
    if not found:
        raise FileNotFoundError(f"no case with pre/FLAIR.nii.gz, pre/T1.nii.gz and wmh.nii.gz under {folder}")
    names = [case.name for case in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"cases need different folder names, several are called {', '.join(twice)}")
    return found


def study_from_folder(case: Path) -> LabelledStudy:
    """One case; labels lie on the FLAIR's grid, to which the T1 has been registered.

    ``wmh.nii.gz`` holds 0, 1 (lesion), 2 (other pathology); ``regions.nii.gz``, where present, 0 to 34.
    """
    lesions, affine = read_volume(case / "wmh.nii.gz")
    regions = read_volume(case / "regions.nii.gz")[0] if (case / "regions.nii.gz").is_file() else None
    scans = []
    for name in ("FLAIR", "T1"):
        array, own_affine = read_volume(case / f"pre/{name}.nii.gz")
        if array.shape != lesions.shape or not np.allclose(own_affine, affine, atol=1e-3):
            raise ValueError(f"{case.name}: {name} and wmh do not lie on one grid")
        scans.append(LabelledScan(array, affine, np.round(lesions).astype(np.uint8), regions))
    return LabelledStudy(case.name, *scans)


def cache_simulated(seed: int, settings: TrainingSettings, folder: Path) -> None:
    """Simulate one study and keep its samples of both targets; does nothing where they exist."""
    wanted = {target: sample_file(folder, target, settings, seed) for target in TARGETS}
    if not all(path.exists() for path in wanted.values()):
        _cache(simulated_study(seed), settings, wanted)


def cache_folder(case: Path, settings: TrainingSettings, folder: Path) -> None:
    """Read one case and keep its samples; regions only where the case has them."""
    study = study_from_folder(case)
    known = [target for target in TARGETS if target == "lesions" or study.flair.regions is not None]
    _cache(study, settings, {target: sample_file(folder, target, settings, case.name) for target in known})


def sample_file(folder: Path, target: Target, settings: TrainingSettings, name: int | str) -> Path:
    """Where the samples of one study and target are kept; samples of other grids have other names."""
    kind = settings.of(target)
    grid = "x".join(f"{step:g}" for step in kind.spacing)
    return folder / f"{target}-{grid}-{kind.intensity_ceiling:g}-{name}.npz"


def _cache(study: LabelledStudy, settings: TrainingSettings, files: dict[Target, Path]) -> None:
    for target, path in files.items():
        if not path.exists():
            save_samples(path, make_samples(study, target, settings.of(target)))


def read_volume(path: Path) -> tuple[npt.NDArray[np.float32], Affine]:
    """Array (slice, row, column) and affine (column, row, slice, 1) to LPS in mm, which SimpleITK uses too."""
    image = sitk.ReadImage(str(path), sitk.sitkFloat32)
    affine = np.eye(4)
    affine[:3, :3] = np.array(image.GetDirection()).reshape(3, 3) * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    return sitk.GetArrayFromImage(image), affine
