"""File names as texts: on Linux they are bytes, and not all of them are UTF-8."""

from __future__ import annotations


def file_name_text(name: str) -> str:
    r"""Return a name as Python holds it (PEP 383) as a text that can be encoded: ``M\xfcller.dcm`` for other bytes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
