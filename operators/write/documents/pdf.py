"""Pages → PDF/A-2b (ISO 19005-2), which is meant to be kept: fonts, colours and description are all in the file."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from datetime import datetime
from io import BytesIO

import pikepdf
from matplotlib import rc_context
from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from operators.write.base.srgb import srgb_profile


def pages_pdf(pages: Sequence[Figure], title: str, author: str, created: datetime, language: str = "en") -> bytes:
    """Return figures as the pages of a PDF/A-2b document, each of its own size; its text can be searched and copied.

    ``created`` is timezone-aware; the same pages give the same bytes. Raises :class:`ValueError` without any page, and
    for a character that the page's font does not have.
    """
    if not pages:
        raise ValueError("a document has at least one page")
    drawn = BytesIO()
    # Type 42 embeds TrueType outlines, with which text stays text; Type 3 is the default.
    with (
        rc_context({"pdf.fonttype": 42, "pdf.compression": 6}),
        PdfPages(drawn, metadata={"Title": title, "Author": author, "CreationDate": created}) as document,
        warnings.catch_warnings(),
    ):
        # ISO 19005-2, 6.2.11.8: nothing may be shown as the box that stands for an unknown character.
        warnings.filterwarnings("error", message="Glyph .* missing from font")
        try:
            for page in pages:
                document.savefig(page, facecolor=page.get_facecolor())
        except UserWarning as warning:
            raise ValueError(f"a page cannot be written: {warning}") from warning
    return _archivable(drawn, title, author, created, language)


def _archivable(drawn: BytesIO, title: str, author: str, created: datetime, language: str) -> bytes:
    """Add what ISO 19005-2 asks for: output intent (6.2.3), metadata (6.6.2), language, file identifier (6.1.3)."""
    with pikepdf.open(drawn) as document:
        profile = document.make_stream(srgb_profile())
        profile.N = 3
        intent = pikepdf.Dictionary(
            Type=pikepdf.Name.OutputIntent,
            S=pikepdf.Name.GTS_PDFA1,
            OutputConditionIdentifier=pikepdf.String("sRGB"),
            Info=pikepdf.String("sRGB IEC61966-2.1"),
            DestOutputProfile=profile,
        )
        document.Root.OutputIntents = pikepdf.Array([document.make_indirect(intent)])
        document.Root.Lang = pikepdf.String(language)
        document.Root.MarkInfo = pikepdf.Dictionary(Marked=False)
        with document.open_metadata(set_pikepdf_as_editor=False) as metadata:
            moment = created.isoformat(timespec="seconds")
            metadata["dc:title"] = title
            metadata["dc:creator"] = [author]
            metadata["dc:language"] = {language}
            metadata["xmp:CreateDate"] = moment
            metadata["xmp:ModifyDate"] = moment
            metadata["pdfaid:part"] = "2"
            metadata["pdfaid:conformance"] = "B"
        # What the metadata say is not said a second time.
        del document.trailer.Info
        written = BytesIO()
        document.save(
            written,
            deterministic_id=True,
            object_stream_mode=pikepdf.ObjectStreamMode.disable,
            min_version="1.7",
            fix_metadata_version=False,
        )
    return written.getvalue()


def check_pdf(document: bytes) -> None:
    """Raise :class:`ValueError` unless a document is a PDF that anybody can open and that has a page."""
    try:
        with pikepdf.open(BytesIO(document)) as opened:
            if opened.is_encrypted:
                raise ValueError("the PDF is encrypted: who receives it could not print or copy it")
            if not len(opened.pages):
                raise ValueError("the PDF has no page")
    except pikepdf.PasswordError as error:
        raise ValueError("the PDF is encrypted: who receives it could not open it") from error
    except pikepdf.PdfError as error:
        raise ValueError(f"the document is no PDF: {error}") from error
