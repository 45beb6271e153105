"""Ways to read a folder of one series into one array, each as its makers mean it to be used."""

from __future__ import annotations

import logging
import os
import subprocess
import tempfile
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Reading = tuple[Array, object]
"""An array, and whatever the reader has made beside it and a user would keep: headers, images."""

Method = Callable[[Path], Reading]


def plain_bytes(folder: Path) -> Reading:
    """All bytes of all files into one array: what no reader can be faster than on one core."""
    with os.scandir(folder) as entries:
        files = [(entry.path, entry.stat().st_size) for entry in entries]
    array = np.empty(sum(size for _, size in files), np.uint8)
    view, done = array.data, 0
    for path, size in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.readv(descriptor, [view[done : done + size]])
        os.close(descriptor)
        done += size
    return array, None


def gantry(folder: Path) -> Reading:
    """Gantry: every check of geometry and pixel format included."""
    from operators.read.study import read_study
    from operators.read.volume import read_volume

    study = read_study(folder)
    volume = read_volume(study.series[0])
    return volume.array, (study, volume)


def gantry_headers(folder: Path) -> Reading:
    """Gantry's headers alone, as part of the above."""
    from operators.read.study import read_study

    return np.empty(0), read_study(folder)


def monai_deploy(folder: Path) -> Reading:
    """MONAI Deploy App SDK: DICOMDataLoaderOperator and DICOMSeriesToVolumeOperator, without their graph."""
    from monai.deploy.core.domain import StudySelectedSeries
    from monai.deploy.core.domain.dicom_series_selection import SelectedSeries

    loader, to_volume = monai_deploy_operators()
    study = loader.load_data_to_studies(folder)[0]
    selected = StudySelectedSeries(study)
    selected.add_selected_series(SelectedSeries("series", study.get_all_series()[0], None))
    image = to_volume.convert_to_image([selected])
    return np.asarray(image.asnumpy()), (study, image)


@lru_cache(maxsize=1)
def monai_deploy_operators() -> tuple[Any, Any]:
    """Return MONAI Deploy's loader and volume operator."""
    from monai.deploy.core import Application
    from monai.deploy.operators.dicom_data_loader_operator import DICOMDataLoaderOperator
    from monai.deploy.operators.dicom_series_to_volume_operator import DICOMSeriesToVolumeOperator

    logging.disable(logging.WARNING)
    fragment = Application()
    return DICOMDataLoaderOperator(fragment, name="loader"), DICOMSeriesToVolumeOperator(fragment, name="volume")


def simpleitk(folder: Path) -> Reading:
    """SimpleITK's ImageSeriesReader over the files that GDCM names."""
    import SimpleITK

    reader = SimpleITK.ImageSeriesReader()
    reader.SetFileNames(SimpleITK.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    image = reader.Execute()
    return np.asarray(SimpleITK.GetArrayFromImage(image)), image


def dcm2niix(folder: Path) -> Reading:
    """Convert by dcm2niix to an uncompressed NIfTI file: the whole process, reading its result not counted."""
    with tempfile.TemporaryDirectory() as target:
        _convert(folder, target).wait()
    return np.empty(0), None


def dcm2niix_peak(folder: Path) -> int:
    """Largest resident memory of a dcm2niix process in bytes, looked up while it runs."""
    peak = 0
    with tempfile.TemporaryDirectory() as target:
        process = _convert(folder, target)
        while process.poll() is None:
            peak = max(peak, peak_memory(process.pid))
    return peak


def peak_memory(process: int | str = "self") -> int:
    """Largest resident memory of a process so far in bytes, 0 when it has ended."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next((1024 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")), 0)


def _convert(folder: Path, target: str) -> subprocess.Popen[bytes]:
    command = ["dcm2niix", "-z", "n", "-b", "n", "-f", "volume", "-o", target, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL)


def dcm2niix_array(folder: Path) -> Reading:
    """What dcm2niix writes, in the order of a volume, for comparing."""
    import nibabel

    with tempfile.TemporaryDirectory() as target:
        _convert(folder, target).wait()
        # It may turn the axes of a 3-D acquisition: by its affine to RAS, and from there to LPS.
        image = nibabel.as_closest_canonical(nibabel.load(Path(target) / "volume.nii"))
        return np.asarray(image.dataobj).T[:, ::-1, ::-1], image


def highdicom(folder: Path) -> Reading:
    """Read by pydicom, then highdicom's ``get_volume_from_series``."""
    import pydicom
    from highdicom import get_volume_from_series

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        series = [pydicom.dcmread(path) for path in folder.iterdir()]
        return np.asarray(get_volume_from_series(series).array), series


def pydicom_loop(folder: Path) -> Reading:
    """The loop of every tutorial: ``pixel_array`` of each file, sorted by position, stacked, rescaled to float32."""
    import pydicom

    series = [pydicom.dcmread(path) for path in folder.iterdir()]
    series.sort(key=lambda instance: float(instance.ImagePositionPatient[2]))
    stack = np.stack([instance.pixel_array for instance in series]).astype(np.float32)
    rescaled = stack * float(series[0].get("RescaleSlope", 1)) + float(series[0].get("RescaleIntercept", 0))
    return rescaled, series


NATIVE: dict[str, Method] = {
    "all bytes into one array (limit)": plain_bytes,
    "Gantry": gantry,
    "Gantry, headers only": gantry_headers,
    "MONAI Deploy loader + volume": monai_deploy,
    "SimpleITK": simpleitk,
    "dcm2niix": dcm2niix,
    "highdicom": highdicom,
    "pydicom loop, float32": pydicom_loop,
}
COMPRESSED: dict[str, Method] = {name: NATIVE[name] for name in ("Gantry", "SimpleITK")}

COMPARABLE: dict[str, Method] = {
    "Gantry": gantry,
    "MONAI Deploy loader + volume": monai_deploy,
    "SimpleITK": simpleitk,
    "dcm2niix": dcm2niix_array,
    "highdicom": highdicom,
    "pydicom loop, float32": pydicom_loop,
}
"""Methods with arrays to compare."""
