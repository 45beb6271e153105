"""Spoil written series on purpose, so that a receiver can show that it notices.

Each function changes files on disk, given the files of one series, and returns the files that the series then has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom import dcmread

from phantoms.identity import derived_uid, save, set_instance_uid


def drop_slice(paths: Sequence[Path], index: int) -> tuple[Path, ...]:
    """Remove one slice, as when an instance never arrived."""
    paths[index].unlink()
    return (*paths[:index], *paths[index:][1:])


def duplicate_slice(paths: Sequence[Path], index: int) -> tuple[Path, ...]:
    """Add a second instance, with its own SOP Instance UID, at the position of one slice."""
    instance = dcmread(paths[index])
    set_instance_uid(instance, derived_uid(instance.SOPInstanceUID, "duplicate"))
    instance.InstanceNumber = 1 + max(int(dcmread(path, stop_before_pixels=True).InstanceNumber) for path in paths)
    copy = paths[index].with_stem(f"{paths[index].stem}_duplicate")
    save(instance, copy)
    return (*paths, copy)


def reverse_instance_numbers(paths: Sequence[Path]) -> tuple[Path, ...]:
    """Number the instances against the direction of their slices, which leaves a valid series."""
    instances = [dcmread(path) for path in paths]
    numbers = [instance.InstanceNumber for instance in instances]
    for path, instance, number in zip(paths, instances, reversed(numbers), strict=True):
        instance.InstanceNumber = number
        save(instance, path)
    return tuple(paths)


def set_attributes(paths: Sequence[Path], **attributes: Any) -> tuple[Path, ...]:
    """Set attributes by DICOM keyword in every file; None removes one.

    Another frame of reference is `FrameOfReferenceUID="2.25.1"`, a contrast agent `ContrastBolusAgent="Gadobutrol"`.
    """
    for path in paths:
        instance = dcmread(path)
        for keyword, value in attributes.items():
            if value is None:
                instance.pop(keyword, None)
            else:
                setattr(instance, keyword, value)
        save(instance, path)
    return tuple(paths)


def truncate_file(path: Path, fraction: float = 0.5) -> Path:
    """Keep only the first part of a file, so that its pixel data end early."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * fraction)])
    return path
