"""``python -m tests.fuzz``: read many mutated studies, or one of them again."""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from tests.fuzz.campaign import Workspace, finding, run
from tests.fuzz.cases import Case, case


def main() -> int:
    """Run the command; the exit status is 1 when something was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=1500, help="number of cases")
    parser.add_argument("--campaign", type=int, default=0, help="another number gives other cases")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    parser.add_argument("--case", type=int, help="read this case only, smallest form first, and show what happens")
    parser.add_argument("--keep", type=Path, help="with --case: leave its files in this folder")
    arguments = parser.parse_args()
    if arguments.case is not None:
        return _one(case(arguments.campaign, arguments.case), arguments.case, arguments.keep)
    report = run(arguments.campaign, arguments.count, arguments.workers)
    total = report.outcomes.total()
    print(f"{total} cases in {report.seconds:.1f} s, {total / report.seconds:.0f} a second")
    print(f"slowest: case {report.slowest[1]}, {report.slowest[0]:.2f} s, compared with pydicom")
    for outcome, count in report.outcomes.most_common():
        print(f"{count:8d}  {outcome}")
    kinds = sorted({item.kind for item in report.findings})
    for kind in kinds:
        same = [item for item in report.findings if item.kind == kind]
        print(f"\n{len(same)} x {kind}, e.g. case {', '.join(str(item.number) for item in same[:8])}")
        print("\n".join(f"    {line}" for line in same[0].text.strip().splitlines()[-6:]))
    return 1 if report.findings else 0


def _one(item: Case, number: int, keep: Path | None) -> int:
    with tempfile.TemporaryDirectory() as folder:
        workspace = Workspace(Path(folder))
        item = _smallest(workspace, item)
        print(f"{item.seed} {item.files} {[(step.name, step.number) for step in item.steps]}")
        if keep is not None:
            keep.mkdir(parents=True, exist_ok=True)
            for name, content in item.folder().items():
                (keep / name).write_bytes(content)
        try:
            print(workspace.read(item))
        # Shown instead of raised: that is what the command is for.
        except BaseException as error:
            print(finding(number, error).text)
            return 1
    return 0


def _smallest(workspace: Workspace, item: Case) -> Case:
    """The case with as few steps and files as still go wrong in the same way."""
    kind = _kind(workspace, item)
    for step in item.steps:
        smaller = replace(item, steps=tuple(other for other in item.steps if other is not step))
        if kind is not None and smaller.steps and _kind(workspace, smaller) == kind:
            item = smaller
    for name in item.files:
        smaller = replace(item, files=(name,))
        if kind is not None and len(item.files) > 1 and _kind(workspace, smaller) == kind:
            item = smaller
    return item


def _kind(workspace: Workspace, item: Case) -> str | None:
    try:
        workspace.read(item)
    # What it is decides which case is the same.
    except BaseException as error:
        return finding(0, error).kind
    return None


if __name__ == "__main__":
    sys.exit(main())
