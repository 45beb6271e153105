"""What is copied from the source, and what stays behind."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from operators.provenance import Analysis
from operators.write.base.identity import copy_attributes
from operators.write.base.result import save
from operators.write.segmentation import write_segmentation
from tests.operators.write.studies import LESIONS, make_volume, patient, segment
from tests.operators.write.validators import dciodvfy_problems


def test_private_attributes_in_copied_sequences_stay_behind() -> None:
    inner = Dataset()
    inner.CodeMeaning = "Order"
    inner.private_block(0x0009, "SOMEONE", create=True).add_new(1, "LO", "secret")
    request = Dataset()
    request.RequestedProcedureCodeSequence = [inner]
    request.private_block(0x0011, "SOMEONE", create=True).add_new(1, "LO", "secret")
    source, target = Dataset(), Dataset()
    source.RequestAttributesSequence = [request]
    copy_attributes(source, target, ("RequestAttributesSequence",))
    (copied,) = target.RequestAttributesSequence
    assert [element.keyword for element in copied.iterall()] == ["RequestedProcedureCodeSequence", "CodeMeaning"]
    assert (0x0011, 0x1001) in source.RequestAttributesSequence[0]
    assert (0x0009, 0x1001) in source.RequestAttributesSequence[0].RequestedProcedureCodeSequence[0]


@pytest.mark.filterwarnings("ignore:Invalid value for VR CS")
@pytest.mark.filterwarnings("ignore:Incorrect value for Specific Character Set")
@pytest.mark.filterwarnings("ignore:Value 'ISO_IR 192' for Specific Character Set")
@pytest.mark.parametrize("character_set", ["ISO_IR_100", "ISO-IR 100", "ISO IR 192", ["ISO_IR 100", "ISO_IR 192"]])
def test_a_misspelt_character_set_is_not_passed_on(
    character_set: str | list[str], analysis: Analysis, tmp_path: Path
) -> None:
    volume = make_volume(identity=patient(SpecificCharacterSet=character_set))
    made = write_segmentation("x", LESIONS, volume, np.ones((6, 10, 12), np.uint8), [segment(1, "a")], analysis)
    path = save(made, tmp_path)
    read = dcmread(path)
    assert read.SpecificCharacterSet == "ISO_IR 192"
    assert read.PatientName == "Müller^Jürgen"
    assert dciodvfy_problems(path) == []
