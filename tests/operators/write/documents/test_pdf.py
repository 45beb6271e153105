from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta, timezone
from io import BytesIO

import pikepdf
import pytest
from matplotlib.figure import Figure

from operators.write.documents.pdf import check_pdf, pages_pdf
from operators.write.summary_page import draw_summary
from tests.operators.write.test_summary_page import page

CREATED = datetime(2023, 7, 14, 11, 5, 6, tzinfo=timezone(timedelta(hours=2)))


def document() -> bytes:
    second = Figure(figsize=(4, 3))
    second.text(0.1, 0.5, "Größe 3,2 mL — Ж")
    return pages_pdf([draw_summary(page()), second], "Lesions by region", "Gantry", CREATED)


@pytest.fixture(scope="module")
def opened() -> pikepdf.Pdf:
    return pikepdf.open(BytesIO(document()))


def test_pages_keep_their_sizes(opened: pikepdf.Pdf) -> None:
    sizes = [tuple(float(side) for side in sheet.mediabox) for sheet in opened.pages]
    assert sizes == [(0, 0, 16 * 72, 12 * 72), (0, 0, 4 * 72, 3 * 72)]


def test_it_says_of_itself_that_it_can_be_archived(opened: pikepdf.Pdf) -> None:
    """ISO 19005-2, 6.6: metadata in the file, which nothing else contradicts."""
    assert "/Info" not in opened.trailer
    with opened.open_metadata() as metadata:
        assert metadata.pdfa_status == "2B"
        assert metadata["dc:title"] == "Lesions by region"
        assert metadata["dc:creator"] == ["Gantry"]
        assert metadata["xmp:CreateDate"] == "2023-07-14T11:05:06+02:00"
    assert opened.pdf_version == "1.7"
    assert len(opened.trailer.ID) == 2


def test_colours_and_fonts_are_in_the_file(opened: pikepdf.Pdf) -> None:
    """ISO 19005-2, 6.2.3 and 6.2.11.4: one output intent with its profile, every font embedded with its encoding."""
    (intent,) = opened.Root.OutputIntents
    assert intent.S == "/GTS_PDFA1"
    profile = intent.DestOutputProfile.read_bytes()
    assert profile[36:40] == b"acsp"
    assert profile[16:20] == b"RGB "
    assert intent.DestOutputProfile.N == 3
    fonts = [item for item in opened.objects if isinstance(item, pikepdf.Dictionary) and item.get("/Type") == "/Font"]
    assert fonts
    for font in fonts:
        assert font.Subtype in ("/Type0", "/CIDFontType2")
        if font.Subtype == "/CIDFontType2":
            assert "/FontFile2" in font.FontDescriptor
        else:
            assert "/ToUnicode" in font


def test_nothing_in_it_acts_or_hides(opened: pikepdf.Pdf) -> None:
    """ISO 19005-2, 6.1.3, 6.5 and 6.8: no encryption, scripts, actions, forms or files."""
    assert not opened.is_encrypted
    assert not opened.attachments
    for name in ("/OpenAction", "/AA", "/AcroForm", "/Names"):
        assert name not in opened.Root
    for item in opened.objects:
        if isinstance(item, pikepdf.Stream):
            assert "/F" not in item
            assert item.get("/Filter") != "/LZWDecode"
        if isinstance(item, pikepdf.Dictionary):
            assert item.get("/S") not in ("/JavaScript", "/Launch", "/URI")


def test_the_same_pages_give_the_same_bytes() -> None:
    assert document() == document()


def test_a_document_has_a_page() -> None:
    with pytest.raises(ValueError, match="at least one page"):
        pages_pdf([], "t", "a", CREATED)


def test_a_character_without_a_glyph_is_an_error() -> None:
    figure = Figure(figsize=(4, 3))
    figure.text(0.1, 0.5, "大脑")
    with pytest.raises(ValueError, match="missing from font"):
        pages_pdf([figure], "t", "a", CREATED)


def test_what_is_no_pdf_is_named() -> None:
    check_pdf(document())
    for wrong in (b"", b"%PDF-1.7 and nothing else", b"PK\x03\x04"):
        with pytest.raises(ValueError, match="no PDF"):
            check_pdf(wrong)
    empty, locked = BytesIO(), BytesIO()
    pikepdf.new().save(empty)
    with pytest.raises(ValueError, match="no page"):
        check_pdf(empty.getvalue())
    for owner, user in (("o", "u"), ("o", "")):
        with pikepdf.open(BytesIO(document())) as plain:
            plain.save(locked, encryption=pikepdf.Encryption(owner=owner, user=user))
        with pytest.raises(ValueError, match="encrypted"):
            check_pdf(locked.getvalue())


def test_a_missing_library_is_not_a_wrong_document() -> None:
    program = "import sys; sys.modules['pikepdf'] = None; import operators.write.documents.pdf"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode
    assert done.stderr.splitlines()[-1].startswith("ModuleNotFoundError: import of pikepdf halted")
