from __future__ import annotations

import io
import subprocess
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest
import trimesh
from matplotlib.figure import Figure
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.sr.coding import Code

from operators.manifest import OutputPart
from operators.provenance import Analysis
from operators.write.base.result import save
from operators.write.documents.pdf import pages_pdf
from operators.write.encapsulated_document import write_encapsulated_pdf, write_encapsulated_stl
from tests.operators.write.studies import as_series, as_study, make_volume
from tests.peers import dcmtk

PAGE = OutputPart(object="encapsulated_pdf", title="Lesions by region", series_number=9013)
MODEL = OutputPart(object="encapsulated_stl", title="Lesions, surface", series_number=9014)
REPORT_CODE = Code("18748-4", "LN", "Diagnostic Imaging Report")


def a_page() -> bytes:
    figure = Figure(figsize=(3, 2))
    figure.text(0.1, 0.5, "Total 3.2 mL")
    return pages_pdf([figure], "Lesions by region", "Gantry", datetime(2023, 7, 14, tzinfo=timezone.utc))


@pytest.mark.parametrize("extra", [b"", b"\n", b"\n\n"])
@pytest.mark.parametrize("concept", [None, REPORT_CODE])
def test_the_pdf_comes_out_as_it_went_in(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], extra: bytes, concept: Code | None
) -> None:
    """Of even and of odd length."""
    volume, document = make_volume(), a_page() + extra
    path = save(
        write_encapsulated_pdf(
            "page", PAGE, as_study(volume), document, [as_series(volume)], analysis, concept=concept
        ),
        tmp_path,
    )
    validate(path)
    read = dcmread(path)
    assert read.EncapsulatedDocument[: read.EncapsulatedDocumentLength] == document
    assert (read.MIMETypeOfEncapsulatedDocument, read.Modality) == ("application/pdf", "DOC")
    assert (read.DocumentTitle, read.BurnedInAnnotation) == ("Lesions by region", "NO")
    assert "HL7InstanceIdentifier" not in read
    assert [code.CodeValue for code in read.ConceptNameCodeSequence] == ([concept.value] if concept else [])
    assert [item.ReferencedSOPInstanceUID for item in read.SourceInstanceSequence] == [
        instance.sop_instance_uid for instance in volume.instances
    ]
    # DCMTK 3.6.7 takes the value as it stands in the file, with the byte that makes its length even.
    subprocess.run([dcmtk("dcm2pdf"), str(path), str(tmp_path / "page.pdf")], check=True, capture_output=True)
    assert (tmp_path / "page.pdf").read_bytes().rstrip(b"\0") == document


def test_when_the_images_were_acquired_is_told_if_all_tell(analysis: Analysis) -> None:
    volume = make_volume()

    def told() -> str | None:
        result = write_encapsulated_pdf("page", PAGE, as_study(volume), a_page(), [as_series(volume)], analysis)
        return result.AcquisitionDateTime or None

    assert told() is None
    for index, instance in enumerate(volume.instances):
        instance.header.AcquisitionDate, instance.header.AcquisitionTime = "20230714", f"10{30 - index}00.5"
    assert told() == "20230714102500.5"
    volume.instances[3].header.AcquisitionDateTime = "20230714090000"
    assert told() == "20230714090000"
    volume.instances[1].header.AcquisitionTime = "***"
    assert told() is None


@pytest.mark.parametrize("orientation", ["axial", "sagittal", "coronal"])
@pytest.mark.parametrize("modality", ["MR", "CT", "PT"])
def test_the_model_lies_where_the_mask_lies(
    tmp_path: Path, analysis: Analysis, validate: Callable[[Path], None], orientation: str, modality: str
) -> None:
    volume = make_volume(orientation, (12, 14, 16), spacing=(2.5, 0.98, 1.1))
    for instance in volume.instances:
        instance.header.Modality = modality
    mask = np.zeros((12, 14, 16), bool)
    mask[2:10, 3:13, 1:12] = True
    result = write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(200, 60, 40), opacity=0.5)
    path = save(result, tmp_path)
    validate(path)
    read = dcmread(path)
    assert (read.MIMETypeOfEncapsulatedDocument, read.Modality) == ("model/stl", "M3D")
    assert read.FrameOfReferenceUID == volume.frame_of_reference_uid
    assert read.MeasurementUnitsCodeSequence[0].CodeValue == "mm"
    assert read.DerivationAlgorithmSequence[0].AlgorithmName == analysis.algorithm.name
    assert [code.CodeValue for code in read.ConceptNameCodeSequence] == {"MR": ["85041-2"], "CT": ["85040-4"]}.get(
        modality, []
    )
    document = read.EncapsulatedDocument[: read.EncapsulatedDocumentLength]
    mesh = trimesh.load(io.BytesIO(document), file_type="stl")
    assert isinstance(mesh, trimesh.Trimesh)
    assert mesh.is_watertight
    assert mesh.volume == pytest.approx(mask.sum() * volume.voxel_volume, rel=0.03)
    ends = np.array([(0.5, 2.5, 1.5, 1), (11.5, 12.5, 9.5, 1)]) @ volume.affine.T
    np.testing.assert_allclose(mesh.bounds, np.sort(ends[:, :3], axis=0), atol=1e-4)
    # The other reader finds the same document in the object.
    command = [dcmtk("dcmdump"), "+L", "+P", "0042,0011", str(path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()[2]
    assert bytes.fromhex(said.replace("\\", "")) == read.EncapsulatedDocument


def test_dcmtk_writes_the_same_attributes(tmp_path: Path, analysis: Analysis) -> None:
    """Of what DCMTK's own encapsulation of an STL file writes, nothing is missing in ours."""
    volume = make_volume()
    mask = np.zeros(volume.array.shape, bool)
    mask[2, 3, 4] = True
    ours = dcmread(save(write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(1, 2, 3)), tmp_path))
    (tmp_path / "model.stl").write_bytes(ours.EncapsulatedDocument[: ours.EncapsulatedDocumentLength])
    command = [dcmtk("stl2dcm"), str(tmp_path / "model.stl"), str(tmp_path / "theirs.dcm")]
    subprocess.run(command, check=True, capture_output=True)
    theirs = dcmread(tmp_path / "theirs.dcm")
    assert {element.keyword for element in theirs} <= {element.keyword for element in ours}
    assert theirs.EncapsulatedDocument == ours.EncapsulatedDocument
    assert (theirs.Modality, theirs.SOPClassUID) == (ours.Modality, ours.SOPClassUID)


def test_what_is_wrong_is_said_before_anything_is_written(analysis: Analysis) -> None:
    volume = make_volume()
    mask = np.zeros(volume.array.shape, bool)
    with pytest.raises(ValueError, match="no PDF"):
        write_encapsulated_pdf("page", PAGE, as_study(volume), b"text", [as_series(volume)], analysis)
    with pytest.raises(ValueError, match="no surface"):
        write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(0, 0, 0))
    mask[2, 3, 4] = True
    with pytest.raises(ValueError, match="not on the volume's grid"):
        write_encapsulated_stl("model", MODEL, volume, mask[1:], analysis, colour=(0, 0, 0))
    with pytest.raises(ValueError, match="0 to 255"):
        write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(0, 0, 256))
    with pytest.raises(ValueError, match="CID 7061"):
        write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(0, 0, 0), concept=codes.SCT.Liver)
    with pytest.raises(ValueError, match="CID 7064"):
        write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(0, 0, 0), usage=codes.SCT.Liver)
    intent = Code("129013", "DCM", "Planning Intent")
    written = write_encapsulated_stl("model", MODEL, volume, mask, analysis, colour=(0, 0, 0), usage=intent)
    assert written.ModelUsageCodeSequence[0].CodeValue == "129013"
