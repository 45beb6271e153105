"""Texts of headers and file names, made safe to print."""

from __future__ import annotations

# Control Pictures (U+2400) of the C0 controls and of DEL; lines and tabs are laid out by whoever prints.
_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
_CONTROLS = _PICTURES | dict.fromkeys(range(0x80, 0xA0), "\N{REPLACEMENT CHARACTER}")


def printable(text: str) -> str:
    """Return a text without what a terminal would obey: escape sequences of a header could forge what is shown."""
    return text.translate(_CONTROLS)
