"""TID 1600: what images share stands in their group, how a projection was taken in its entry."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID

from operators.provenance import Analysis, uid_from_text
from operators.read.study import Instance, Series, Study
from operators.write.base.result import save
from operators.write.measurement_report import write_measurement_report
from operators.write.reports.image_library import image_library
from tests.operators.write.examples.reports import mammograms
from tests.operators.write.reports.readers import dsrdump, named, said
from tests.operators.write.studies import REPORT, as_series, make_volume
from tests.operators.write.validators import dciodvfy_problems


def series_of(*headers: Dataset) -> Series:
    instances = tuple(Instance(Path(f"{place}.dcm"), header, FileMetaDataset()) for place, header in enumerate(headers))
    return Series(UID(headers[0].SeriesInstanceUID), instances)


def both_sides() -> Series:
    left, right = deepcopy(mammograms())
    right.SeriesInstanceUID = left.SeriesInstanceUID
    right.ImageLaterality, right.PatientOrientation = "R", ["A", "R"]
    return series_of(left, right)


def test_how_a_projection_was_taken_stands_in_its_entry(analysis: Analysis, tmp_path: Path) -> None:
    series = both_sides()
    (group,) = image_library([series]).ContentSequence
    left, right = named(group, "Source")
    assert (said(left, "Image Laterality"), said(right, "Image Laterality")) == (["Left"], ["Right"])
    assert (said(left, "Patient Orientation Row"), said(right, "Patient Orientation Row")) == (["P"], ["A"])
    # The view is the same: it is said once, in the group.
    assert said(group, "Image View") == ["cranio-caudal"]
    assert not said(left, "Image View")
    study = Study(UID(series.header.StudyInstanceUID), (series,))
    path = save(write_measurement_report("report", REPORT, study, [], {}, [series], analysis), tmp_path)
    assert dciodvfy_problems(path) == []
    dsrdump(path)


def test_what_differs_from_slice_to_slice_is_left_to_the_images() -> None:
    volume = make_volume()
    for place, instance in enumerate(volume.instances):
        instance.header.AcquisitionTime = f"1011{place:02d}"
    (group,) = image_library([as_series(volume)]).ContentSequence
    assert not named(group, "Acquisition Time")
    assert all("ContentSequence" not in entry for entry in named(group, "Source"))
    assert said(group, "Pixel Data Rows") == [10]


@pytest.mark.parametrize(
    ("keyword", "value", "name"),
    [
        ("FrameOfReferenceUID", "1." + "2" * 80, "Frame of Reference UID"),
        ("PulseSequenceName", "a\x00b", "Pulse Sequence Name"),
        ("ImageLaterality", "X", "Image Laterality"),
        ("PatientOrientation", ["A"], "Patient Orientation Row"),
    ],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_no_item_can_hold_is_left_out(keyword: str, value: object, name: str) -> None:
    volume = make_volume()
    for instance in volume.instances:
        setattr(instance.header, keyword, value)
    assert not named(image_library([as_series(volume)]), name)


def test_a_broken_code_is_left_out_and_a_missing_modality_is_other() -> None:
    header = deepcopy(mammograms()[0])
    del header.Modality
    header.SOPInstanceUID = uid_from_text("broken")
    region = Dataset()
    region.CodeValue, region.CodeMeaning = "76752008", "Breast"
    header.AnatomicRegionSequence = Sequence([region])
    library = image_library([series_of(header)])
    assert said(library, "Modality") == ["Other Modality"]
    assert not said(library, "Target Region")
