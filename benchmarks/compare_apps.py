"""The apps side by side: size, what they share, outputs, latency: ``python benchmarks/compare_apps.py``.

Every app runs in this process on a simulated study of its own kind: once to warm up, then ``--rounds`` times. Lines are
those of Python that are not blank; modules of ``operators`` are those that the app imports itself.
"""

from __future__ import annotations

import argparse
import ast
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from machine import describe_machine, markdown_table

from apps.run import app_folder, app_manifest, app_names, run_app
from phantoms.ecg import Heart, simulate_ecg, write_ecg
from phantoms.mr_brain import simulate_brain_mr, write_brain_mr
from phantoms.sonography import Lesion, SimulatedSonogram, simulate_breast, simulate_joint, write_sonogram

_LEARNING = ("train.py", "training", "evaluate.py", "ablation.py")
"""What makes and measures a model: not needed to run it."""


def sources(name: str) -> tuple[list[Path], list[Path]]:
    """Return an app's files that run, and those that make its model."""
    folder = app_folder(name)
    files = sorted(folder.rglob("*.py"))
    learning = [path for path in files if path.relative_to(folder).parts[0] in _LEARNING]
    return [path for path in files if path not in learning], learning


def lines_of(files: list[Path]) -> int:
    """Return the lines of Python that are not blank."""
    return sum(bool(line.strip()) for path in files for line in path.read_text(encoding="utf-8").splitlines())


def operators_of(files: list[Path]) -> frozenset[str]:
    """Return the modules of ``operators`` that files import."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in files)
    imports = (node.module or "" for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return frozenset(module for module in imports if module.startswith("operators."))


def _write_brain(folder: Path) -> None:
    write_brain_mr(simulate_brain_mr(1), folder)


def _write_heart(folder: Path) -> None:
    folder.mkdir()
    write_ecg(simulate_ecg(Heart(), seed=1), folder / "ecg.dcm", seed=1)


def _write_clip(pictures: list[SimulatedSonogram], folder: Path, description: str) -> None:
    write_sonogram(pictures, folder, seed=1, description=description)


STUDIES: dict[str, tuple[str, Callable[[Path], None]]] = {
    "mr": ("full-size head, FLAIR and T1", _write_brain),
    "ecg": ("10 s, 12 leads", _write_heart),
    "us_breast": (
        "clip of 10 frames",
        lambda folder: _write_clip([simulate_breast(Lesion.BENIGN, seed=seed) for seed in range(10)], folder, "Breast"),
    ),
    "us_joint": (
        "clip of 10 frames",
        lambda folder: _write_clip([simulate_joint(effusion=True, seed=seed) for seed in range(10)], folder, "MCP 2"),
    ),
}
"""By the beginning of an app's name: the study that it is measured with."""


def latency(name: str, rounds: int) -> tuple[str, str]:
    """Return the study, and median and range of warm runs in s."""
    title, write = next(study for prefix, study in STUDIES.items() if name.startswith(prefix))
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder) / "in")
        for round_ in range(rounds + 1):
            begin = time.perf_counter()
            outcome = run_app(name, Path(folder) / "in", Path(folder) / f"out{round_}", device="cpu")
            seconds.append(time.perf_counter() - begin)
            if outcome.status != "analysed":
                raise RuntimeError(f"{name}: {outcome.summary}")
    warm = seconds[1:]
    return title, f"{statistics.median(warm):.2f} ({min(warm):.2f} – {max(warm):.2f})"


def main() -> None:
    """Print the table of ``docs/apps.md``."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--apps", nargs="+", choices=app_names(), default=app_names())
    options = parser.parse_args()
    print(describe_machine(torch.device("cpu")))
    used = {name: operators_of(sources(name)[0]) for name in app_names()}
    rows = []
    for name in options.apps:
        running, learning = sources(name)
        shared = [module for module in used[name] if any(module in used[other] for other in used if other != name)]
        weights = sum(path.stat().st_size for path in app_folder(name).glob("model/*.safetensors"))
        outputs = dict.fromkeys(output.object.replace("_", " ") for output in app_manifest(name).outputs.values())
        study, seconds = latency(name, options.rounds)
        rows.append(
            [
                f"`{name}`",
                str(lines_of(running)),
                str(lines_of(learning)),
                f"{len(used[name])} ({len(shared)})",
                f"{weights / 1e6:.1f}",
                f"{study}: {seconds}",
                ", ".join(outputs),
            ]
        )
    columns = ["app", "lines", "lines of training", "operators (shared)", "weights, MB", "warm, s", "outputs"]
    print(markdown_table(columns, rows))


if __name__ == "__main__":
    main()
